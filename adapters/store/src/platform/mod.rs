//! All that differs by operating system, and nothing else of this crate does: files and folders of
//! one user, and the lock that excludes other processes. `unix` and `windows` have the same
//! functions.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::check_private;
#[cfg(unix)]
pub(crate) use unix::{
    hold_lock, make_private, open_private, private_folder, remove_empty, state_folder, sync,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::check_private;
#[cfg(windows)]
pub(crate) use windows::{
    hold_lock, make_private, open_private, private_folder, remove_empty, state_folder, sync,
};
