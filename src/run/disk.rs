//! The one way in which a run's files are written, so that a test can make any single operation fail.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::journal::LogFile;
use crate::platform;

/// What is about to be done to a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Make a folder.
    CreateFolder,
    /// Make or open a file for writing.
    Open,
    /// Write bytes into a file.
    Write,
    /// Cut a file to a length.
    Cut,
    /// Make sure that a file or folder is on the medium.
    Sync,
    /// Give a file or folder another name.
    Rename,
    /// Remove a file or folder.
    Remove,
}

/// Decides which operations fail.
pub trait Faults: Send + Sync {
    /// Called before each operation; an error makes it fail. A write that fails has written half of its bytes by
    /// then, as on a disk that fills up.
    ///
    /// # Errors
    /// Whatever the operation is to fail with.
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()>;
}

/// A disk: the real one, or the real one with faults.
#[derive(Clone, Default)]
pub struct Disk {
    faults: Option<Arc<dyn Faults>>,
}

impl Disk {
    /// The real disk, of which some operations fail.
    pub fn with_faults(faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults) }
    }

    fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        self.faults.as_ref().map_or(Ok(()), |faults| faults.before(operation, path))
    }

    /// Makes one folder.
    pub(super) fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.before(Operation::CreateFolder, path)?;
        fs::create_dir(path)
    }

    /// Makes a folder and those above it, where they are not there.
    pub(super) fn create_folders(&self, path: &Path) -> io::Result<()> {
        self.before(Operation::CreateFolder, path)?;
        fs::create_dir_all(path)
    }

    /// Makes a file that must not be there yet.
    pub(super) fn create_file(&self, path: &Path) -> io::Result<DiskFile> {
        self.open(path, OpenOptions::new().write(true).create_new(true))
    }

    /// Opens a file to read and to write on, with what is in it.
    pub(super) fn open_to_go_on(&self, path: &Path) -> io::Result<DiskFile> {
        // Not in append mode: cutting back needs plain writing on Windows, and the run's lock keeps others away.
        self.open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
    }

    fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<DiskFile> {
        self.before(Operation::Open, path)?;
        Ok(DiskFile { file: options.open(path)?, path: path.to_path_buf(), disk: self.clone() })
    }

    /// Renames a file or folder.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(Operation::Rename, from)?;
        fs::rename(from, to)
    }

    /// Removes a folder with all that is in it; one that is not there is no error.
    pub(super) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        if !path.exists() {
            return Ok(());
        }
        self.before(Operation::Remove, path)?;
        fs::remove_dir_all(path)
    }

    /// Makes sure that the names in a folder are on the medium.
    pub(super) fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.before(Operation::Sync, path)?;
        platform::sync_folder(path)
    }

    /// Puts `bytes` into a file so that a power cut leaves either the old or the new content.
    pub(super) fn replace_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Path::new(&partial);
        let written = self.open(partial, OpenOptions::new().write(true).create(true).truncate(true));
        let written = written.and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync()
        });
        let renamed = written.and_then(|()| self.rename(partial, path));
        if renamed.is_err() {
            // The error that matters is the first; a leftover is overwritten next time.
            let _ = fs::remove_file(partial);
        }
        renamed?;
        path.parent().map_or(Ok(()), |folder| self.sync_folder(folder))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.faults.is_some() { "a disk with faults" } else { "the disk" })
    }
}

/// Two runs are one if they are in one place, whatever fails there.
impl PartialEq for Disk {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Disk {}

/// A file of a [`Disk`].
#[derive(Debug)]
pub struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    /// The file itself, to read.
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
}
