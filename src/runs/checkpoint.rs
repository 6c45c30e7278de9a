//! Checkpoints: folders that are either whole or absent, and can prove it.
//!
//! A checkpoint is written under a temporary name; its manifest, with the size and hash of every file and a
//! digest of itself, is written last; then the folder is renamed.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{directory::CHECKPOINTS, disk::Disk, error::CheckpointError, journal::LogFile};
use crate::{
    model::{adapter, host::hexadecimal},
    system::{
        files::{self, Folder, Kind, Wanted},
        quoting::{quoting, shortened},
    },
};

/// The format written and read here.
pub const FORMAT: u32 = 1;

const WEIGHTS: &str = "model.safetensors";
const MANIFEST: &str = "manifest.json";
const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;
/// Suffix of a checkpoint being written.
pub(super) const PARTIAL: &str = ".partial";
/// Size of the write buffer, bytes.
const BUFFER: usize = 1 << 20;
/// Suffix of a checkpoint whose replacement is being renamed into its place.
pub(super) const REPLACED: &str = ".replaced";

/// What a checkpoint consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// Steps finished when it was made.
    pub step: u64,
    /// Its files by name, without this manifest.
    pub files: BTreeMap<String, FileEntry>,
    /// SHA-256 of the above, in hexadecimal.
    pub digest: String,
}

/// One file of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

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

/// Writes one checkpoint. Dropped before [`CheckpointWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct CheckpointWriter {
    disk: Disk,
    /// The folder of checkpoints.
    folder: Folder,
    /// The one being written.
    partial: Folder,
    step: u64,
    files: BTreeMap<String, FileEntry>,
    finished: bool,
}

impl CheckpointWriter {
    /// Begins the checkpoint of a step in a folder of checkpoints, creating the folder if necessary. Removes
    /// the remains of an interrupted one: the caller holds the run's lock.
    pub fn begin(checkpoints: &Path, step: u64) -> Result<Self, CheckpointError> {
        Self::begin_on(&Disk::default(), checkpoints, step)
    }

    /// Like [`CheckpointWriter::begin`], on a given disk.
    ///
    /// # Errors
    /// As for [`CheckpointWriter::begin`].
    pub fn begin_on(disk: &Disk, checkpoints: &Path, step: u64) -> Result<Self, CheckpointError> {
        let failed = |cause| CheckpointError::io("create the folder", checkpoints)(cause);
        let (Some(home), Some(name)) = (checkpoints.parent(), checkpoints.file_name()) else {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        };
        if !home.as_os_str().is_empty() {
            fs::create_dir_all(home).map_err(failed)?;
        }
        let home = Folder::open(home).map_err(failed)?;
        let folder = disk.folder(&home, name).map_err(failed)?;
        Self::begin_within(disk, folder, step)
    }

    /// Like [`CheckpointWriter::begin`], in the folder `name` of an open folder: the checkpoint ends up
    /// inside it wherever it is moved.
    ///
    /// # Errors
    /// As for [`CheckpointWriter::begin`].
    pub(super) fn begin_in(
        disk: &Disk,
        home: &Folder,
        name: &str,
        step: u64,
    ) -> Result<Self, CheckpointError> {
        let path = home.path().join(name);
        let folder = disk.folder(home, name).map_err(CheckpointError::io("create the folder", &path))?;
        Self::begin_within(disk, folder, step)
    }

    fn begin_within(disk: &Disk, folder: Folder, step: u64) -> Result<Self, CheckpointError> {
        let name = partial_name(step);
        let path = folder.path().join(&name);
        disk.remove_folder(&folder, &name).map_err(CheckpointError::io("remove", &path))?;
        let made = disk.create_folder(&folder, &name).and_then(|()| folder.folder(&name));
        let partial = made.map_err(CheckpointError::io("create the folder", &path))?;
        Ok(Self { disk: disk.clone(), folder, partial, step, files: BTreeMap::new(), finished: false })
    }

