//! Opens every file that this program did not just write itself, and every file that it writes into a folder
//! that someone else may have prepared.
//!
//! A name may stand for a pipe that nobody writes to, for an endless device, or for a link to an unintended
//! file. Therefore only regular files are opened, nothing blocks, and within a [`Folder`] no link is
//! followed. The lint `clippy::disallowed_methods` keeps the rest of the program from opening files in any
//! other way.

#![allow(clippy::disallowed_methods, reason = "this is the place for them")]

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use portable as system;
#[cfg(unix)]
use unix as system;

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Component, Path},
};

pub use system::{Folder, Found, Identity};

/// Why something that exists is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not of the kind that is to be read or written.
    #[error("it is {found}, not {wanted}")]
    Kind {
        /// What it is.
        found: Kind,
        /// What is needed.
        wanted: Wanted,
    },
    /// A file to be changed has a second name, which may be outside the folder.
    #[error("it has a second name (a hard link), so the other file would change too")]
    SecondName,
    /// Something else has the temporary name under which a file is first written.
    #[error("{found} of another program has its temporary name, which ends in .partial")]
    Temporary {
        /// What it is.
        found: Kind,
    },
    /// The name leads to another folder.
    #[error("its name points outside the folder")]
    Name,
}

/// The kind of thing that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says what it is")]
pub enum Kind {
    File,
    Folder,
    Link,
    Pipe,
    Socket,
    Device,
    Other,
}

/// The kind of thing to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says what it is")]
pub enum Wanted {
    File,
    Folder,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Folder => "a folder",
            Self::Link => "a symbolic link",
            Self::Pipe => "a pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Other => "something else",
        })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a regular file",
            Self::Folder => "a folder",
        })
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        io::Error::new(io::ErrorKind::InvalidInput, refused)
    }
}

impl Wanted {
    /// Refuses anything of another kind.
    pub(crate) fn check(self, found: Kind) -> io::Result<()> {
        match (self, found) {
            (Self::File, Kind::File) | (Self::Folder, Kind::Folder) => Ok(()),
            (wanted, found) => Err(Refused::Kind { found, wanted }.into()),
        }
    }
}

/// Why a file was refused, if this module refused it and not the system.
pub fn refusal(error: &io::Error) -> Option<Refused> {
    error.get_ref()?.downcast_ref::<Refused>().copied()
}

/// Opens a regular file for reading. Follows links, as a user who names a file expects; they must also lead
/// to a regular file.
///
/// # Errors
/// I/O errors, or [`Refused`] if it is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    system::open(path, true)
}

/// Like [`open`], for a file that must not itself be a link: the files of a run directory are inside it.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_unlinked(path: &Path) -> io::Result<File> {
    system::open(path, false)
}

/// Opens input from the user for reading line by line. A pipe or a terminal is accepted and waited for, as in
/// other command-line programs. Use it only where no more is read than fits in memory.
///
/// # Errors
/// I/O errors, or [`Refused`] for a folder.
pub(crate) fn open_stream(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_dir() {
        return Err(Refused::Kind { found: Kind::Folder, wanted: Wanted::File }.into());
    }
    File::open(path)
}

/// The first `most` bytes of a regular file, or all of it if it is shorter.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_most(&open(path)?, most)
}

/// The remaining bytes of an open file, at most `most`.
///
/// # Errors
/// I/O errors.
pub(crate) fn read_most(file: &File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a small system file, such as those in `/proc`; `None` if it cannot be read.
pub fn text(path: &str) -> Option<String> {
    const MOST: u64 = 1 << 20;
    String::from_utf8(read(Path::new(path), MOST).ok()?).ok()
}

/// Writes a whole file where the user wants it, replacing an existing one. Pipes and devices are left alone.
///
/// # Errors
/// I/O errors, or [`Refused`] if it is not a regular file.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = system::open_to_replace(path)?;
    file.set_len(0)?;
    file.write_all(bytes)
}

/// Creates a file where the user wants it. The name must not exist yet.
///
/// # Errors
/// I/O errors.
pub fn create(path: &Path) -> io::Result<File> {
    let name = path.file_name().ok_or(Refused::Name)?;
    Folder::open(path.parent().unwrap_or(Path::new("")))?.create(name)
}

/// Opens a regular file for writing at its end, creating it if it does not exist.
///
/// # Errors
/// I/O errors, or [`Refused`] if it is a link or not a regular file.
pub fn append(path: &Path) -> io::Result<File> {
    let name = path.file_name().ok_or(Refused::Name)?;
    Folder::open(path.parent().unwrap_or(Path::new("")))?.append(name)
}

