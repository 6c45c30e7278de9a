//! Checkpoints: folders that are either whole or absent, and can prove it.
//!
//! A checkpoint is written under a temporary name; its manifest, with the size and hash of every file and a
//! digest of itself, is written last; then the folder is renamed.

mod manifest;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
};

use self::manifest::{MANIFEST, hash_file};
pub(super) use self::{manifest::require, writer::PARTIAL};
pub use self::{
    manifest::{FORMAT, FileEntry, Manifest},
    writer::CheckpointWriter,
};
use super::{directory::CHECKPOINTS, disk::Disk, error::CheckpointError};
use crate::system::files::{self, Folder, Kind};

const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;
/// Suffix of a checkpoint whose replacement is being renamed into its place.
pub(super) const REPLACED: &str = ".replaced";

/// A verified checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Steps finished when it was made.
    pub step: u64,
    /// Its folder.
    pub path: PathBuf,
    /// What it consists of.
    pub manifest: Manifest,
}

/// A checkpoint that cannot be used.
#[derive(Debug)]
pub struct InvalidCheckpoint {
    /// Its folder.
    pub path: PathBuf,
    /// Why.
    pub error: CheckpointError,
}

/// Opens the folder of checkpoints, which must not be a link.
///
/// # Errors
/// The system's error, or that it is not a folder; a missing folder is `None`.
pub(super) fn folder_of(checkpoints: &Path) -> io::Result<Option<Folder>> {
    let opened = match (checkpoints.parent(), checkpoints.file_name()) {
        (Some(home), Some(name)) => Folder::open(home).and_then(|home| home.folder(name)),
        _ => Folder::open(checkpoints),
    };
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Opens a checkpoint without following links below the run directory.
///
/// # Errors
/// The system's error, or that something is not a folder.
pub(super) fn open(checkpoint: &Path) -> io::Result<Folder> {
    match (checkpoint.parent(), checkpoint.file_name()) {
        (Some(checkpoints), Some(name)) => {
            folder_of(checkpoints)?.ok_or(io::ErrorKind::NotFound)?.folder(name)
        }
        _ => Folder::open(checkpoint),
    }
}

/// Checks that every file of a checkpoint is unchanged. Errors name the file.
pub fn verify(folder: &Path) -> Result<Manifest, CheckpointError> {
    let path = folder.join(MANIFEST);
    let opened = open(folder).map_err(CheckpointError::io("open", folder))?;
    let bytes = opened
        .read(MANIFEST)
        .and_then(|file| files::read_most(&file, MAX_MANIFEST_BYTES + 1))
        .map_err(CheckpointError::io("read", &path))?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(CheckpointError::broken(&path, "it is too large for a manifest"));
    }
    let manifest = Manifest::parse(&bytes, &path)?;
    if step_of(folder).is_some_and(|(step, _)| step != manifest.step) {
        return Err(CheckpointError::broken(&path, format!("it is of step {}", manifest.step)));
    }
    // Unlisted files too: loading the model looks for some by name.
    for name in opened.names().map_err(CheckpointError::io("read the folder", folder))? {
        opened.must_be_file(&name).map_err(CheckpointError::io("read", &folder.join(name)))?;
    }
    for (name, entry) in &manifest.files {
        let path = folder.join(name);
        let file = match opened.read(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(CheckpointError::broken(&path, "it is missing"));
            }
            other => other.map_err(CheckpointError::io("read", &path))?,
        };
        let size = file.metadata().map_err(CheckpointError::io("read", &path))?.len();
        if size != entry.bytes {
            let reason = format!("it has {size} bytes instead of {}", entry.bytes);
            return Err(CheckpointError::broken(&path, reason));
        }
        if hash_file(file).map_err(CheckpointError::io("read", &path))? != *entry {
            return Err(CheckpointError::broken(&path, "its content was changed"));
        }
    }
    Ok(manifest)
}

/// The checkpoints of a folder by step, oldest first, not verified. A missing folder has none.
pub fn list(checkpoints: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(Some(folder)) = folder_of(checkpoints) else { return vec![] };
    let mut found: Vec<(u64, bool, PathBuf)> = folder
        .names()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| {
            let path = checkpoints.join(&name);
            let (step, replaced) = step_of(&path)?;
            // A link cannot be used; it is listed so that using it gives an error.
            let is_one = matches!(folder.find(&name).ok()??.kind, Kind::Folder | Kind::Link);
            is_one.then_some((step, !replaced, path))
        })
        .collect();
    // For one step, the folder with the proper name comes last and wins below.
    found.sort();
    let mut found: Vec<(u64, PathBuf)> = found.into_iter().map(|(step, _, path)| (step, path)).collect();
    found.reverse();
    found.dedup_by_key(|(step, _)| *step);
    found.reverse();
    found
}

/// Removes the checkpoints before a step, ignoring failures: one that stays only takes up space.
pub(crate) fn remove_before(checkpoints: &Path, step: u64) {
    let Ok(Some(folder)) = folder_of(checkpoints) else { return };
    for (_, older) in list(checkpoints).into_iter().filter(|(of, _)| *of < step) {
        if let Some(name) = older.file_name() {
            let _ = folder.remove_folder(name);
        }
    }
}

/// Removes the checkpoints after a step, newest first, so that an interruption leaves no gap.
///
/// # Errors
/// The disk's error.
pub(crate) fn remove_after(disk: &Disk, run: &Folder, step: u64) -> Result<(), CheckpointError> {
    let path = run.path().join(CHECKPOINTS);
    let folder = run.folder(CHECKPOINTS).map_err(CheckpointError::io("open the folder", &path))?;
    for (_, later) in list(&path).into_iter().rev().filter(|(of, _)| *of > step) {
        if let Some(name) = later.file_name().and_then(|name| name.to_str()) {
            disk.remove_folder(&folder, name).map_err(CheckpointError::io("remove", &later))?;
        }
    }
    Ok(())
}

/// The newest checkpoint that is whole, and the newer ones that are not.
pub fn newest_valid(checkpoints: &Path) -> (Option<Checkpoint>, Vec<InvalidCheckpoint>) {
    newest_with(checkpoints, &[])
}

/// Like [`newest_valid`], among those that hold at least these files.
pub(super) fn newest_with(
    checkpoints: &Path,
    needed: &[&str],
) -> (Option<Checkpoint>, Vec<InvalidCheckpoint>) {
    let mut invalid = vec![];
    for (step, path) in list(checkpoints).into_iter().rev() {
        let verified =
            verify(&path).and_then(|manifest| require(&path, &manifest, needed).map(|()| manifest));
        match verified {
            Ok(manifest) => return (Some(Checkpoint { step, path, manifest }), invalid),
            Err(error) => invalid.push(InvalidCheckpoint { path, error }),
        }
    }
    (None, invalid)
}

fn folder_name(step: u64) -> String {
    format!("step-{step:06}")
}

/// The step in a checkpoint folder's name, and whether the folder was about to be replaced.
pub(super) fn step_of(folder: &Path) -> Option<(u64, bool)> {
    let name = folder.file_name()?.to_str()?;
    let (name, replaced) = match name.strip_suffix(REPLACED) {
        Some(name) => (name, true),
        None => (name, false),
    };
    let step = name.strip_prefix("step-")?.parse().ok()?;
    (folder_name(step) == name).then_some((step, replaced))
}
