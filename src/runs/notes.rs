//! What a person says of a run: a name, a note and tags, in a small file of their own beside the run's files. It may
//! come from a stranger, as everything in a run directory.
//!
//! The folder of a run keeps its name, by which its forks and its sweep know it; the given name stands beside it.

mod removal;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use self::removal::delete;
use super::{directory::RunDirectory, error::RunError};
use crate::system::{
    files::{self, Folder, Kind, Wanted},
    quoting::{quoted, quoting},
};

/// The file, in the directory of the run.
pub const FILE: &str = "notes.toml";
/// A file that is written here is never larger.
const MAX_BYTES: u64 = 64 * 1024;
/// Characters of a name.
pub const LONGEST_NAME: usize = 60;
/// Characters of a note.
pub const LONGEST_NOTE: usize = 4_000;
/// Characters of a tag.
pub const LONGEST_TAG: usize = 40;
/// Tags of a run.
pub const MOST_TAGS: usize = 20;

/// What a person says of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// The name that it was given; empty if it was given none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The note, of one line or several; empty if there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The tags, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Notes {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what is too long or cannot stand in a line.
    ///
    /// # Errors
    /// A sentence about the first such thing.
    pub fn check(&self) -> Result<(), RunError> {
        self.fault().map_or(Ok(()), |reason| Err(RunError::BadNotes { reason }))
    }

    fn fault(&self) -> Option<String> {
        let commands = |c: char| c.is_control();
        let name = &self.name;
        if name.chars().count() > LONGEST_NAME {
            return Some(format!(
                "a name has at most {LONGEST_NAME} characters, which {} has not",
                quoted(name)
            ));
        }
        if name.contains(|c: char| commands(c) || "/\\@".contains(c)) || name.starts_with(['-', '.']) {
            let rule = "has no line breaks, no `/`, `\\` or `@`, and begins with neither `-` nor `.`";
            return Some(format!("a name {rule}, unlike {}", quoted(name)));
        }
        if name.trim() != name {
            return Some(format!("a name neither begins nor ends with a space, unlike {}", quoted(name)));
        }
        if self.note.chars().count() > LONGEST_NOTE {
            return Some(format!("a note has at most {LONGEST_NOTE} characters"));
        }
        if self.note.contains(|c: char| commands(c) && c != '\n' && c != '\t') {
            return Some("a note has no control characters but line breaks and tabs".to_owned());
        }
        if self.tags.len() > MOST_TAGS {
            return Some(format!("a run has at most {MOST_TAGS} tags"));
        }
        self.tags.iter().enumerate().find_map(|(i, tag)| {
            let is_long = tag.chars().count() > LONGEST_TAG;
            let is_odd = tag.contains(|c: char| commands(c) || c.is_whitespace() || c == ',');
            match () {
                () if tag.is_empty() => Some("a tag cannot be empty".to_owned()),
                () if is_long => {
                    Some(format!("a tag has at most {LONGEST_TAG} characters, which {} has not", quoted(tag)))
                }
                () if is_odd => Some(format!("a tag has no spaces and no commas, unlike {}", quoted(tag))),
                () if self.tags[..i].contains(tag) => {
                    Some(format!("the tag {} stands there twice", quoted(tag)))
                }
                () => None,
            }
        })
    }
}

