//! One writer a run: an advisory lock that the operating system takes back from a dead process.
//!
//! The lock is a file that its owner alone may open, because who can open a file can lock it, and keep it locked. A file
//! can be deleted, and a second writer would find none and make another. So the writer looks before each write whether
//! the file is still the one that it has locked, and locks the run directory itself as well, where that is possible.

use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::{
    disk::{Disk, clear_leftover},
    error::RunError,
};
use crate::system::files::{self, Folder, Found};

/// The locked file; it stays empty, because on Windows nobody could read what stands in it.
const LOCK_FILE: &str = "run.lock";
/// A lock file that is about to take the place of one that others may open.
const NEW_LOCK_FILE: &str = "run.lock.partial";
/// The number of the process that holds the lock.
const PID_FILE: &str = "run.pid";

/// A watcher that asks whether the run is live holds the lock for a moment; a writer waits that long.
const TRIES: u32 = 6;
/// Whoever finds that the lock file was deleted holds another one until it finds the directory locked too.
const TRIES_OF_THE_WRITER: u32 = 4 * TRIES;
const BETWEEN_TRIES: Duration = Duration::from_millis(30);

/// The right to write a run, held until this is dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct RunLock {
    disk: Disk,
    /// The run directory, locked too where the file system can do that.
    folder: Folder,
    /// Unlocked when it is closed. Another one once it was deleted.
    file: Mutex<File>,
}

impl RunLock {
    /// Takes the lock, or says which process has it.
    pub fn acquire(run: &Path) -> Result<Self, RunError> {
        Self::acquire_on(&Disk::default(), run)
    }

    /// The same on a given disk.
    ///
    /// # Errors
    /// As [`RunLock::acquire`].
    pub(crate) fn acquire_on(disk: &Disk, run: &Path) -> Result<Self, RunError> {
        let folder = Folder::open(run).map_err(RunError::io("open the folder", run))?;
        let file = lock_file(disk, &folder, TRIES)?;
        lock_folder(&folder)?;
        let lock = Self { disk: disk.clone(), folder, file: Mutex::new(file) };
        lock.write_pid()?;
        Ok(lock)
    }

    /// The run directory, open: it stays the same one wherever it is moved.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether the run may still be written: its directory is where it was, and the lock ours. One that somebody deleted
    /// is put back.
    ///
    /// # Errors
    /// A sentence that says who has the run now, or that it is gone.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        let run = self.folder.path();
        if !self.folder.is_at_its_path().map_err(RunError::io("look at", run))? {
            return Err(RunError::Gone { path: run.to_path_buf() });
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.folder.holds(LOCK_FILE, &file).map_err(RunError::io("look at", &run.join(LOCK_FILE)))? {
            return Ok(());
        }
        *file = lock_file(&self.disk, &self.folder, TRIES_OF_THE_WRITER).map_err(|error| match error {
            RunError::Locked { path, pid } => RunError::Taken { path, pid },
            other => other,
        })?;
        if read_pid(&self.folder) == Some(std::process::id()) { Ok(()) } else { self.write_pid() }
    }

    fn write_pid(&self) -> Result<(), RunError> {
        self.disk
            .replace_file(&self.folder, PID_FILE, std::process::id().to_string().as_bytes())
            .map_err(RunError::io("write", &self.folder.path().join(PID_FILE)))
    }

    /// Whether some process holds the lock of this run now. A run that cannot be asked is not live.
    pub fn is_held(run: &Path) -> bool {
        let Ok(folder) = Folder::open(run) else { return false };
        if folder.read(LOCK_FILE).is_ok_and(|file| is_locked(file.try_lock_shared())) {
            return true;
        }
        // The file may be another user's, or was deleted a moment ago.
        is_locked(folder.try_lock_shared())
            && read_pid(&folder).is_some_and(|pid| state_of(pid) != Process::Dead)
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Only a courtesy: a number left behind is never believed while the lock is free.
        if read_pid(&self.folder) == Some(std::process::id()) {
            let _ = self.folder.remove_file(PID_FILE);
        }
    }
}

/// Locks the file of a run, which is made where there is none.
fn lock_file(disk: &Disk, folder: &Folder, tries: u32) -> Result<File, RunError> {
    let path = folder.path().join(LOCK_FILE);
    let said = |action| RunError::io(action, &path);
    let mut renewed = false;
    for tried in 1.. {
        let file = disk.open_private(folder, LOCK_FILE).map_err(said("open the lock file"))?;
        let found = Found::of(&file).map_err(said("look at"))?;
        if found.is_foreign {
            return Err(RunError::ForeignLock { path: path.clone() });
        }
        let locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(cause)) => return Err(said("lock")(cause)),
        };
        // One that others may open can be held by anybody; the writer, if there is one, has said its number.
        let by_anybody = found.is_shared && !renewed;
        match locked {
            true if by_anybody => {}
            // Not one that was deleted in the moment between opening and locking.
            true if folder.holds(LOCK_FILE, &file).map_err(said("look at"))? => return Ok(file),
            _ if tried < tries => {
                if !locked {
                    thread::sleep(BETWEEN_TRIES);
                }
                continue;
            }
            false if by_anybody && living_writer(folder).is_none() => {}
            _ => break,
        }
        renew(folder).map_err(said("replace"))?;
        renewed = true;
    }
    Err(RunError::Locked { path: folder.path().to_path_buf(), pid: read_pid(folder) })
}

/// Puts a lock file that its owner alone may open in the place of one that others may.
fn renew(folder: &Folder) -> std::io::Result<()> {
    clear_leftover(folder, NEW_LOCK_FILE)?;
    folder.create_private(NEW_LOCK_FILE)?;
    folder.rename(NEW_LOCK_FILE, LOCK_FILE)
}

/// Locks the run directory itself, which a second writer finds locked although the file was deleted. Anybody who may
/// read the directory can do that, so that it only counts while the writer that has said its number lives; and a file
/// system that cannot do it leaves it at the file.
fn lock_folder(folder: &Folder) -> Result<(), RunError> {
    for _ in 0..TRIES {
        if !is_locked(folder.try_lock()) {
            return Ok(());
        }
        thread::sleep(BETWEEN_TRIES);
    }
    match living_writer(folder) {
        Some(pid) => Err(RunError::Locked { path: folder.path().to_path_buf(), pid: Some(pid) }),
        None => Ok(()),
    }
}

fn is_locked(tried: Result<(), TryLockError>) -> bool {
    matches!(tried, Err(TryLockError::WouldBlock))
}

/// The process that has said that it writes the run, while it lives and is ours.
fn living_writer(folder: &Folder) -> Option<u32> {
    read_pid(folder).filter(|pid| state_of(*pid) == Process::Ours)
}

#[derive(PartialEq)]
enum Process {
    Ours,
    Foreign,
    Dead,
}

#[cfg(unix)]
fn state_of(pid: u32) -> Process {
    use rustix::{io::Errno, process};
    let Some(pid) = i32::try_from(pid).ok().and_then(process::Pid::from_raw) else { return Process::Dead };
    match process::test_kill_process(pid) {
        Ok(()) => Process::Ours,
        Err(Errno::PERM) => Process::Foreign,
        Err(_) => Process::Dead,
    }
}

#[cfg(not(unix))]
fn state_of(_pid: u32) -> Process {
    Process::Ours
}

fn read_pid(folder: &Folder) -> Option<u32> {
    const LONGEST: u64 = 32;
    let bytes = files::read_most(&folder.read(PID_FILE).ok()?, LONGEST).ok()?;
    std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
}
