//! Writing so that a power cut leaves either the old or the new state.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

pub(crate) use crate::platform::sync_folder;

/// Writes a whole file under a temporary name beside it, then renames it into place.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let written = File::create(partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(partial, path));
    if renamed.is_err() {
        // The error that matters is the first; a leftover is overwritten next time.
        let _ = fs::remove_file(partial);
    }
    renamed?;
    path.parent().map_or(Ok(()), sync_folder)
}