/// The tags in a text such as `a, b`; a tag that stands there twice counts once.
pub fn tags_in(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if !tags.iter().any(|other| other == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// What is said of a run; nothing if there is no file.
///
/// # Errors
/// A file that is none of ours, or that holds what [`Notes::check`] refuses.
pub fn read(run: &RunDirectory) -> Result<Notes, RunError> {
    let path = run.path().join(FILE);
    parse(&bytes_of(&path)?, &path)
}

/// The notes in the bytes of a file; errors name `path`.
///
/// # Errors
/// As for [`read`].
pub fn parse(bytes: &[u8], path: &Path) -> Result<Notes, RunError> {
    Ok(parsed(bytes, path)?.0)
}

/// The file as it is.
fn bytes_of(path: &Path) -> Result<Vec<u8>, RunError> {
    match files::open_unlinked(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        opened => opened
            .and_then(|file| files::read_most(&file, MAX_BYTES + 1))
            .map_err(|error| RunError::Notes { path: path.to_owned(), reason: error.to_string() }),
    }
}

/// The notes, and the keys that are not known here: a newer program or the person has written them.
fn parsed(bytes: &[u8], path: &Path) -> Result<(Notes, toml::Table), RunError> {
    let refused = |reason: String| RunError::Notes { path: path.to_owned(), reason };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused(format!("it is larger than {} KiB", MAX_BYTES / 1024)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text".into()))?;
    let wrong = |error: toml::de::Error| refused(quoting(&error.message().trim_end_matches('.')));
    let mut table: toml::Table = text.parse().map_err(wrong)?;
    let notes: Notes = table.clone().try_into().map_err(wrong)?;
    notes.fault().map_or(Ok(()), |reason| Err(refused(reason)))?;
    for known in ["name", "note", "tags"] {
        table.remove(known);
    }
    Ok((notes, table))
}

/// Writes what is said of a run of ours that lies in the folder `runs`. The run may be running: its own files are not
/// touched.
///
/// # Errors
/// What [`Notes::check`] refuses, a folder that is no run of ours or is not in `runs`, a file there that cannot be read,
/// or the disk's error.
pub fn write(runs: &Path, run: &RunDirectory, notes: &Notes) -> Result<(), RunError> {
    notes.check()?;
    let lies = Lies::of_ours(runs, run)?;
    let path = run.path().join(FILE);
    let (before, mut table) = parsed(&bytes_of(&path)?, &path)?;
    if before == *notes {
        return Ok(());
    }
    let bad = |error: &dyn std::fmt::Display| RunError::BadNotes { reason: error.to_string() };
    table.extend(toml::Table::try_from(notes).map_err(|error| bad(&error))?);
    let text = toml::to_string(&table).map_err(|error| bad(&error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(RunError::BadNotes {
            reason: format!("with the other keys of {} it is too long", path.display()),
        });
    }
    let folder = lies.root.folder(&lies.name).map_err(RunError::io("open the folder", run.path()))?;
    folder.must_be_file(FILE).map_err(RunError::io("write", &path))?;
    run.disk().replace_file(&folder, FILE, text.as_bytes()).map_err(RunError::io("write", &path))
}

/// Gives a run another name; an empty one takes the name away. The folder is still called as before.
///
/// # Errors
/// As for [`write`]; a run that is running, or a name that another run in the folder has.
pub fn rename(runs: &Path, run: &RunDirectory, name: &str) -> Result<(), RunError> {
    let name = name.trim();
    let others = RunDirectory::list(runs)?;
    let has_it = |other: &&RunDirectory| {
        other.name() != run.name()
            && (other.name() == name || read(other).is_ok_and(|notes| notes.name == name))
    };
    if let Some(other) = others.iter().find(has_it).filter(|_| !name.is_empty()) {
        return Err(RunError::BadNotes {
            reason: format!("{} is the name of {}", quoted(name), other.name()),
        });
    }
    let mut notes = read(run)?;
    notes.name = name.to_owned();
    notes.check()?;
    // Whoever has it on screen or in a script knows it by the name that it has.
    Lies::of_ours(runs, run)?.must_be_at_rest(run)?;
    write(runs, run, &notes)
}

/// Where a run of ours lies, seen without following a link.
struct Lies {
    /// The folder of runs.
    root: Folder,
    /// The name of the run's folder in it.
    name: String,
}

impl Lies {
    /// Refuses what does not lie in the folder of runs itself, and what is no run of ours.
    fn of_ours(runs: &Path, run: &RunDirectory) -> Result<Self, RunError> {
        let left_alone = |reason: String| RunError::LeftAlone { path: run.path().to_owned(), reason };
        let resolved = |path: &Path| -> Result<PathBuf, RunError> {
            let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
            fs::canonicalize(path).map_err(RunError::io("find", path))
        };
        let name = run.path().file_name().and_then(|name| name.to_str());
        let (Some(name), Some(parent)) = (name, run.path().parent()) else {
            return Err(left_alone("its name is not one of a run's folder".into()));
        };
        if resolved(parent)? != resolved(runs)? {
            return Err(left_alone(format!(
                "it does not lie in the folder of runs {}; name its folder with --runs DIR",
                runs.display()
            )));
        }
        let root = Folder::open(runs).map_err(RunError::io("open the folder", runs))?;
        match root.find(name).map_err(RunError::io("look at", run.path()))? {
            Some(found) if found.kind == Kind::Folder => {}
            Some(found) => return Err(left_alone(format!("it is {}, not {}", found.kind, Wanted::Folder))),
            None => return Err(RunError::NotARun { path: run.path().to_owned() }),
        }
        // Any program may have a config.toml.
        if run.config()?.provenance.is_none() {
            return Err(left_alone("its config.toml does not say that it is a run of aha-lab".into()));
        }
        Ok(Self { root, name: name.to_owned() })
    }

    fn must_be_at_rest(&self, run: &RunDirectory) -> Result<(), RunError> {
        match run.is_live() {
            true => Err(RunError::Locked { path: run.path().to_owned(), pid: run.writer() }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
