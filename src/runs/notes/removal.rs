//! Removes a run for good.

use std::{ffi::OsStr, io, path::Path};

use super::{Lies, RunDirectory, RunError};
use crate::{
    runs::{
        directory::CONFIG,
        lock::{self, RunLock},
    },
    system::files::{Folder, Kind},
};

/// Deletes a run of ours that lies in the folder `runs`, with everything in its folder. Links in it go, what they lead to
/// stays.
///
/// # Errors
/// A run that is running, a folder that is no run of ours or is not in `runs`, or the disk's error. What is left after
/// an error of the disk can be deleted again.
pub fn delete(runs: &Path, run: &RunDirectory) -> Result<(), RunError> {
    let lies = Lies::of_ours(runs, run)?;
    lies.must_be_at_rest(run)?;
    // Nobody may begin to write it now.
    let lock = RunLock::acquire_on(run.disk(), run.path())?;
    let folder = lies.root.folder(&lies.name).map_err(RunError::io("open the folder", run.path()))?;
    let failed = |name: &OsStr, cause| RunError::io("delete", &run.path().join(name))(cause);
    for name in folder.names().map_err(RunError::io("list the folder", run.path()))? {
        // The configuration says that it is a run, so it goes when all else has gone.
        if name != CONFIG && !lock::FILES.iter().any(|of_lock| name == *of_lock) {
            remove(run, &folder, &name).map_err(|cause| failed(&name, cause))?;
        }
    }
    let config = OsStr::new(CONFIG);
    remove(run, &folder, config).map_err(|cause| failed(config, cause))?;
    drop(lock);
    run.disk().remove_folder(&lies.root, &lies.name).map_err(RunError::io("delete", run.path()))?;
    run.disk().sync_folder(&lies.root).map_err(RunError::io("sync the folder", runs))
}

fn remove(run: &RunDirectory, folder: &Folder, name: &OsStr) -> io::Result<()> {
    match folder.find(name)? {
        Some(found) if found.kind == Kind::Folder => run.disk().remove_folder(folder, name),
        Some(_) => run.disk().remove_file(folder, name),
        None => Ok(()),
    }
}
