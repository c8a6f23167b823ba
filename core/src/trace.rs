//! Trace points for debugging. The features decide whether they go to `log`, to `defmt`, to both or
//! nowhere.

/// Writes a trace message, in the format syntax that `log` and `defmt` share. Without the features,
/// it compiles to nothing. A crate that uses it must have the same features and dependencies.
#[doc(hidden)]
#[macro_export]
macro_rules! trace {
    ($format:literal $(, $value:expr)*) => {{
        #[cfg(feature = "log")]
        ::log::debug!($format $(, $value)*);
        #[cfg(feature = "defmt")]
        ::defmt::debug!($format $(, $value)*);
        #[cfg(not(any(feature = "log", feature = "defmt")))]
        {
            $(let _ = &$value;)*
        }
    }};
}
