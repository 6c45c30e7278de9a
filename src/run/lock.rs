//! One writer a run: an advisory lock that the operating system takes back from a dead process.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{disk::Disk, error::RunError};

/// The locked file; it stays empty, because on Windows nobody could read what stands in it.
const LOCK_FILE: &str = "run.lock";
/// The number of the process that holds the lock.
const PID_FILE: &str = "run.pid";

/// A watcher that asks whether the run is live holds the lock for a moment; a writer waits that long.
const TRIES: u32 = 6;
const BETWEEN_TRIES: Duration = Duration::from_millis(30);

/// The right to write a run, held until this is dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct RunLock {
    /// Unlocked when it is closed.
    _file: File,
    pid_file: PathBuf,
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
        let path = run.join(LOCK_FILE);
        let mut file = disk.open_to_go_on(&path).map_err(RunError::io("open the lock file", &path))?;
        let file = file.reading().try_clone().map_err(RunError::io("open the lock file", &path))?;
        let pid_file = run.join(PID_FILE);
        for tried in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tried < TRIES => thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::WouldBlock) => {
                    return Err(RunError::Locked { path: run.to_path_buf(), pid: read_pid(&pid_file) });
                }
                Err(TryLockError::Error(cause)) => return Err(RunError::io("lock", &path)(cause)),
            }
        }
        disk.replace_file(&pid_file, std::process::id().to_string().as_bytes())
            .map_err(RunError::io("write", &pid_file))?;
        Ok(Self { _file: file, pid_file })
    }

    /// Whether some process holds the lock of this run now. A run that cannot be asked is not live.
    pub fn is_held(run: &Path) -> bool {
        File::open(run.join(LOCK_FILE))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Only a courtesy: a number left behind is never believed while the lock is free.
        let _ = fs::remove_file(&self.pid_file);
    }
}

fn read_pid(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
