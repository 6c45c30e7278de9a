//! Writing a checkpoint: under a temporary name, the manifest last, then the folder is renamed.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};

use super::{
    Checkpoint, REPLACED, folder_name,
    manifest::{FORMAT, FileEntry, Hashing, MANIFEST, Manifest, is_plain_name},
};
use crate::{
    runs::{disk::Disk, error::CheckpointError, journal::LogFile},
    system::files::{Folder, Wanted},
};

/// Suffix of a checkpoint being written.
pub(in crate::runs) const PARTIAL: &str = ".partial";
/// Size of the write buffer, bytes.
const BUFFER: usize = 1 << 20;

/// Writes one checkpoint. Dropped before [`CheckpointWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct CheckpointWriter {
    disk: Disk,
    /// The folder of checkpoints.
    folder: Folder,
    /// The one being written.
    partial: Folder,
    step: u64,
    files: BTreeMap<String, FileEntry>,
    finished: bool,
}

impl CheckpointWriter {
    /// Begins the checkpoint of a step in a folder of checkpoints, creating the folder if necessary. Removes
    /// the remains of an interrupted one: the caller holds the run's lock.
    pub fn begin(checkpoints: &Path, step: u64) -> Result<Self, CheckpointError> {
        Self::begin_on(&Disk::default(), checkpoints, step)
    }

    /// Like [`CheckpointWriter::begin`], on a given disk.
    ///
    /// # Errors
    /// As for [`CheckpointWriter::begin`].
    pub fn begin_on(disk: &Disk, checkpoints: &Path, step: u64) -> Result<Self, CheckpointError> {
        let failed = |cause| CheckpointError::io("create the folder", checkpoints)(cause);
        let (Some(home), Some(name)) = (checkpoints.parent(), checkpoints.file_name()) else {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        };
        if !home.as_os_str().is_empty() {
            fs::create_dir_all(home).map_err(failed)?;
        }
        let home = Folder::open(home).map_err(failed)?;
        let folder = disk.folder(&home, name).map_err(failed)?;
        Self::begin_within(disk, folder, step)
    }

    /// Like [`CheckpointWriter::begin`], in the folder `name` of an open folder: the checkpoint ends up
    /// inside it wherever it is moved.
    ///
    /// # Errors
    /// As for [`CheckpointWriter::begin`].
    pub(in crate::runs) fn begin_in(
        disk: &Disk,
        home: &Folder,
        name: &str,
        step: u64,
    ) -> Result<Self, CheckpointError> {
        let path = home.path().join(name);
        let folder = disk.folder(home, name).map_err(CheckpointError::io("create the folder", &path))?;
        Self::begin_within(disk, folder, step)
    }

    fn begin_within(disk: &Disk, folder: Folder, step: u64) -> Result<Self, CheckpointError> {
        let name = partial_name(step);
        let path = folder.path().join(&name);
        disk.remove_folder(&folder, &name).map_err(CheckpointError::io("remove", &path))?;
        let made = disk.create_folder(&folder, &name).and_then(|()| folder.folder(&name));
        let partial = made.map_err(CheckpointError::io("create the folder", &path))?;
        Ok(Self { disk: disk.clone(), folder, partial, step, files: BTreeMap::new(), finished: false })
    }

    /// Writes a file from bytes.
    pub fn write_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.write_with(name, |file| file.write_all(bytes))
    }

    /// Writes a file through a closure, without holding it in memory.
    pub fn write_with(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CheckpointError> {
        self.check_name(name)?;
        let path = self.partial.path().join(name);
        let write = || {
            let file = self.disk.create_file(&self.partial, name)?;
            let mut file = Hashing::new(BufWriter::with_capacity(BUFFER, file));
            content(&mut file)?;
            let (buffered, entry) = file.finish();
            buffered.into_inner().map_err(io::IntoInnerError::into_error)?.sync()?;
            Ok(entry)
        };
        let entry = write().map_err(CheckpointError::io("write", &path))?;
        self.files.insert(name.to_string(), entry);
        Ok(())
    }

    /// Writes the manifest and gives the checkpoint its name. From here on it survives a power cut. A
    /// checkpoint of the same step is replaced.
    pub fn finish(mut self) -> Result<Checkpoint, CheckpointError> {
        let manifest =
            Manifest { format: FORMAT, step: self.step, files: self.files.clone(), digest: String::new() };
        let manifest = manifest.sealed();
        let path = self.partial.path().join(MANIFEST);
        let write = || {
            let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
            let mut file = self.disk.create_file(&self.partial, MANIFEST)?;
            file.write_all(&text)?;
            file.sync()?;
            self.disk.sync_folder(&self.partial)
        };
        write().map_err(CheckpointError::io("write", &path))?;

        let (partial, target) = (partial_name(self.step), folder_name(self.step));
        let replaced = format!("{target}{REPLACED}");
        let path = self.folder.path().join(&target);
        let rename = || {
            if let Some(found) = self.folder.find(&target)? {
                Wanted::Folder.check(found.kind)?;
                // Both exist until the new one has its name; a crash in between leaves the old one under a
                // name that is still found.
                self.disk.remove_folder(&self.folder, &replaced)?;
                self.disk.rename(&self.folder, &target, &replaced)?;
            }
            self.disk.rename(&self.folder, &partial, &target)?;
            self.disk.sync_folder(&self.folder)?;
            self.disk.remove_folder(&self.folder, &replaced)
        };
        rename().map_err(CheckpointError::io("rename into place", &path))?;
        self.finished = true;
        Ok(Checkpoint { step: self.step, path, manifest })
    }

    fn check_name(&self, name: &str) -> Result<(), CheckpointError> {
        let refused = |reason| Err(CheckpointError::FileName { name: name.to_string(), reason });
        if name == MANIFEST {
            return refused("that name is reserved for the list of files");
        }
        if !is_plain_name(name) {
            return refused("only letters, digits, `.`, `_` and `-` are allowed, and no leading dot");
        }
        if self.files.contains_key(name) {
            return refused("it has already been written");
        }
        Ok(())
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: what cannot be removed has a name that is never mistaken for a checkpoint.
            let _ = self.folder.remove_folder(partial_name(self.step));
        }
    }
}

/// The folder name of a checkpoint being written.
fn partial_name(step: u64) -> String {
    format!("{}{PARTIAL}", folder_name(step))
}
