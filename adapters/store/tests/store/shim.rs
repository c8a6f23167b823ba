//! SQLite VFS that records writes and syncs, and fails on request. It produces every state that a
//! power cut may leave: all synced data, and any sectors of the rest.
//!
//! It wraps the default VFS and replaces some of its methods.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use rusqlite::ffi;

/// Unit that a disk writes atomically.
const SECTOR: usize = 512;

/// A change of the files.
#[derive(Clone, Debug)]
enum Step {
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        len: usize,
    },
    Sync {
        file: String,
    },
    Delete {
        file: String,
    },
}

#[derive(Default)]
struct State {
    steps: Mutex<Vec<Step>>,
    /// Result code of each write; 0 for success.
    failure: AtomicI32,
}

/// A registered VFS; it stays registered until the process ends.
pub(crate) struct Shim {
    name: String,
    state: Arc<State>,
}

/// An open file: its shim, its name, and its original methods.
#[derive(Clone)]
struct Open {
    state: Arc<State>,
    name: String,
    real: usize,
}

static SYSTEMS: LazyLock<Mutex<HashMap<usize, Arc<State>>>> = LazyLock::new(Mutex::default);
static FILES: LazyLock<Mutex<HashMap<usize, Open>>> = LazyLock::new(Mutex::default);
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Shim {
    /// Registers a new VFS.
    pub(crate) fn new() -> Self {
        let name = format!("shim{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let state = Arc::<State>::default();
        let c_name = CString::new(name.clone())
            .expect("no zero in it")
            .into_raw();
        // SAFETY: the default file system exists once SQLite is initialised, and lives as long as
        // the process; the copy is leaked, as SQLite wants it.
        unsafe {
            ffi::sqlite3_initialize();
            let real = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!real.is_null());
            let mut copy = *real;
            copy.pNext = std::ptr::null_mut();
            copy.zName = c_name;
            copy.xOpen = Some(open);
            copy.xDelete = Some(delete);
            let copy = Box::into_raw(Box::new(copy));
            SYSTEMS
                .lock()
                .unwrap()
                .insert(copy as usize, Arc::clone(&state));
            assert_eq!(ffi::sqlite3_vfs_register(copy, 0), ffi::SQLITE_OK);
        }
        Self { name, state }
    }

    /// Returns the name with which to open a store.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Lets each later write and sync fail with this code; 0 ends that.
    pub(crate) fn fails_writes_with(&self, code: c_int) {
        self.state.failure.store(code, Ordering::SeqCst);
    }

    /// Returns the number of steps so far.
    pub(crate) fn steps(&self) -> usize {
        self.state.steps.lock().unwrap().len()
    }

    /// Returns the number of syncs so far.
    pub(crate) fn syncs(&self) -> usize {
        let steps = self.state.steps.lock().unwrap();
        let syncs = steps
            .iter()
            .filter(|step| matches!(step, Step::Sync { .. }));
        syncs.count()
    }

    /// Copies to `to` the files that a power cut after `steps` leaves, given the files in `base`
    /// before the first step.
    pub(crate) fn cut(&self, steps: usize, base: &Path, to: &Path, random: &mut fastrand::Rng) {
        let mut disk = Disk::default();
        for entry in fs::read_dir(base).unwrap() {
            let path = entry.unwrap().path();
            disk.synced
                .insert(file_name(&path), fs::read(&path).unwrap());
        }
        for step in &self.state.steps.lock().unwrap()[..steps] {
            disk.takes(step, random);
        }
        disk.loses_power(random);
        for (name, bytes) in disk.synced {
            fs::write(to.join(name), bytes).unwrap();
        }
    }
}

/// Files on a disk, and the writes that are not synced yet.
#[derive(Default)]
struct Disk {
    synced: BTreeMap<String, Vec<u8>>,
    waiting: Vec<Step>,
}

impl Disk {
    fn takes(&mut self, step: &Step, random: &mut fastrand::Rng) {
        match step {
            Step::Sync { file: synced } => {
                let waiting = std::mem::take(&mut self.waiting);
                for step in waiting {
                    if step.file() == synced {
                        self.does(&step);
                    } else {
                        self.waiting.push(step);
                    }
                }
            }
            Step::Delete { file } => {
                // The written bytes are lost, but the file may reappear.
                self.waiting.retain(|step| step.file() != file);
                if random.bool() {
                    self.synced.remove(file);
                } else {
                    self.waiting.push(step.clone());
                }
            }
            _ => self.waiting.push(step.clone()),
        }
    }

