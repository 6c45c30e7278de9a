//! What is remembered from start to start, in the user's state folder.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use crate::{
    system::files::{self, Folder},
    tui::screens::charts::ChartLayout,
};

/// The file of the layout of the Charts screen.
pub(super) const LAYOUT: &str = "charts.toml";
/// A longer file is not one of ours.
const LONGEST: u64 = 16 * 1024;

/// The remembered layout; `None` if there is none yet.
///
/// # Errors
/// A sentence, if there is one that cannot be read.
pub(in crate::tui) fn layout(folder: &Path) -> Result<Option<ChartLayout>, String> {
    let path = folder.join(LAYOUT);
    let read = match files::read(&path, LONGEST + 1) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(bytes) if bytes.len() as u64 > LONGEST => Err(format!("it is longer than {LONGEST} bytes")),
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => ChartLayout::read(&text),
            Err(_) => Err("it is not text".to_owned()),
        },
    };
    read.map(Some).map_err(|why| {
        format!(
            "{} is no layout of Charts ({why}): the default is shown, and the next change replaces the file",
            path.display()
        )
    })
}

/// Writes a file as a whole: nobody ever finds a half of it.
///
/// # Errors
/// What the file system answered.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let folder = Folder::open(folder)?;
    let part = format!("{name}.{}", std::process::id());
    // One of a process that was killed before it could rename it.
    let _ = folder.remove_file(&part);
    let written = folder.create(&part).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        folder.rename(&part, name)
    });
    if written.is_err() {
        let _ = folder.remove_file(&part);
    }
    written
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_remembered_as_a_whole_and_replaced() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/aha-lab");
        assert_eq!(layout(&folder), Ok(None));
        let default = ChartLayout::default();
        for text in ["axis = \"tokens\"\n", &default.text()] {
            write(&folder, LAYOUT, text).unwrap();
            assert_eq!(layout(&folder), Ok(Some(ChartLayout::read(text).unwrap())));
            let names: Vec<_> =
                fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, [LAYOUT], "nothing is left beside it");
        }
    }

    #[test]
    fn a_damaged_file_is_a_sentence_and_a_place_that_cannot_be_written_an_error() {
        let home = tempfile::tempdir().unwrap();
        let long = "# long\n".repeat(4000);
        for (bytes, said) in [
            (&b"axis = \"hours\""[..], "'hours' is none of"),
            (b"\xff\xfe", "it is not text"),
            (b"", "missing field"),
            (long.as_bytes(), "longer than 16384 bytes"),
        ] {
            fs::write(home.path().join(LAYOUT), bytes).unwrap();
            let sentence = layout(home.path()).unwrap_err();
            assert!(sentence.contains(said) && sentence.contains("charts.toml"), "{sentence}");
        }
        fs::remove_file(home.path().join(LAYOUT)).unwrap();
        fs::create_dir(home.path().join(LAYOUT)).unwrap();
        assert!(layout(home.path()).is_err(), "a folder in its place");
        assert!(write(home.path(), LAYOUT, "axis = \"steps\"").is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "and nothing is left beside it");
        let taken = home.path().join("taken");
        fs::write(&taken, "").unwrap();
        assert!(write(&taken, LAYOUT, "").is_err());
    }
}
