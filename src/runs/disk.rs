//! The only way a run's files are written, so that a test can make any single operation fail.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::journal::LogFile;
use crate::system::files::{Folder, Found, Kind, Refused};

/// An operation on a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Make a folder.
    CreateFolder,
    /// Create or open a file for writing.
    Open,
    /// Write bytes into a file.
    Write,
    /// Truncate a file.
    Cut,
    /// Flush a file or folder to the medium.
    Sync,
    /// Give a file or folder another name.
    Rename,
    /// Remove a file or folder.
    Remove,
}

/// Decides which operations fail.
pub trait Faults: Send + Sync {
    /// Called before each operation; an error makes it fail. A failing write has already written half of its
    /// bytes, as on a disk that fills up.
    ///
    /// # Errors
    /// The error that the operation should fail with.
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()>;
}

/// A disk: the real one, or the real one with faults.
#[derive(Clone, Default)]
pub struct Disk {
    faults: Option<Arc<dyn Faults>>,
}

impl Disk {
    /// The real disk, with some operations failing.
    pub fn with_faults(faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults) }
    }

    fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults.before(operation, path))
    }

    /// Creates one folder.
    pub(super) fn create_folder(&self, home: &Folder, name: &str) -> io::Result<()> {
        self.before(Operation::CreateFolder, &home.path().join(name))?;
        home.create_folder(name)
    }

    /// Opens a folder, creating it if necessary.
    pub(super) fn folder(&self, home: &Folder, name: impl AsRef<OsStr>) -> io::Result<Folder> {
        let name = name.as_ref();
        self.before(Operation::CreateFolder, &home.path().join(name))?;
        match home.create_folder(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => home.folder(name),
        }
    }

    /// Creates a folder named by the user, and its missing parents.
    pub(super) fn create_folders(&self, path: &Path) -> io::Result<()> {
        self.before(Operation::CreateFolder, path)?;
        fs::create_dir_all(path)
    }

    /// Creates a file that must not exist yet.
    pub(super) fn create_file(&self, home: &Folder, name: &str) -> io::Result<DiskFile> {
        self.open(home, name, |home, name| home.create(name))
    }

    /// Opens a file for reading and writing, keeping its content.
    pub(super) fn open_to_go_on(&self, home: &Folder, name: &str) -> io::Result<DiskFile> {
        // Not in append mode: truncating needs plain write access on Windows, and the run's lock keeps other
        // writers out.
        self.open(home, name, |home, name| home.go_on(name))
    }

    /// Opens a file that its owner alone may open.
    pub(super) fn open_private(&self, home: &Folder, name: &str) -> io::Result<File> {
        Ok(self.open(home, name, |home, name| home.private(name))?.file)
    }

    fn open(
        &self,
        home: &Folder,
        name: &str,
        open: impl FnOnce(&Folder, &str) -> io::Result<File>,
    ) -> io::Result<DiskFile> {
        let path = home.path().join(name);
        self.before(Operation::Open, &path)?;
        Ok(DiskFile { file: open(home, name)?, path, disk: self.clone() })
    }

    /// Renames a file or folder within a folder.
    pub(super) fn rename(&self, home: &Folder, from: &str, to: &str) -> io::Result<()> {
        self.before(Operation::Rename, &home.path().join(from))?;
        home.rename(from, to)
    }

    /// Removes a folder and its content; a missing folder is not an error.
    pub(super) fn remove_folder(&self, home: &Folder, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = name.as_ref();
        if home.find(name)?.is_none() {
            return Ok(());
        }
        self.before(Operation::Remove, &home.path().join(name))?;
        home.remove_folder(name)
    }

    /// Removes a file, or a link but not its destination.
    pub(super) fn remove_file(&self, home: &Folder, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = name.as_ref();
        self.before(Operation::Remove, &home.path().join(name))?;
        home.remove_file(name)
    }

    /// Flushes the names in a folder to the medium.
    pub(super) fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        self.before(Operation::Sync, folder.path())?;
        folder.sync()
    }

    /// Replaces a file's content with `bytes`, so that a power cut leaves either the old or the new content.
    pub(super) fn replace_file(&self, home: &Folder, name: &str, bytes: &[u8]) -> io::Result<()> {
        let partial = format!("{name}.partial");
        clear_leftover(home, &partial)?;
        let written = self.create_file(home, &partial).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync()
        });
        let renamed = written.and_then(|()| self.rename(home, &partial, name));
        if renamed.is_err() {
            // The error that matters is the first; a leftover is removed next time.
            let _ = home.remove_file(&partial);
        }
        renamed?;
        self.sync_folder(home)
    }
}

/// Removes what a killed process left under a temporary name. Anything but a file was left by somebody else,
/// and stays.
pub(super) fn clear_leftover(home: &Folder, name: &str) -> io::Result<()> {
    match home.find(name)? {
        None => Ok(()),
        Some(found) if found.kind == Kind::File => home.remove_file(name),
        Some(found) => Err(Refused::Temporary { found: found.kind }.into()),
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.faults.is_some() { "a disk with faults" } else { "the disk" })
    }
}

/// Disks always compare equal, so that two runs are equal if their paths are, whatever fails there.
impl PartialEq for Disk {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Disk {}

/// A file of a [`Disk`].
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    /// The file itself, for reading.
    pub(super) fn reading(&mut self) -> &mut File {
        &mut self.file
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.disk.before(Operation::Write, &self.path) {
            self.file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl LogFile for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.before(Operation::Cut, &self.path)?;
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length)).map(|_| ())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.before(Operation::Sync, &self.path)?;
        self.file.sync_all()
    }

    fn found(&self) -> io::Result<Option<Found>> {
        Found::of(&self.file).map(Some)
    }
}