    fn does(&mut self, step: &Step) {
        match step {
            Step::Write { file, at, bytes } => {
                let content = self.synced.entry(file.clone()).or_default();
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Step::Truncate { file, len } => {
                self.synced.entry(file.clone()).or_default().resize(*len, 0);
            }
            Step::Delete { file } => {
                self.synced.remove(file);
            }
            Step::Sync { .. } => {}
        }
    }

    /// Applies a random part of the unsynced writes: all, none, some, or some of their sectors.
    fn loses_power(&mut self, random: &mut fastrand::Rng) {
        let chance = [0, 30, 70, 100][random.usize(..4)];
        for step in std::mem::take(&mut self.waiting) {
            let Step::Write { file, at, bytes } = &step else {
                if random.u8(..100) < chance {
                    self.does(&step);
                }
                continue;
            };
            for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                if random.u8(..100) < chance {
                    self.does(&Step::Write {
                        file: file.clone(),
                        at: at + number * SECTOR,
                        bytes: sector.to_owned(),
                    });
                }
            }
        }
    }
}

impl Step {
    fn file(&self) -> &str {
        match self {
            Self::Write { file, .. }
            | Self::Truncate { file, .. }
            | Self::Sync { file }
            | Self::Delete { file } => file,
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Returns the default VFS.
fn real_system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: SQLite is initialised whenever one of its files is used.
    unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) }
}

unsafe extern "C" fn open(
    system: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with its own arguments, which go to the default file system as they
    // are. The file that it opens is one of that system; only its table of methods is exchanged
    // for a copy with some functions of this file.
    unsafe {
        let real = real_system();
        let result = (*real).xOpen.unwrap()(real, path, file, flags, out_flags);
        if result != ffi::SQLITE_OK || path.is_null() || (*file).pMethods.is_null() {
            return result;
        }
        let name = file_name(Path::new(CStr::from_ptr(path).to_str().unwrap()));
        let state = Arc::clone(&SYSTEMS.lock().unwrap()[&(system as usize)]);
        let real = (*file).pMethods;
        let mut methods = std::ptr::read(real);
        methods.xWrite = Some(write);
        methods.xTruncate = Some(truncate);
        methods.xSync = Some(sync);
        methods.xClose = Some(close);
        (*file).pMethods = Box::into_raw(Box::new(methods));
        let open = Open {
            state,
            name,
            real: real as usize,
        };
        FILES.lock().unwrap().insert(file as usize, open);
        result
    }
}

unsafe extern "C" fn delete(
    system: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: as above.
    unsafe {
        let state = Arc::clone(&SYSTEMS.lock().unwrap()[&(system as usize)]);
        let file = file_name(Path::new(CStr::from_ptr(path).to_str().unwrap()));
        state.steps.lock().unwrap().push(Step::Delete { file });
        let real = real_system();
        (*real).xDelete.unwrap()(real, path, sync_folder)
    }
}

/// The open file, and its real methods.
///
/// # Safety
/// The file was opened by `open`.
unsafe fn found(file: *mut ffi::sqlite3_file) -> (Open, &'static ffi::sqlite3_io_methods) {
    let open = FILES.lock().unwrap()[&(file as usize)].clone();
    // SAFETY: the tables of methods of the default file system are constants.
    let real = unsafe { &*(open.real as *const ffi::sqlite3_io_methods) };
    (open, real)
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    len: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `len` bytes are there to be written, and `file` is open.
    unsafe {
        let (open, real) = found(file);
        let failure = open.state.failure.load(Ordering::SeqCst);
        if failure != 0 {
            return failure;
        }
        let written = std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(len).unwrap());
        open.state.steps.lock().unwrap().push(Step::Write {
            file: open.name,
            at: usize::try_from(at).unwrap(),
            bytes: written.to_owned(),
        });
        real.xWrite.unwrap()(file, bytes, len, at)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: ffi::sqlite3_int64) -> c_int {
    // SAFETY: `file` is open.
    unsafe {
        let (open, real) = found(file);
        open.state.steps.lock().unwrap().push(Step::Truncate {
            file: open.name,
            len: usize::try_from(len).unwrap(),
        });
        real.xTruncate.unwrap()(file, len)
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: `file` is open.
    unsafe {
        let (open, real) = found(file);
        let failure = open.state.failure.load(Ordering::SeqCst);
        if failure != 0 {
            return failure;
        }
        // The shim records the sync after it happened: a cut in between must not promise too much.
        let result = real.xSync.unwrap()(file, flags);
        open.state
            .steps
            .lock()
            .unwrap()
            .push(Step::Sync { file: open.name });
        result
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `file` is open, and gets back the methods that it was opened with; the copy was made
    // by `open`.
    unsafe {
        let (_, real) = found(file);
        FILES.lock().unwrap().remove(&(file as usize));
        let copy = (*file).pMethods.cast_mut();
        (*file).pMethods = real;
        drop(Box::from_raw(copy));
        real.xClose.unwrap()(file)
    }
}
