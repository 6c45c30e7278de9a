//! For systems without calls relative to an open folder: every name is inspected before it is used.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{Kind, Wanted, plain};

/// Identity of a file. It is unknown here, so every file is taken for the intended one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity;

/// What a name or an open file refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its kind.
    pub kind: Kind,
    /// Its identity.
    pub identity: Identity,
    /// Its size in bytes.
    pub length: u64,
    /// Always `false`: there are no owners.
    pub is_foreign: bool,
    /// Always `false`: there are no permissions for others.
    pub is_shared: bool,
}

impl Found {
    /// Describes an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from_metadata(&file.metadata()?))
    }

    fn from_metadata(found: &fs::Metadata) -> Self {
        let kind = match found {
            found if found.is_symlink() => Kind::Link,
            found if found.is_dir() => Kind::Folder,
            found if found.is_file() => Kind::File,
            _ => Kind::Other,
        };
        Self { kind, identity: Identity, length: found.len(), is_foreign: false, is_shared: false }
    }
}

/// A folder. Everything opened, created, renamed or removed through it is inside it: names are plain, and
/// links are not followed.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens a folder that the user named.
    ///
    /// # Errors
    /// I/O errors.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Wanted::Folder.check(Found::from_metadata(&fs::metadata(path)?).kind)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Its path when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is still a folder at the path where it was opened.
    ///
    /// # Errors
    /// None on this system.
    pub(crate) fn is_at_its_path(&self) -> io::Result<bool> {
        Ok(self.path.is_dir())
    }

    /// What a name in it refers to. Links are not followed.
    ///
    /// # Errors
    /// I/O errors.
    pub fn find(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Found>> {
        match fs::symlink_metadata(self.path.join(plain(name.as_ref())?)) {
            Ok(found) => Ok(Some(Found::from_metadata(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Refuses a name in it that exists and is not a regular file.
    ///
    /// # Errors
    /// [`super::Refused`] in that case, or I/O errors.
    pub(crate) fn must_be_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        self.find(name)?.map_or(Ok(()), |found| Wanted::File.check(found.kind))
    }

    /// Whether a file of this name exists.
    ///
    /// # Errors
    /// I/O errors.
    pub fn holds(&self, name: impl AsRef<OsStr>, _file: &File) -> io::Result<bool> {
        Ok(self.find(name)?.is_some())
    }

    /// The names of everything in it, in no particular order.
    ///
    /// # Errors
    /// I/O errors.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Opens a folder in it.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a folder.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        Ok(Self { path: self.checked(name.as_ref(), Wanted::Folder)? })
    }

    /// Creates a folder in it. The name must not exist yet.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        fs::create_dir(self.path.join(plain(name.as_ref())?))
    }

    /// Opens a file in it for reading.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a regular file.
    pub fn read(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        File::open(self.checked(name.as_ref(), Wanted::File)?)
    }

    /// Creates a file in it. The name must not exist yet.
    ///
    /// # Errors
    /// I/O errors.
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.path.join(plain(name.as_ref())?))
    }

    /// As [`Folder::create`].
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create_private(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create(name)
    }

    /// Opens a file in it for reading and writing, keeping its contents; creates it if it does not exist.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a regular file.
    pub fn go_on(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let path = self.checked_or_new(name.as_ref())?;
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
    }

    /// Like [`Folder::go_on`], but only for writing at the end.
    ///
    /// # Errors
    /// As [`Folder::go_on`].
    pub fn append(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(self.checked_or_new(name.as_ref())?)
    }

    /// As [`Folder::go_on`].
    ///
    /// # Errors
    /// As [`Folder::go_on`].
    pub fn private(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.go_on(name)
    }

    fn checked(&self, name: &OsStr, wanted: Wanted) -> io::Result<PathBuf> {
        let found = self.find(name)?.ok_or(io::ErrorKind::NotFound)?;
        wanted.check(found.kind)?;
        Ok(self.path.join(name))
    }

    fn checked_or_new(&self, name: &OsStr) -> io::Result<PathBuf> {
        match self.find(name)? {
            Some(_) => self.checked(name, Wanted::File),
            None => Ok(self.path.join(name)),
        }
    }

    /// Renames a file or folder within it.
    ///
    /// # Errors
    /// I/O errors.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
        fs::rename(self.path.join(plain(from.as_ref())?), self.path.join(plain(to.as_ref())?))
    }

    /// Removes a file, or a link but not its destination.
    ///
    /// # Errors
    /// I/O errors.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        fs::remove_file(self.path.join(plain(name.as_ref())?))
    }

    /// Removes a folder with all its contents. A missing folder is not an error.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a folder.
    pub(crate) fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        match self.checked(name.as_ref(), Wanted::Folder) {
            Ok(path) => fs::remove_dir_all(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Does nothing: Windows neither needs nor offers it.
    ///
    /// # Errors
    /// None on this system.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Does nothing: this system has no locks on folders.
    ///
    /// # Errors
    /// None on this system.
    pub(crate) fn try_lock(&self) -> Result<(), TryLockError> {
        Ok(())
    }

    /// As [`Folder::try_lock`].
    ///
    /// # Errors
    /// None on this system.
    pub(crate) fn try_lock_shared(&self) -> Result<(), TryLockError> {
        Ok(())
    }
}

/// See [`super::open`] and [`super::open_unlinked`].
pub(super) fn open(path: &Path, follows: bool) -> io::Result<File> {
    let found = if follows { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    Wanted::File.check(Found::from_metadata(&found).kind)?;
    File::open(path)
}

/// Opens a regular file to overwrite it; does not change it yet.
pub(super) fn open_to_replace(path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(found) => Wanted::File.check(Found::from_metadata(&found).kind)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}