    /// Writes a file from bytes.
    pub fn write_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.write_with(name, |file| file.write_all(bytes))
    }

    /// Writes a file through a closure, without holding it in memory.
    pub fn write_with(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CheckpointError> {
        self.check_name(name)?;
        let path = self.partial.path().join(name);
        let write = || {
            let file = self.disk.create_file(&self.partial, name)?;
            let mut file = Hashing::new(BufWriter::with_capacity(BUFFER, file));
            content(&mut file)?;
            let (buffered, entry) = file.finish();
            buffered.into_inner().map_err(io::IntoInnerError::into_error)?.sync()?;
            Ok(entry)
        };
        let entry = write().map_err(CheckpointError::io("write", &path))?;
        self.files.insert(name.to_string(), entry);
        Ok(())
    }

    /// Writes the manifest and gives the checkpoint its name. From here on it survives a power cut. A
    /// checkpoint of the same step is replaced.
    pub fn finish(mut self) -> Result<Checkpoint, CheckpointError> {
        let manifest =
            Manifest { format: FORMAT, step: self.step, files: self.files.clone(), digest: String::new() };
        let manifest = manifest.sealed();
        let path = self.partial.path().join(MANIFEST);
        let write = || {
            let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
            let mut file = self.disk.create_file(&self.partial, MANIFEST)?;
            file.write_all(&text)?;
            file.sync()?;
            self.disk.sync_folder(&self.partial)
        };
        write().map_err(CheckpointError::io("write", &path))?;

        let (partial, target) = (partial_name(self.step), folder_name(self.step));
        let replaced = format!("{target}{REPLACED}");
        let path = self.folder.path().join(&target);
        let rename = || {
            if let Some(found) = self.folder.find(&target)? {
                Wanted::Folder.check(found.kind)?;
                // Both exist until the new one has its name; a crash in between leaves the old one under a
                // name that is still found.
                self.disk.remove_folder(&self.folder, &replaced)?;
                self.disk.rename(&self.folder, &target, &replaced)?;
            }
            self.disk.rename(&self.folder, &partial, &target)?;
            self.disk.sync_folder(&self.folder)?;
            self.disk.remove_folder(&self.folder, &replaced)
        };
        rename().map_err(CheckpointError::io("rename into place", &path))?;
        self.finished = true;
        Ok(Checkpoint { step: self.step, path, manifest })
    }

    fn check_name(&self, name: &str) -> Result<(), CheckpointError> {
        let refused = |reason| Err(CheckpointError::FileName { name: name.to_string(), reason });
        if name == MANIFEST {
            return refused("that name is reserved for the list of files");
        }
        if !is_plain_name(name) {
            return refused("only letters, digits, `.`, `_` and `-` are allowed, and no leading dot");
        }
        if self.files.contains_key(name) {
            return refused("it has already been written");
        }
        Ok(())
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: what cannot be removed has a name that is never mistaken for a checkpoint.
            let _ = self.folder.remove_folder(partial_name(self.step));
        }
    }
}

impl Manifest {
    /// The manifest with the digest of its content filled in.
    #[must_use]
    pub fn sealed(self) -> Self {
        Self { digest: self.computed_digest(), ..self }
    }

    fn computed_digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("format {}\nstep {}\n", self.format, self.step));
        for (name, entry) in &self.files {
            hash.update(format!("{name} {} {}\n", entry.bytes, entry.sha256));
        }
        hexadecimal(&hash.finalize())
    }

    /// Reads the bytes of a manifest; `path` is named in errors.
    ///
    /// # Errors
    /// A sentence for what is wrong with it.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, CheckpointError> {
        let not_a_manifest = |error: serde_json::Error| CheckpointError::broken(path, quoting(&error));
        // The format first: a newer one may have other fields.
        let Format { format } = serde_json::from_slice(bytes).map_err(not_a_manifest)?;
        let parsed = serde_json::from_slice::<Self>(bytes);
        if let Ok(manifest) = &parsed
            && manifest.computed_digest() != manifest.digest
        {
            return Err(CheckpointError::broken(path, "its digest does not match its content"));
        }
        if format != FORMAT {
            return Err(CheckpointError::OtherFormat {
                path: path.to_path_buf(),
                found: format,
                known: FORMAT,
            });
        }
        let manifest = parsed.map_err(not_a_manifest)?;
        match manifest.files.keys().find(|name| !is_plain_name(name) || *name == MANIFEST) {
            Some(name) => {
                let reason = format!("`{}` is not a file name of a checkpoint", shortened(name));
                Err(CheckpointError::broken(path, reason))
            }
            None => Ok(manifest),
        }
    }
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

/// Refuses a checkpoint whose manifest does not list the needed files, if any, and weights or an adapter's weights.
///
/// # Errors
/// Names the first missing file.
pub(super) fn require(folder: &Path, manifest: &Manifest, needed: &[&str]) -> Result<(), CheckpointError> {
    let has = |name: &str| manifest.files.contains_key(name);
    let weights = needed.is_empty() || has(adapter::WEIGHTS) || has(WEIGHTS);
    let missing = needed.iter().copied().find(|name| !has(name));
    match missing.or((!weights).then_some(WEIGHTS)) {
        None => Ok(()),
        Some(name) => {
            Err(CheckpointError::broken(&folder.join(MANIFEST), format!("it does not list {name}")))
        }
    }
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

#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn folder_name(step: u64) -> String {
    format!("step-{step:06}")
}

/// The folder name of a checkpoint being written.
fn partial_name(step: u64) -> String {
    format!("{}{PARTIAL}", folder_name(step))
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

fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

fn hash_file(mut file: File) -> io::Result<FileEntry> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file, &mut hashing)?;
    Ok(hashing.finish().1)
}

/// Passes bytes on, counting and hashing them.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    fn finish(self) -> (W, FileEntry) {
        (self.inner, FileEntry { bytes: self.bytes, sha256: hexadecimal(&self.hash.finalize()) })
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
