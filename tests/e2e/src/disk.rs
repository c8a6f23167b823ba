//! Small file systems in memory, which fill up. Needs root and `mount`.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A small file system in memory, unmounted on drop.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts a file system of this size, such as `2m`; `None`, with the reason on stderr, if the
    /// system does not permit it.
    ///
    /// # Panics
    /// Panics if the system does not permit it, and skipping is not allowed (`CHATAPP_NO_SKIP` is
    /// set).
    pub fn of(size: &str) -> Option<Self> {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let options = format!("size={size},mode=0700");
        if mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], folder.path()) {
            return Some(Self(folder));
        }
        assert!(
            std::env::var_os("CHATAPP_NO_SKIP").is_none(),
            "no file system can be mounted"
        );
        eprintln!("skipped: no file system can be mounted");
        None
    }

    /// Returns the folder in which it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Changes an option of the mounted file system, such as `ro` or `size=4m`.
    ///
    /// # Panics
    /// Panics if the system does not permit it.
    pub fn is_remounted(&self, option: &str) {
        let option = format!("remount,{option}");
        assert!(mount(&["-o", &option], self.path()), "no {option}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()));
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(folder).output();
    output.is_ok_and(|output| output.status.success())
}
