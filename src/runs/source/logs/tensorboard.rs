//! TensorBoard's event files of a run.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::super::tfevents::{MOST_BYTES, Scalar, scalars};
use super::{
    super::folders::{folders_in, names_in},
    Logged,
};
use crate::{record::Step, system::files};

/// What the names of the files begin with.
const NAME: &str = "events.out.tfevents.";
/// Most files of a run.
const MOST_FILES: usize = 100;
/// Most names of a step.
const MOST_NAMES: usize = 2000;

/// The event files of a run: in its folder, in `runs/`, or one folder deeper.
#[derive(Debug)]
pub(in super::super) struct EventFiles {
    run: PathBuf,
    /// How far each was read; `None` if it is broken there.
    read: BTreeMap<PathBuf, Option<u64>>,
    known: BTreeMap<u64, Step>,
}

impl EventFiles {
    /// Of this run.
    pub fn new(run: &Path) -> Self {
        Self { run: run.to_owned(), read: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// Whether there are any.
    pub fn are_in(run: &Path) -> bool {
        !Self::find(run).is_empty()
    }

    fn find(run: &Path) -> Vec<PathBuf> {
        let logs = run.join("runs");
        let folders = [run.to_owned(), logs.clone()].into_iter().chain(folders_in(&logs));
        let files = folders.flat_map(|folder| {
            let names = names_in(&folder).unwrap_or_default();
            names.into_iter().filter(|name| name.starts_with(NAME)).map(move |name| folder.join(name))
        });
        let mut files: Vec<_> = files.collect();
        // Their names begin with the time.
        files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        files.truncate(MOST_FILES);
        files
    }

    /// What is new.
    pub fn poll(&mut self) -> Logged {
        let (mut fresh, mut warnings) = (BTreeMap::new(), Vec::new());
        for path in Self::find(&self.run) {
            let Some(from) = *self.read.entry(path.clone()).or_insert(Some(0)) else { continue };
            let (to, scalars) = match scalars_from(&path, from) {
                Ok(found) => found,
                Err(error) => {
                    warnings.push(format!("{} is not read any further: {error}.", path.display()));
                    (None, Vec::new())
                }
            };
            self.read.insert(path, to);
            for (number, name, value) in scalars {
                let known = self.known.entry(number).or_insert_with(|| Step::new(number));
                if known.iter().count() < MOST_NAMES {
                    known.put(&name, f64::from(value).into(), |_| false);
                    fresh.insert(number, ());
                }
            }
        }
        (fresh.keys().filter_map(|number| self.known.get(number)).cloned().collect(), warnings)
    }
}

/// The scalars behind this place, and where the last whole record ends.
fn scalars_from(path: &Path, from: u64) -> io::Result<(Option<u64>, Vec<Scalar>)> {
    let mut file: File = files::open_unlinked(path)?;
    if file.metadata()?.len() <= from {
        return Ok((Some(from), Vec::new()));
    }
    file.seek(SeekFrom::Start(from))?;
    let bytes = files::read_most(&file, MOST_BYTES)?;
    let (used, scalars) = scalars(&bytes).map_err(io::Error::other)?;
    Ok((Some(from + used as u64), scalars))
}
