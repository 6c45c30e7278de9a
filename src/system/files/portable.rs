//! Where there are no calls that take an open folder: every name is looked at before it is used.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{Kind, Wanted, plain};

/// Which file something is. It cannot be told here, and so any is taken for the one that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity;

/// What stands under a name, or is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Of what kind it is.
    pub kind: Kind,
    /// Which one it is.
    pub identity: Identity,
    /// Its bytes.
    pub length: u64,
    /// Always `false`: there are no owners.
    pub is_foreign: bool,
    /// Always `false`: there are no permissions of others.
    pub is_shared: bool,
}

impl Found {
    /// Of an open file.
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

/// A folder. What is opened, made, renamed or removed through it is in it: names are plain, and no link is followed.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder that a person named.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Wanted::Folder.check(Found::from_metadata(&fs::metadata(path)?).kind)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it was when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there still is a folder where it was opened.
    ///
    /// # Errors
    /// Never here.
    pub fn is_at_its_path(&self) -> io::Result<bool> {
        Ok(self.path.is_dir())
    }

    /// What stands under a name in it; a link is a link.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn find(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Found>> {
        match fs::symlink_metadata(self.path.join(plain(name.as_ref())?)) {
            Ok(found) => Ok(Some(Found::from_metadata(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Refuses what is there under a name in it, and is no regular file.
    ///
    /// # Errors
    /// That it is none, or when the system cannot say.
    pub fn must_be_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        self.find(name)?.map_or(Ok(()), |found| Wanted::File.check(found.kind))
    }

    /// Whether there is a file of this name.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn holds(&self, name: impl AsRef<OsStr>, _file: &File) -> io::Result<bool> {
        Ok(self.find(name)?.is_some())
    }

    /// The names of all that is in it, in no order.
    ///
    /// # Errors
    /// What the system says.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Opens a folder in it.
    ///
    /// # Errors
    /// What the system says, or that it is no folder.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        Ok(Self { path: self.checked(name.as_ref(), Wanted::Folder)? })
    }

    /// Makes a folder in it, which must not be there yet.
    ///
    /// # Errors
    /// What the system says.
    pub fn create_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        fs::create_dir(self.path.join(plain(name.as_ref())?))
    }

    /// Opens a file in it to read.
    ///
    /// # Errors
    /// What the system says, or that it is no regular file.
    pub fn read(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        File::open(self.checked(name.as_ref(), Wanted::File)?)
    }

    /// Makes a file in it, which must not be there yet.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.path.join(plain(name.as_ref())?))
    }

    /// As [`Folder::create`].
    ///
    /// # Errors
    /// What the system says.
    pub fn create_private(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create(name)
    }

    /// Opens a file in it to read and to write on, with what is in it; where there is none it is made.
    ///
    /// # Errors
    /// What the system says, or that it is no regular file.
    pub fn go_on(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let path = self.checked_or_new(name.as_ref())?;
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
    }

    /// As [`Folder::go_on`], to write at the end only.
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

    /// Gives a file or folder in it another name in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
        fs::rename(self.path.join(plain(from.as_ref())?), self.path.join(plain(to.as_ref())?))
    }

    /// Removes a file, or a link and not what it leads to.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        fs::remove_file(self.path.join(plain(name.as_ref())?))
    }

    /// Removes a folder with all that is in it; one that is not there is no error.
    ///
    /// # Errors
    /// What the system says, or that it is no folder.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        match self.checked(name.as_ref(), Wanted::Folder) {
            Ok(path) => fs::remove_dir_all(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Windows needs and offers nothing of the kind.
    ///
    /// # Errors
    /// Never here.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// There are no locks of folders here.
    ///
    /// # Errors
    /// Never here.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        Ok(())
    }

    /// As [`Folder::try_lock`].
    ///
    /// # Errors
    /// Never here.
    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        Ok(())
    }
}

/// See [`super::open`] and [`super::open_unlinked`].
pub(super) fn open(path: &Path, follows: bool) -> io::Result<File> {
    let found = if follows { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    Wanted::File.check(Found::from_metadata(&found).kind)?;
    File::open(path)
}

/// A regular file to be written anew; nothing of it is changed yet.
pub(super) fn open_to_replace(path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(found) => Wanted::File.check(Found::from_metadata(&found).kind)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}
