//! The file that something is written to.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use crate::system::files;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui::shell) enum Written {
    /// It was written.
    Now,
    /// The same is there already.
    Already,
    /// Something else is there, and nobody said that it may be replaced.
    Taken,
}

/// Writes a file. Another of that name is replaced, in one go, only if `replace` says so.
pub(in crate::tui::shell) fn write(path: &Path, text: &str, replace: bool) -> io::Result<Written> {
    match files::create(path) {
        Ok(mut file) => return file.write_all(text.as_bytes()).map(|()| Written::Now),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => {}
    }
    // Only as much is read as could be the same.
    let there = files::read(path, text.len() as u64 + 1);
    if there.is_ok_and(|there| there == text.as_bytes()) {
        return Ok(Written::Already);
    }
    if !replace {
        return Ok(Written::Taken);
    }
    // Whoever reads it meanwhile finds the old text or the new one.
    let mut beside = path.file_name().unwrap_or_default().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(beside);
    let mut file = files::create(&beside)?;
    let done = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        // What is left of it is of no use.
        let _ = fs::remove_file(&beside);
    }
    done.map(|()| Written::Now)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced_without_being_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        assert_eq!(write(&path, "one", false).unwrap(), Written::Now);
        assert_eq!(write(&path, "one", false).unwrap(), Written::Already);
        assert_eq!(write(&path, "two", false).unwrap(), Written::Taken);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(write(&path, "two", true).unwrap(), Written::Now);
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(&folder.path().join("no/a.txt"), "x", false).is_err());
    }
}
