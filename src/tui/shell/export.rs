//! Files exported from the screen.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::system::files;

/// Most files of one name, numbered.
const MOST_EXPORTS: u32 = 100;

/// Writes a file, under a numbered name if the name is taken by other content. Returns its path and whether it was
/// written now.
pub(super) fn export(folder: &Path, file_name: &str, text: &str) -> io::Result<(PathBuf, bool)> {
    let (stem, ending) = file_name.rsplit_once('.').unwrap_or((file_name, "txt"));
    for number in 1..=MOST_EXPORTS {
        let path = match number {
            1 => folder.join(file_name),
            _ => folder.join(format!("{stem}-{number}.{ending}")),
        };
        match files::create(&path) {
            Ok(mut file) => return file.write_all(text.as_bytes()).map(|()| (path, true)),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            // Only as much is read as could be the same.
            Err(_) => {
                let there = files::read(&path, text.len() as u64 + 1);
                if there.is_ok_and(|there| there == text.as_bytes()) {
                    return Ok((path, false));
                }
            }
        }
    }
    Err(io::Error::other("too many files have this name already"))
}
