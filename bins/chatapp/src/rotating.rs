//! Log files that are replaced when they are full.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::platform::files::append_private;

/// Earlier files that are kept: `log.1` is the latest of them.
const KEPT: u32 = 4;

/// A log file for its owner alone. A write is never divided between two files.
#[derive(Debug)]
pub(crate) struct RotatingFile {
    path: PathBuf,
    file: File,
    len: u64,
    len_max: u64,
}

impl RotatingFile {
    /// Opens a log and continues it. At `len_max` bytes another file begins.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    pub(crate) fn open(path: &Path, len_max: u64) -> io::Result<Self> {
        let mut file = open_private(path)?;
        let mut len = file.metadata()?.len();
        if len > 0 && !ends_a_line(path, len)? {
            // The process before was killed, or its disk was full, within a line.
            file.write_all(b"\n")?;
            len += 1;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            len,
            len_max,
        })
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..=KEPT).rev() {
            let older = numbered(&self.path, number);
            let newer = match number {
                1 => self.path.clone(),
                _ => numbered(&self.path, number - 1),
            };
            match fs::rename(newer, older) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open_private(&self.path)?;
        Ok(())
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.len > 0 && self.len + bytes.len() as u64 > self.len_max {
            // Without the right to do so, the file grows on.
            let _ = self.rotate();
            self.len = 0;
        }
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Returns the files of a log that may exist, the oldest first.
pub(crate) fn files(path: &Path) -> impl Iterator<Item = PathBuf> {
    let older = (1..=KEPT).rev().map(|number| numbered(path, number));
    older.chain([path.to_owned()])
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

fn ends_a_line(path: &Path, len: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut last = [0];
    file.seek(SeekFrom::Start(len - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Opens a regular file, which others cannot read from then on. A pipe would hold the start up.
fn open_private(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is no regular file"));
    }
    append_private(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(path: &Path) -> Vec<String> {
        let read = |path: PathBuf| fs::read_to_string(path).ok();
        files(path).filter_map(read).collect()
    }

    #[test]
    fn begins_another_file_when_one_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = RotatingFile::open(&path, 8).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(content(&path), ["one\ntwo\n", "three\n"]);
        drop(log);
        // The next process goes on; the oldest of five files is dropped.
        let mut log = RotatingFile::open(&path, 8).unwrap();
        for number in 4..8 {
            log.write_all(format!("line {number}\n").as_bytes())
                .unwrap();
        }
        let kept = ["three\n", "line 4\n", "line 5\n", "line 6\n", "line 7\n"];
        assert_eq!(content(&path), kept);
    }

    #[test]
    fn refuses_what_is_no_regular_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = RotatingFile::open(folder.path(), 8).unwrap_err();
        assert_eq!(error.to_string(), "it is no regular file");
    }

    #[test]
    fn ends_the_last_line_of_a_killed_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "half").unwrap();
        let mut log = RotatingFile::open(&path, 100).unwrap();
        log.write_all(b"whole\n").unwrap();
        assert_eq!(content(&path), ["half\nwhole\n"]);
    }
}
