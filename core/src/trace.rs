//! Trace points, to look for a mistake: they go to `log`, to `defmt`, to both or nowhere,
//! as the features say.

/// Says what happens, in words that both can format. Without the features, nothing is left of it. A
/// crate that uses it has the same features, and what they need, itself.
#[doc(hidden)]
#[macro_export]
macro_rules! trace {
    ($words:literal $(, $value:expr)*) => {{
        #[cfg(feature = "log")]
        ::log::debug!($words $(, $value)*);
        #[cfg(feature = "defmt")]
        ::defmt::debug!($words $(, $value)*);
        #[cfg(not(any(feature = "log", feature = "defmt")))]
        {
            $(let _ = &$value;)*
        }
    }};
}