/// Accepts only a name that stays in its folder.
fn plain(name: &OsStr) -> io::Result<&OsStr> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(Refused::Name.into()),
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn refused<T>(opened: io::Result<T>) -> Refused {
        refusal(&opened.err().unwrap()).unwrap()
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "text").unwrap();
        mkfifoat(CWD, at("pipe"), Mode::from_raw_mode(0o600)).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink(at("file"), at("link")).unwrap();
        let folder = Folder::open(root.path()).unwrap();
        assert_eq!(read(&at("link"), 3).unwrap(), b"tex");
        assert_eq!(read_most(&folder.read("file").unwrap(), 9).unwrap(), b"text");
        let of = |found, wanted| Refused::Kind { found, wanted };
        assert_eq!(refused(open(&at("pipe"))), of(Kind::Pipe, Wanted::File));
        assert_eq!(refused(open(&at("endless"))), of(Kind::Device, Wanted::File));
        assert_eq!(refused(open(root.path())), of(Kind::Folder, Wanted::File));
        assert_eq!(refused(open_unlinked(&at("link"))), of(Kind::Link, Wanted::File));
        assert_eq!(refused(open_stream(root.path())), of(Kind::Folder, Wanted::File));
        assert_eq!(refused(write(&at("pipe"), b"x")), of(Kind::Pipe, Wanted::File));
        for (name, found) in [("pipe", Kind::Pipe), ("link", Kind::Link), ("endless", Kind::Link)] {
            let opened = [folder.read(name), folder.go_on(name), folder.append(name), folder.private(name)];
            opened.into_iter().for_each(|opened| assert_eq!(refused(opened), of(found, Wanted::File)));
            assert_eq!(refused(folder.folder(name)), of(found, Wanted::Folder));
            assert_eq!(refused(folder.remove_folder(name)), of(found, Wanted::Folder));
        }
        assert_eq!(fs::read(at("file")).unwrap(), b"text");
    }

    #[test]
    fn what_is_changed_has_no_name_elsewhere_and_no_name_leads_out() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("outside"), "text").unwrap();
        fs::create_dir(root.path().join("in")).unwrap();
        fs::hard_link(root.path().join("outside"), root.path().join("in/side")).unwrap();
        let folder = Folder::open(&root.path().join("in")).unwrap();
        assert_eq!(refused(folder.go_on("side")), Refused::SecondName);
        assert_eq!(refused(folder.append("side")), Refused::SecondName);
        for name in ["../outside", "..", ".", "", "/etc/passwd", "a/b", "a/"] {
            assert_eq!(refused(folder.go_on(name)), Refused::Name, "{name}");
            assert_eq!(refused(folder.rename("side", name)), Refused::Name, "{name}");
        }
        assert_eq!(fs::read(root.path().join("outside")).unwrap(), b"text");
    }

    #[test]
    fn a_folder_stays_the_one_that_it_was() {
        let root = tempfile::tempdir().unwrap();
        let (here, there) = (root.path().join("here"), root.path().join("there"));
        fs::create_dir(&here).unwrap();
        let folder = Folder::open(&here).unwrap();
        assert!(folder.is_at_its_path().unwrap());
        fs::rename(&here, &there).unwrap();
        assert!(!folder.is_at_its_path().unwrap());
        fs::create_dir(&here).unwrap();
        assert!(!folder.is_at_its_path().unwrap(), "it was replaced by another folder");
        drop(folder.create("file").unwrap());
        assert!(there.join("file").is_file() && !here.join("file").exists());
    }

    #[test]
    fn a_folder_is_removed_with_all_that_is_in_it_and_nothing_that_it_links_to() {
        let root = tempfile::tempdir().unwrap();
        let (kept, gone) = (root.path().join("kept"), root.path().join("gone"));
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "text").unwrap();
        fs::create_dir_all(gone.join("a/b")).unwrap();
        fs::write(gone.join("a/b/file"), "text").unwrap();
        symlink(&kept, gone.join("a/link")).unwrap();
        let folder = Folder::open(root.path()).unwrap();
        folder.remove_folder("gone").unwrap();
        folder.remove_folder("gone").unwrap();
        assert_eq!(folder.names().unwrap(), ["kept"]);
        assert!(kept.join("file").is_file());
        // Deeper than anything this program creates: left alone, without exhausting the stack.
        fs::create_dir_all(root.path().join("deep").join("d/".repeat(100))).unwrap();
        assert!(folder.remove_folder("deep").is_err());
    }
}
