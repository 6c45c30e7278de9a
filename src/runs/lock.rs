//! One writer per run: an advisory lock, which the operating system releases when its process dies.
//!
//! Only its owner may open the lock file, because anyone who can open a file can lock it, and keep it locked.
//! But the file can be deleted, and a second writer would then create another. So before each write the
//! writer checks that the file is still the one that it locked, and it also locks the run directory itself if
//! the file system allows that.

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

/// The locked file; it stays empty, because on Windows nobody else could read its content.
const LOCK_FILE: &str = "run.lock";
/// A new lock file, about to replace one that others may open.
const NEW_LOCK_FILE: &str = "run.lock.partial";
/// Holds the process id of the lock's holder.
const PID_FILE: &str = "run.pid";
/// The files of a lock, which stay while it is held.
pub(super) const FILES: [&str; 2] = [LOCK_FILE, PID_FILE];

/// A watcher that checks whether the run is live holds the lock for a moment; a writer retries for that long.
const TRIES: u32 = 6;
/// A second writer that found the lock file deleted holds a new one until it finds the directory locked too.
const TRIES_OF_THE_WRITER: u32 = 4 * TRIES;
const BETWEEN_TRIES: Duration = Duration::from_millis(30);

/// The right to write a run, held until this is dropped or the process ends in any way.
#[derive(Debug)]
pub struct RunLock {
    disk: Disk,
    /// The run directory, also locked if the file system supports it.
    folder: Folder,
    /// Unlocked when closed. Replaced if the lock file was deleted.
    file: Mutex<File>,
}

impl RunLock {
    /// Takes the lock, or names the process that has it.
    pub fn acquire(run: &Path) -> Result<Self, RunError> {
        Self::acquire_on(&Disk::default(), run)
    }

    /// Like [`RunLock::acquire`], on a given disk.
    ///
    /// # Errors
    /// As for [`RunLock::acquire`].
    pub(crate) fn acquire_on(disk: &Disk, run: &Path) -> Result<Self, RunError> {
        let folder = Folder::open(run).map_err(RunError::io("open the folder", run))?;
        let file = lock_file(disk, &folder, TRIES)?;
        lock_folder(&folder)?;
        let lock = Self { disk: disk.clone(), folder, file: Mutex::new(file) };
        lock.write_pid()?;
        Ok(lock)
    }

    /// The open run directory: it stays the same directory wherever it is moved.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Checks that the run may still be written: its directory is where it was, and the lock is ours. A
    /// deleted lock file is put back.
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

    /// Whether some process holds the lock of this run now. A run whose lock cannot be read counts as not
    /// live.
    pub(crate) fn is_held(run: &Path) -> bool {
        let Ok(folder) = Folder::open(run) else { return false };
        if folder.read(LOCK_FILE).is_ok_and(|file| is_locked(file.try_lock_shared())) {
            return true;
        }
        // The file may belong to another user, or was deleted a moment ago.
        is_locked(folder.try_lock_shared())
            && read_pid(&folder).is_some_and(|pid| state_of(pid) != Process::Dead)
    }
}

/// The recorded writer of a run, if it is alive.
pub(super) fn writer(run: &Path) -> Option<u32> {
    living_writer(&Folder::open(run).ok()?)
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Only a courtesy: a stale process id is never believed while the lock is free.
        if read_pid(&self.folder) == Some(std::process::id()) {
            let _ = self.folder.remove_file(PID_FILE);
        }
    }
}

/// Locks the lock file of a run, creating it if necessary.
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
        // A file that others may open can be held by anybody; a real writer has recorded its process id.
        let by_anybody = found.is_shared && !renewed;
        match locked {
            true if by_anybody => {}
            // Make sure it was not deleted between opening and locking.
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

/// Replaces a lock file that others may open with one that only its owner may open.
fn renew(folder: &Folder) -> std::io::Result<()> {
    clear_leftover(folder, NEW_LOCK_FILE)?;
    folder.create_private(NEW_LOCK_FILE)?;
    folder.rename(NEW_LOCK_FILE, LOCK_FILE)
}

/// Locks the run directory itself, so that a second writer finds it locked even if the file was deleted.
/// Anybody who may read the directory can lock it, so it only counts while the writer that recorded its
/// process id lives. If the file system cannot lock directories, the lock file alone has to do.
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

/// The recorded writer of the run, if that process is alive and belongs to this user.
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
