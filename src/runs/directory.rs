//! Creating, opening and finding run directories.

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use jiff::Timestamp;

use super::{
    checkpoint::{self, Checkpoint},
    disk::Disk,
    error::{CheckpointError, RunError},
    lock::{self, RunLock},
    notes,
};
use crate::{
    config::{Config, ConfigFile, RunInfo},
    system::{
        files::{self, Folder},
        quoting::shortened,
    },
};

/// A run on disk. Holding one does not give the right to write it: see [`super::Journal`] and [`RunLock`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
    disk: Disk,
}

pub(super) const CONFIG: &str = "config.toml";
pub(super) const METRICS: &str = "metrics.jsonl";
pub(super) const ROLLOUTS: &str = "rollouts.jsonl";
pub(super) const EVENTS: &str = "events.jsonl";
pub(super) const CHECKPOINTS: &str = "checkpoints";
/// What the engine and its libraries log.
pub(crate) const ENGINE_LOG: &str = "engine.log";
/// What a checkpoint must hold to resume a run.
const CHECKPOINT_FILES: [&str; 4] = ["config.json", "tokenizer.json", "optimizer.f32", "state.json"];
/// Longer names are cut: some systems allow 255 bytes, and the date and a suffix come on top.
const LONGEST_SHORT_NAME: usize = 60;
/// How many runs with the same second and name get a suffix before giving up.
const MOST_COLLISIONS: u32 = 1_000;
/// How many runs an error lists.
const LISTED: usize = 5;

impl RunDirectory {
    /// Creates `<runs_root>/<UTC time>-<short name>/` with its `config.toml`. Letters, digits, `.`, `_` and
    /// `-` of the name stay, everything else becomes `-`. A taken name gets a suffix `-2`, `-3`, ….
    pub fn create(
        runs_root: &Path,
        short_name: &str,
        config: &Config,
        info: &RunInfo,
    ) -> Result<Self, RunError> {
        Self::create_on(&Disk::default(), runs_root, short_name, config, info)
    }

    /// Like [`RunDirectory::create`], on a given disk.
    ///
    /// # Errors
    /// As for [`RunDirectory::create`].
    pub fn create_on(
        disk: &Disk,
        runs_root: &Path,
        short_name: &str,
        config: &Config,
        info: &RunInfo,
    ) -> Result<Self, RunError> {
        Self::create_at(disk, Timestamp::now(), runs_root, short_name, config, info)
    }

