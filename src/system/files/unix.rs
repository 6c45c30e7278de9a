//! Uses the system's calls relative to an open folder.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, TryLockError},
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{Kind, Refused, Wanted, plain};

/// Pipes do not block, no terminal becomes the controlling one, and child processes do not inherit the file.
const CAREFULLY: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// Permissions of new files and folders before the umask.
const SHARED: Mode = Mode::from_raw_mode(0o666);
const SHARED_FOLDER: Mode = Mode::from_raw_mode(0o777);
const PRIVATE: Mode = Mode::from_raw_mode(0o600);
/// Permissions for anyone but the owner.
const OTHERS: u32 = 0o077;
/// Maximum depth of a folder that this program removes.
const DEEPEST: usize = 16;

/// The identity of a file: device and inode number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64, u64);

/// What a name or an open file refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its kind.
    pub kind: Kind,
    /// Its identity.
    pub identity: Identity,
    /// Its size in bytes.
    pub length: u64,
    /// Whether it belongs to another user; always `false` for root.
    pub is_foreign: bool,
    /// Whether anyone but its owner may open it.
    pub is_shared: bool,
    names: u64,
}

impl Found {
    /// Describes an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from_stat(&fs::fstat(file)?))
    }

    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "not on every system")]
    fn from_stat(stat: &Stat) -> Self {
        let me = rustix::process::geteuid();
        Self {
            kind: match FileType::from_raw_mode(stat.st_mode as _) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                FileType::Symlink => Kind::Link,
                FileType::Fifo => Kind::Pipe,
                FileType::Socket => Kind::Socket,
                FileType::CharacterDevice | FileType::BlockDevice => Kind::Device,
                FileType::Unknown => Kind::Other,
            },
            identity: Identity(stat.st_dev as u64, stat.st_ino as u64),
            length: u64::try_from(stat.st_size).unwrap_or(0),
            is_foreign: !me.is_root() && stat.st_uid != me.as_raw(),
            is_shared: u32::from(stat.st_mode) & OTHERS != 0,
            names: stat.st_nlink as u64,
        }
    }
}

/// An open folder. Everything opened, created, renamed or removed through it is inside it, even if the folder
/// is moved: names are plain, and links are not followed.
#[derive(Debug)]
pub struct Folder {
    handle: File,
    path: PathBuf,
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl AsRawFd for Folder {
    fn as_raw_fd(&self) -> RawFd {
        self.handle.as_raw_fd()
    }
}

impl Folder {
    /// Opens a folder that the user named. Links in its path are followed.
    ///
    /// # Errors
    /// I/O errors.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A bare file name has an empty parent.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let opened = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | CAREFULLY, Mode::empty())?;
        Ok(Self { handle: opened.into(), path: path.to_owned() })
    }

    /// Its path when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still at that path.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn is_at_its_path(&self) -> io::Result<bool> {
        match fs::stat(&self.path) {
            Ok(there) => Ok(Found::from_stat(&there).identity == Found::of(&self.handle)?.identity),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What a name in it refers to. Links are not followed.
    ///
    /// # Errors
    /// I/O errors.
    pub fn find(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Found>> {
        match fs::statat(self, plain(name.as_ref())?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Found::from_stat(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses a name in it that exists and is not a regular file.
    ///
    /// # Errors
    /// [`super::Refused`] in that case, or I/O errors.
    pub(crate) fn must_be_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        self.find(name)?.map_or(Ok(()), |found| Wanted::File.check(found.kind))
    }

    /// Whether a name in it refers to this open file.
    ///
    /// # Errors
    /// I/O errors.
    pub fn holds(&self, name: impl AsRef<OsStr>, file: &File) -> io::Result<bool> {
        let identity = Found::of(file)?.identity;
        Ok(self.find(name)?.is_some_and(|found| found.identity == identity))
    }

    /// The names of everything in it, in no particular order.
    ///
    /// # Errors
    /// I/O errors.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Opens a folder in it.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a folder.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = name.as_ref();
        let opened = self.open_as(name, Wanted::Folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self { handle: opened.into(), path: self.path.join(name) })
    }

    /// Creates a folder in it. The name must not exist yet.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(fs::mkdirat(self, plain(name.as_ref())?, SHARED_FOLDER)?)
    }

    /// Opens a file in it for reading.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a regular file.
    pub fn read(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        regular(self.open_as(name.as_ref(), Wanted::File, OFlags::RDONLY, Mode::empty())?)
    }

    /// Creates a file in it. The name must not exist yet.
    ///
    /// # Errors
    /// I/O errors.
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create_as(name.as_ref(), SHARED)
    }

    /// Like [`Folder::create`], but only the owner may open the file.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn create_private(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create_as(name.as_ref(), PRIVATE)
    }

