//! A sweep: a folder inside the folder of runs that holds the runs of every combination of some values, and a manifest
//! that says which. Its runs are run directories like any other.

use std::{ffi::OsString, fs, io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    directory::{RunDirectory, file_name_part},
    disk::Disk,
    error::RunError,
    lock::{self, RunLock},
};
use crate::system::{
    files::{self, Folder, Kind},
    quoting::quoting,
};

/// The manifest, in the folder of the sweep.
pub const MANIFEST: &str = "sweep.json";
/// A manifest that is written here is never larger.
const MAX_BYTES: u64 = 256 * 1024;
/// The newest version that this program reads, and the one that it writes.
const SCHEMA_VERSION: u32 = 1;
/// Characters of the keys in the name of a sweep.
const LONGEST_KEYS: usize = 40;
/// Characters of the time of its start and the hyphen after it, in the name of a run.
const TIME: usize = "2026-01-02T03-04-05-".len();

/// A key and the values that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// The key.
    pub key: String,
    /// Its values, in the order in which they were given.
    pub values: Vec<String>,
}

/// What a sweep tries. Two sweeps of one plan are the same one; how many seeds it has by now is no part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What differs between its runs, besides the seed.
    pub settings: Vec<Swept>,
    /// The arguments that all runs share, as they are written on the command line.
    pub shared: Vec<String>,
    /// Steps of a run.
    pub steps: u64,
    /// The seed of the first run of each combination; the others follow it.
    pub first_seed: u64,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    schema_version: u32,
    /// UTC, RFC 3339.
    created: String,
    program_version: String,
    #[serde(flatten)]
    plan: Plan,
}

impl Plan {
    /// The usual name of its folder: the keys that have several values, and what tells it from other plans of these keys.
    pub fn name(&self) -> String {
        let varied = self.settings.iter().filter(|swept| swept.values.len() > 1);
        let keys: Vec<&str> = varied.map(|swept| swept.key.as_str()).collect();
        let keys: String = keys.join("-").chars().take(LONGEST_KEYS).collect();
        let hash = Sha256::digest(serde_json::to_vec(self).unwrap_or_default());
        let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let words = ["sweep", &keys, &hash];
        file_name_part(&words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-"))
    }
}

/// A sweep that this process works on; no other does meanwhile.
#[derive(Debug)]
pub struct Sweep {
    lock: RunLock,
}

impl Sweep {
    /// Begins a sweep in a folder of runs, or goes on with it if it is there already.
    ///
    /// # Errors
    /// A folder of that name that is another sweep, or none; another process that works on it; the disk's error.
    pub fn begin(runs: &Path, name: &str, plan: &Plan) -> Result<Self, RunError> {
        let (disk, name) = (Disk::default(), file_name_part(name));
        let path = runs.join(&name);
        disk.create_folders(runs).map_err(RunError::io("create the folder", runs))?;
        let root = Folder::open(runs).map_err(RunError::io("open the folder", runs))?;
        let folder = disk.folder(&root, &name).map_err(RunError::io("open the folder", &path))?;
        let is_new = folder.names().map_err(RunError::io("list the folder", &path))?.is_empty();
        let refused = |reason: &str| RunError::LeftAlone { path: path.clone(), reason: reason.to_owned() };
        let there = read(&path)?;
        match &there {
            Some(there) if there != plan => {
                return Err(refused("it is a sweep of other values; choose another name with --name"));
            }
            // A process that was killed between making the folder and the manifest has left a lock at most.
            None if !is_new && !has_only_a_lock(&folder) => {
                return Err(refused("it is no sweep, and not empty; choose another name with --name"));
            }
            _ => {}
        }
        let lock = RunLock::acquire_on(&disk, &path)?;
        if there.is_none() {
            let manifest = Manifest {
                schema_version: SCHEMA_VERSION,
                created: Timestamp::now().to_string(),
                program_version: env!("CARGO_PKG_VERSION").into(),
                plan: plan.clone(),
            };
            let refused = |error: serde_json::Error| RunError::Record {
                path: path.join(MANIFEST),
                reason: error.to_string(),
            };
            let text = serde_json::to_string_pretty(&manifest).map_err(refused)? + "\n";
            let written = disk.replace_file(&folder, MANIFEST, text.as_bytes());
            written.map_err(RunError::io("write", &path.join(MANIFEST)))?;
            disk.sync_folder(&root).map_err(RunError::io("sync the folder", runs))?;
        }
        Ok(Self { lock })
    }

    /// Its folder, which is the folder of its runs.
    pub fn path(&self) -> &Path {
        self.lock.folder().path()
    }

    /// The newest run that was begun under this name.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn run(&self, name: &str) -> Result<Option<RunDirectory>, RunError> {
        Ok(RunDirectory::list(self.path())?.into_iter().rev().find(|run| is_called(&run.name(), name)))
    }
}

/// Whether a folder holds no more than a process leaves that was killed before its manifest was whole.
fn has_only_a_lock(folder: &Folder) -> bool {
    let is_left = |name: &OsString| {
        let name = name.to_string_lossy();
        lock::FILES.iter().chain([&MANIFEST]).any(|file| name == *file || name == format!("{file}.partial"))
    };
    folder.names().is_ok_and(|names| names.iter().all(is_left))
}

/// Whether a directory is that of a run of this name: the time of its start comes before it, and a number may follow.
fn is_called(directory: &str, name: &str) -> bool {
    let Some(rest) = directory.get(TIME..).and_then(|rest| rest.strip_prefix(name)) else { return false };
    rest.is_empty() || rest.strip_prefix('-').is_some_and(|suffix| suffix.parse::<u32>().is_ok())
}

/// The plan of the sweep in a folder; `None` if it is no sweep.
///
/// # Errors
/// A manifest that cannot be read.
pub fn read(folder: &Path) -> Result<Option<Plan>, RunError> {
    let path = folder.join(MANIFEST);
    let refused = |reason: String| RunError::Sweep { path: path.clone(), reason };
    let bytes = match files::open_unlinked(&path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        opened => opened
            .and_then(|file| files::read_most(&file, MAX_BYTES + 1))
            .map_err(|error| refused(error.to_string()))?,
    };
    parse(&bytes, &path).map(Some)
}

/// The plan in the bytes of a manifest; errors name `path`.
///
/// # Errors
/// As for [`read`].
pub fn parse(bytes: &[u8], path: &Path) -> Result<Plan, RunError> {
    let refused = |reason: String| RunError::Sweep { path: path.to_owned(), reason };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused(format!("it is larger than {} KiB", MAX_BYTES / 1024)));
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| refused(quoting(&error)))?;
    match manifest.schema_version {
        1..=SCHEMA_VERSION => Ok(manifest.plan),
        found => Err(refused(format!("it has version {found}, and this program reads {SCHEMA_VERSION}"))),
    }
}

/// The names of the sweeps in a folder of runs, and what could not be read of them.
pub fn list(runs: &Path) -> Vec<Result<String, RunError>> {
    let Ok(root) = Folder::open(runs) else { return Vec::new() };
    let is_folder =
        |name: &str| root.find(name).is_ok_and(|found| found.is_some_and(|f| f.kind == Kind::Folder));
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let read = |name: String| match read(&runs.join(&name)) {
        Ok(plan) => plan.map(|_| Ok(name)),
        Err(error) => Some(Err(error)),
    };
    names.into_iter().filter(|name| is_folder(name)).filter_map(read).collect()
}

#[cfg(test)]
mod tests;