    fn create_at(
        disk: &Disk,
        now: Timestamp,
        runs_root: &Path,
        short_name: &str,
        config: &Config,
        info: &RunInfo,
    ) -> Result<Self, RunError> {
        let text = ConfigFile { config: config.clone(), provenance: Some(info.clone()) }.to_toml()?;
        disk.create_folders(runs_root).map_err(RunError::io("create the folder", runs_root))?;
        let name = format!("{}-{}", now.strftime("%Y-%m-%dT%H-%M-%S"), file_name_part(short_name));
        let root = Folder::open(runs_root).map_err(RunError::io("open the folder", runs_root))?;
        let mut chosen = name.clone();
        for suffix in 2.. {
            match disk.create_folder(&root, &chosen) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && suffix < MOST_COLLISIONS => {
                    chosen = format!("{name}-{suffix}");
                }
                Err(error) => {
                    return Err(RunError::io("create the folder", &runs_root.join(chosen))(error));
                }
            }
        }
        let path = runs_root.join(&chosen);
        let written =
            root.folder(&chosen).and_then(|folder| disk.replace_file(&folder, CONFIG, text.as_bytes()));
        if let Err(error) = written {
            // An empty folder is of no use; if it cannot be removed either, it is not a run and is ignored.
            let _ = fs::remove_dir(&path);
            return Err(RunError::io("write", &path.join(CONFIG))(error));
        }
        disk.sync_folder(&root).map_err(RunError::io("sync the folder", runs_root))?;
        Ok(Self { path, disk: disk.clone() })
    }

    /// The same run, written through another disk.
    pub fn on(self, disk: Disk) -> Self {
        Self { disk, ..self }
    }

    /// The disk that it is written through.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Opens an existing run. Only its `config.toml` must exist; it is not read yet.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let config = path.join(CONFIG);
        match fs::symlink_metadata(&config) {
            // Anything that is not a file is refused when it is read.
            Ok(found) if !found.is_dir() => Ok(Self { path: path.to_path_buf(), disk: Disk::default() }),
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(RunError::io("read", &config)(error))
            }
            _ => Err(RunError::NotARun { path: path.to_path_buf() }),
        }
    }

    /// Finds a run by its path, its name, the name that a person gave it, or a part that occurs in only one run's names.
    pub fn find(runs_root: &Path, name: &str) -> Result<Self, RunError> {
        let as_path = Path::new(name);
        // A bare name is looked up among the runs first, so that a folder of the same name in the working
        // directory does not hide it.
        let is_path = as_path.components().count() > 1 || name.starts_with('.') || as_path.is_absolute();
        if is_path && as_path.is_dir() {
            return Self::open(as_path);
        }
        let runs = Self::list(runs_root)?;
        let matches: Vec<&Self> = match runs.iter().find(|run| run.name() == name) {
            Some(exact) => vec![exact],
            None => Self::of_names(&runs, name),
        };
        match matches[..] {
            [only] => Ok(only.clone()),
            [] if as_path.is_dir() => Self::open(as_path),
            [] => Err(RunError::NoSuchRun {
                name: shortened(name),
                root: runs_root.to_path_buf(),
                known: runs.iter().rev().take(LISTED).map(Self::name).collect(),
            }),
            _ => Err(RunError::Ambiguous {
                name: shortened(name),
                candidates: matches.iter().map(|run| run.name()).collect(),
            }),
        }
    }

    /// The runs that were given this name, or else those with a name that has it in it.
    fn of_names<'a>(runs: &'a [Self], name: &str) -> Vec<&'a Self> {
        if name.is_empty() {
            return vec![];
        }
        // Notes that cannot be read name nothing.
        let given: Vec<String> = runs.iter().map(|run| notes::read(run).unwrap_or_default().name).collect();
        let those = |is_meant: &dyn Fn(&Self, &String) -> bool| -> Vec<&'a Self> {
            runs.iter().zip(&given).filter(|(run, given)| is_meant(run, given)).map(|(run, _)| run).collect()
        };
        match those(&|_, given| given == name) {
            exact if !exact.is_empty() => exact,
            _ => those(&|run, given| run.name().contains(name) || given.contains(name)),
        }
    }

    /// All runs in a folder, oldest first; none if the folder is missing.
    pub fn list(runs_root: &Path) -> Result<Vec<Self>, RunError> {
        let entries = match fs::read_dir(runs_root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(RunError::io("list the folder", runs_root)(error)),
        };
        let mut runs: Vec<Self> = entries.filter_map(|entry| Self::open(&entry.ok()?.path()).ok()).collect();
        runs.sort_by_key(Self::name);
        Ok(runs)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Its configuration and provenance, validated.
    pub fn config(&self) -> Result<ConfigFile, RunError> {
        let path = self.path.join(CONFIG);
        Ok(ConfigFile::read(files::open_unlinked(&path), &path)?)
    }

    /// Like [`RunDirectory::config`], with the provenance keys that this program does not know.
    ///
    /// # Errors
    /// As for [`RunDirectory::config`].
    pub(crate) fn config_and_unknown(&self) -> Result<(ConfigFile, Vec<String>), RunError> {
        let path = self.path.join(CONFIG);
        Ok(ConfigFile::read_and_unknown(files::open_unlinked(&path), &path)?)
    }

    /// `metrics.jsonl`: one line per step.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// `rollouts.jsonl`: one line per completion.
    pub fn rollouts_path(&self) -> PathBuf {
        self.path.join(ROLLOUTS)
    }

    /// `events.jsonl`: one line for everything that was done to the run.
    pub fn events_path(&self) -> PathBuf {
        self.path.join(EVENTS)
    }

    /// What the engine and its libraries log.
    pub fn log_path(&self) -> PathBuf {
        self.path.join(ENGINE_LOG)
    }

    /// The folder of checkpoints.
    pub fn checkpoints_path(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Whether some process is writing it now.
    pub fn is_live(&self) -> bool {
        RunLock::is_held(&self.path)
    }

    /// The process that is writing it, if it is alive and this user's.
    pub(super) fn writer(&self) -> Option<u32> {
        lock::writer(&self.path)
    }

    /// The checkpoint of a step, or the newest valid one, verified.
    pub fn checkpoint(&self, step: Option<u64>) -> Result<Checkpoint, RunError> {
        let folder = self.checkpoints_path();
        checkpoint::folder_of(&folder).map_err(RunError::io("read the folder", &folder))?;
        let steps = || checkpoint::list(&folder).into_iter().map(|(step, _)| step).collect();
        let missing = |others_there| CheckpointError::None { path: folder.clone(), step, others_there };
        match step {
            None => match checkpoint::newest_with(&folder, &CHECKPOINT_FILES) {
                (Some(newest), _) => Ok(newest),
                (None, mut invalid) if !invalid.is_empty() => Err(invalid.swap_remove(0).error.into()),
                (None, _) => Err(missing(vec![]).into()),
            },
            Some(wanted) => match checkpoint::list(&folder).into_iter().find(|(step, _)| *step == wanted) {
                None => Err(missing(steps()).into()),
                Some((step, path)) => {
                    let manifest = checkpoint::verify(&path)?;
                    checkpoint::require(&path, &manifest, &CHECKPOINT_FILES)?;
                    Ok(Checkpoint { step, path, manifest })
                }
            },
        }
    }
}

/// `RUN@STEP`, or `RUN` for its newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAtStep {
    /// A path or a unique part of a name, for [`RunDirectory::find`].
    pub run: String,
    /// The step; `None` for the newest checkpoint.
    pub step: Option<u64>,
}