    fn create_as(&self, name: &OsStr, mode: Mode) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | CAREFULLY;
        regular(fs::openat(self, plain(name)?, flags, mode)?)
    }

    /// Opens a file in it for reading and writing, keeping its contents; creates it if it does not exist.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a regular file or has a second name.
    pub fn go_on(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.to_change(name.as_ref(), OFlags::RDWR | OFlags::CREATE, SHARED)
    }

    /// Like [`Folder::go_on`], but only for writing at the end.
    ///
    /// # Errors
    /// As [`Folder::go_on`].
    pub fn append(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.to_change(name.as_ref(), OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE, SHARED)
    }

    /// Like [`Folder::go_on`], but only the owner may open a file that this creates.
    ///
    /// # Errors
    /// As [`Folder::go_on`].
    pub fn private(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.to_change(name.as_ref(), OFlags::RDWR | OFlags::CREATE, PRIVATE)
    }

    fn to_change(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<File> {
        let file = regular(self.open_as(name, Wanted::File, flags, mode)?)?;
        match Found::of(&file)?.names {
            0 | 1 => Ok(file),
            _ => Err(Refused::SecondName.into()),
        }
    }

    /// Opens a name without following a link. Anything of another kind is detected first and never opened,
    /// because opening some devices already has effects.
    fn open_as(&self, name: &OsStr, wanted: Wanted, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        if let Some(found) = self.find(name)? {
            wanted.check(found.kind)?;
        }
        match fs::openat(self, name, flags | OFlags::NOFOLLOW | CAREFULLY, mode) {
            Ok(opened) => Ok(opened),
            Err(error) => {
                // It has just become something else.
                if let Some(found) = self.find(name)? {
                    wanted.check(found.kind)?;
                }
                Err(error.into())
            }
        }
    }

    /// Renames a file or folder within it, replacing a file or link that has the new name.
    ///
    /// # Errors
    /// I/O errors.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(fs::renameat(self, plain(from.as_ref())?, self, plain(to.as_ref())?)?)
    }

    /// Removes a file, or a link but not its destination.
    ///
    /// # Errors
    /// I/O errors.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(fs::unlinkat(self, plain(name.as_ref())?, AtFlags::empty())?)
    }

    /// Removes a folder with all its contents. A missing folder is not an error.
    ///
    /// # Errors
    /// I/O errors, or [`super::Refused`] if it is not a folder.
    pub(crate) fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        self.remove_tree(name.as_ref(), DEEPEST)
    }

    fn remove_tree(&self, name: &OsStr, deepest: usize) -> io::Result<()> {
        let inside = match self.folder(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        if deepest == 0 {
            return Err(io::Error::other("its folders are nested deeper than in any checkpoint"));
        }
        for name in inside.names()? {
            match inside.find(&name)? {
                Some(found) if found.kind == Kind::Folder => inside.remove_tree(&name, deepest - 1)?,
                Some(_) => inside.remove_file(&name)?,
                None => {}
            }
        }
        Ok(fs::unlinkat(self, plain(name)?, AtFlags::REMOVEDIR)?)
    }

    /// Makes the names in it survive a power failure.
    ///
    /// # Errors
    /// I/O errors. File systems that cannot do this are not an error.
    pub fn sync(&self) -> io::Result<()> {
        match self.handle.sync_all() {
            // Some network and FUSE file systems have no fsync for folders.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// Locks the folder itself until it is dropped.
    ///
    /// # Errors
    /// If another process holds the lock, or the file system cannot lock folders.
    pub(crate) fn try_lock(&self) -> Result<(), TryLockError> {
        self.handle.try_lock()
    }

    /// Like [`Folder::try_lock`], but shared with others that do the same.
    ///
    /// # Errors
    /// As [`Folder::try_lock`].
    pub(crate) fn try_lock_shared(&self) -> Result<(), TryLockError> {
        self.handle.try_lock_shared()
    }
}

/// See [`super::open`] and [`super::open_unlinked`].
pub(super) fn open(path: &Path, follows: bool) -> io::Result<File> {
    let (found, flags) = match follows {
        true => (fs::stat(path)?, OFlags::empty()),
        false => (fs::lstat(path)?, OFlags::NOFOLLOW),
    };
    Wanted::File.check(Found::from_stat(&found).kind)?;
    regular(fs::open(path, OFlags::RDONLY | flags | CAREFULLY, Mode::empty())?)
}

/// Opens a regular file to overwrite it; does not change it yet.
pub(super) fn open_to_replace(path: &Path) -> io::Result<File> {
    match fs::stat(path) {
        Ok(found) => Wanted::File.check(Found::from_stat(&found).kind)?,
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    regular(fs::open(path, OFlags::WRONLY | OFlags::CREATE | CAREFULLY, SHARED)?)
}

/// Accepts an opened regular file, and makes reads and writes block from now on, as usual for files.
fn regular(opened: OwnedFd) -> io::Result<File> {
    let file = File::from(opened);
    Wanted::File.check(Found::of(&file)?.kind)?;
    let flags = fs::fcntl_getfl(&file)?;
    fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}
