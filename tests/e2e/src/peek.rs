//! Reads the memory of a running process.

use super::Process;

/// All memory of a process at one moment.
#[derive(Debug)]
pub struct Memory(Vec<Vec<u8>>);

impl Memory {
    /// Reads all memory that the process can read; `None`, with the reason on stderr, if the system
    /// does not permit it.
    ///
    /// # Panics
    /// Panics if the system does not permit it, and skipping is not allowed (`CHATAPP_NO_SKIP` is
    /// set).
    pub fn of(process: &Process) -> Option<Self> {
        match read(process) {
            Ok(ranges) => Some(Self(ranges)),
            Err(reason) => {
                assert!(
                    std::env::var_os("CHATAPP_NO_SKIP").is_none(),
                    "no memory of others: {reason}"
                );
                eprintln!("skipped: no memory of others: {reason}");
                None
            }
        }
    }

    /// Returns whether the memory contains these bytes.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let mut ranges = self.0.iter();
        ranges.any(|range| range.windows(bytes.len()).any(|part| part == bytes))
    }
}

/// Reads the contents of all ranges while the process is stopped.
#[cfg(target_os = "linux")]
fn read(process: &Process) -> Result<Vec<Vec<u8>>, String> {
    use std::fs::{File, read_to_string};

    let folder = format!("/proc/{}", process.id());
    process.stands_still();
    let opened = read_to_string(format!("{folder}/maps"))
        .and_then(|maps| Ok((maps, File::open(format!("{folder}/mem"))?)));
    let ranges = opened.map(|(maps, memory)| {
        let readable = maps.lines().filter_map(readable_range);
        readable.map(|range| content(&memory, range)).collect()
    });
    process.goes_on();
    ranges.map_err(|error| format!("{folder}: {error}"))
}

#[cfg(not(target_os = "linux"))]
fn read(_: &Process) -> Result<Vec<Vec<u8>>, String> {
    Err("only Linux shows it".to_owned())
}

/// Parses the range of a readable line such as `7f0c00000000-7f0c00021000 rw-p 00000000 00:00 0`.
#[cfg(target_os = "linux")]
fn readable_range(line: &str) -> Option<std::ops::Range<u64>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let address = |digits| u64::from_str_radix(digits, 16).ok();
    let range = address(start)?..address(end)?;
    rest.starts_with('r').then_some(range)
}

/// Returns the readable content of a range: some ranges belong to the kernel, or are longer than
/// the file that they map.
#[cfg(target_os = "linux")]
fn content(memory: &std::fs::File, range: std::ops::Range<u64>) -> Vec<u8> {
    use std::os::unix::fs::FileExt;

    const STEP: usize = 0x1_0000;
    let mut content = Vec::new();
    let mut at = range.start;
    let mut buffer = [0; STEP];
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(STEP);
        match memory.read_at(&mut buffer[..left.min(STEP)], at) {
            Ok(0) | Err(_) => break,
            Ok(len) => {
                content.extend_from_slice(&buffer[..len]);
                at += len as u64;
            }
        }
    }
    content
}