impl FromStr for RunAtStep {
    type Err = RunError;

    fn from_str(given: &str) -> Result<Self, RunError> {
        let refused = || RunError::NotRunAtStep { given: shortened(given) };
        let (run, step) = match given.rsplit_once('@') {
            Some((run, step)) => (run, Some(step.parse().map_err(|_| refused())?)),
            None => (given, None),
        };
        if run.is_empty() {
            return Err(refused());
        }
        Ok(Self { run: run.to_string(), step })
    }
}

/// A name with what every file system takes.
pub(super) fn file_name_part(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let part: String = name.trim().chars().take(LONGEST_SHORT_NAME).map(allowed).collect();
    match part.trim_matches(|c| c == '-' || c == '.') {
        "" => "run".into(),
        kept => kept.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_fit_for_every_file_system() {
        assert_eq!(file_name_part("first aha"), "first-aha");
        assert_eq!(file_name_part("../../etc/passwd"), "etc-passwd");
        assert_eq!(file_name_part(" ünï:code? "), "n--code");
        assert_eq!(file_name_part("…"), "run");
        assert_eq!(file_name_part(&"x".repeat(500)).len(), LONGEST_SHORT_NAME);
    }

    #[test]
    fn runs_of_one_second_get_a_suffix_and_the_name_is_utc() {
        let root = tempfile::tempdir().unwrap();
        let at: Timestamp = "2026-01-02T03:04:05+02:00".parse().unwrap();
        let info = RunInfo {
            model_hash: "ab".into(),
            program_version: "0.1.0".into(),
            git_revision: Some("c0ffee".into()),
            analysis: None,
            backend: "cpu x2".into(),
            vector_unit: Some("avx2".into()),
            base: None,
            created: at.to_string(),
            forked_from: None,
            engine: None,
        };
        let make = || {
            RunDirectory::create_at(&Disk::default(), at, root.path(), "a b", &Config::default(), &info)
                .unwrap()
        };
        let runs = [make(), make(), make()];
        let names: Vec<String> = runs.iter().map(RunDirectory::name).collect();
        assert_eq!(
            names,
            ["2026-01-02T01-04-05-a-b", "2026-01-02T01-04-05-a-b-2", "2026-01-02T01-04-05-a-b-3"]
        );
        let file = runs[2].config().unwrap();
        assert_eq!((file.config, file.provenance), (Config::default(), Some(info)));
        assert_eq!(RunDirectory::list(root.path()).unwrap(), runs);
        // An exact name wins over partial matches.
        assert_eq!(RunDirectory::find(root.path(), &names[0]).unwrap(), runs[0]);
    }

    #[test]
    fn run_at_step() {
        let parse = |given: &str| given.parse::<RunAtStep>().map(|at| (at.run, at.step));
        assert_eq!(parse("first-aha@120").unwrap(), ("first-aha".into(), Some(120)));
        assert_eq!(parse("first-aha").unwrap(), ("first-aha".into(), None));
        assert_eq!(parse("me@home/run@7").unwrap(), ("me@home/run".into(), Some(7)));
        for bad in ["first-aha@", "@3", "", "first-aha@last", "first-aha@-1", "first-aha@1.5"] {
            assert!(parse(bad).unwrap_err().to_string().contains("RUN@STEP"), "{bad}");
        }
    }
}
