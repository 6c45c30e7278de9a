//! The files of a folder that an engine adds to, looked at again and again for next to nothing: its names are listed
//! again only when it has changed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use super::watched::Stamped;
use crate::runs::RunError;

/// Most files of a folder, and most folders in it.
const MOST_NAMES: usize = 200_000;
/// So many of the newest files are looked at each time.
const NEWEST: usize = 8;
/// How often all of them are: a file that is written over does not change its folder.
const LOOK_AT_ALL: Duration = Duration::from_secs(20);
/// A change in the same moment may not show in the folder's time.
const SETTLED: Duration = Duration::from_secs(3);

/// Files whose names hold their step.
#[derive(Debug)]
pub(super) struct StepFolder {
    path: PathBuf,
    step_of: fn(&str) -> Option<u64>,
    /// When it was listed last, and how it was then.
    listed: Option<SystemTime>,
    listed_at: Instant,
    files: BTreeMap<(u64, String), Stamped>,
}

impl StepFolder {
    /// Of this folder, with what gives the step of a name; `None` for a file of another kind.
    pub fn new(path: PathBuf, step_of: fn(&str) -> Option<u64>) -> Self {
        Self { path, step_of, listed: None, listed_at: Instant::now(), files: BTreeMap::new() }
    }

    /// Its files as they are now, by step. A folder that is not there has none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn look(&mut self) -> Result<impl Iterator<Item = (u64, &Stamped)>, RunError> {
        let changed = fs::symlink_metadata(&self.path).ok().and_then(|found| found.modified().ok());
        let settled = |changed: SystemTime| changed.elapsed().is_ok_and(|age| age > SETTLED);
        if changed.is_some() && changed == self.listed && self.listed_at.elapsed() < LOOK_AT_ALL {
            for file in self.files.values_mut().rev().take(NEWEST) {
                *file = Stamped::of(&file.path).unwrap_or_else(|| file.clone());
            }
        } else {
            self.files = self.list()?;
            self.listed_at = Instant::now();
            self.listed = changed.filter(|changed| settled(*changed));
        }
        Ok(self.files.iter().map(|((step, _), file)| (*step, file)))
    }

    fn list(&self) -> Result<BTreeMap<(u64, String), Stamped>, RunError> {
        let names = names_in(&self.path).map_err(RunError::io("read the folder", &self.path))?;
        let of = |name: String| {
            let step = (self.step_of)(&name)?;
            Some(((step, name.clone()), Stamped::of(&self.path.join(name))?))
        };
        Ok(names.into_iter().filter_map(of).collect())
    }
}

/// Folders whose names hold their step, with some files in each.
#[derive(Debug)]
pub(super) struct StepFolders {
    path: PathBuf,
    step_of: fn(&str) -> Option<u64>,
    inside: fn(&Path) -> Vec<PathBuf>,
    looked_at_all: Instant,
    known: BTreeMap<u64, Vec<Stamped>>,
}

impl StepFolders {
    /// The folders in this one, with what gives the step of a name, and the files of such a folder.
    pub fn new(path: PathBuf, step_of: fn(&str) -> Option<u64>, inside: fn(&Path) -> Vec<PathBuf>) -> Self {
        Self { path, step_of, inside, looked_at_all: Instant::now(), known: BTreeMap::new() }
    }

    /// The files of each step as they are now.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn look(&mut self) -> Result<&BTreeMap<u64, Vec<Stamped>>, RunError> {
        let names = names_in(&self.path).map_err(RunError::io("read the folder", &self.path))?;
        let mut folders: Vec<_> =
            names.into_iter().filter_map(|name| Some(((self.step_of)(&name)?, name))).collect();
        folders.sort();
        let all = self.looked_at_all.elapsed() > LOOK_AT_ALL;
        if all {
            self.looked_at_all = Instant::now();
        }
        let newest = folders.len().saturating_sub(NEWEST);
        for (at, (step, name)) in folders.into_iter().enumerate() {
            if all || at >= newest || !self.known.contains_key(&step) {
                let folder = self.path.join(name);
                // Nothing is followed out of the run.
                let is_folder = fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir());
                let files = if is_folder { (self.inside)(&folder) } else { Vec::new() };
                let files: Vec<_> = files.iter().filter_map(|path| Stamped::of(path)).collect();
                if !files.is_empty() {
                    self.known.insert(step, files);
                }
            }
        }
        Ok(&self.known)
    }
}

/// The files of a folder whose names end so, in order.
pub(super) fn files_ending(folder: &Path, ends: &str) -> Vec<PathBuf> {
    let mut names = names_in(folder).unwrap_or_default();
    names.retain(|name| name.ends_with(ends));
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// The names in a folder that are text; none where it is not there.
pub(super) fn names_in(path: &Path) -> std::io::Result<Vec<String>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    entries
        .take(MOST_NAMES)
        .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
        .collect()
}

/// The folders in a folder.
pub(super) fn folders_in(path: &Path) -> Vec<PathBuf> {
    let names = names_in(path).unwrap_or_default();
    let folders = names.into_iter().map(|name| path.join(name));
    let mut folders: Vec<_> =
        folders.filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())).collect();
    folders.sort();
    folders
}

/// The number between what a name begins and ends with.
pub(super) fn number_in(name: &str, begins: &str, ends: &str) -> Option<u64> {
    let digits = name.strip_prefix(begins)?.strip_suffix(ends)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_its_step_or_is_of_another_kind() {
        let of = |name| number_in(name, "completions_", ".parquet");
        assert_eq!([of("completions_00012.parquet"), of("completions_3.parquet")], [Some(12), Some(3)]);
        for other in ["completions_.parquet", "completions_-1.parquet", "completions_1.parquet.tmp", "x"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(of(&format!("completions_{}.parquet", u128::MAX)), None);
    }

    #[test]
    fn what_is_added_and_what_grows_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| number_in(name, "", ".json");
        let mut watched = StepFolder::new(folder.path().to_owned(), of);
        let mut seen =
            || watched.look().unwrap().map(|(step, file)| (step, file.clone())).collect::<Vec<_>>();
        assert_eq!(seen(), []);
        fs::write(folder.path().join("2.json"), "a").unwrap();
        fs::write(folder.path().join("other"), "a").unwrap();
        let first = seen();
        assert_eq!(first.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [2]);
        fs::write(folder.path().join("10.json"), "a").unwrap();
        fs::write(folder.path().join("2.json"), "longer").unwrap();
        let second = seen();
        assert_eq!(second.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [2, 10]);
        assert_ne!(first[0].1, second[0].1);
    }
}
