//! The cache that transformers uses too: `models--OWNER--MODEL/snapshots/COMMIT/FILE`, a link to `blobs/HASH`; and
//! `refs/BRANCH`, which holds a commit.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use hf_hub::{CacheRepo, Repo, RepoType};

use super::{HubError, Name, Settings, Want};
use crate::{
    model::{
        adapter,
        cached::{MOST_REF, is_part},
        finding,
        host::weight_files,
    },
    system::files::{self, Folder},
};

/// What the cache has of a model.
#[derive(Debug)]
pub(super) struct Snapshots {
    cached: CacheRepo,
    /// The folder of all models.
    cache: PathBuf,
    /// The model's, in it.
    folder_name: String,
    revision: String,
}

impl Snapshots {
    pub(super) fn of(name: &Name, settings: &Settings) -> Self {
        let revision = name.revision().to_owned();
        let repo = Repo::with_revision(name.repository.clone(), RepoType::Model, revision.clone());
        Self {
            folder_name: repo.folder_name(),
            cached: settings.cache.repo(repo),
            cache: settings.cache.path().clone(),
            revision,
        }
    }

    /// The folder of all models.
    pub(super) fn cache(&self) -> &Path {
        &self.cache
    }

    fn folder(&self) -> PathBuf {
        self.cache.join(&self.folder_name)
    }

    /// Where the files of a commit are.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.cached.pointer_path(commit)
    }

    /// The commit that the cache knows for the revision.
    fn commit(&self) -> Option<String> {
        let kept = files::read(&self.folder().join("refs").join(&self.revision), MOST_REF);
        let commit = kept
            .map_or_else(|_| self.revision.clone(), |bytes| String::from_utf8_lossy(&bytes).trim().into());
        is_part(&commit).then_some(commit)
    }

    /// Where the model is, if all its files are here.
    pub(super) fn whole(&self, name: &Name, want: Want) -> Option<PathBuf> {
        whole(&self.snapshot(&self.commit()?), name.file.as_deref(), want)
    }

    /// Why the model cannot be had without a network.
    pub(super) fn offline(&self, name: &Name) -> HubError {
        let (name, cache) = (name.to_string(), self.cache.display().to_string());
        match self.commit().is_some_and(|commit| self.snapshot(&commit).is_dir()) {
            true => HubError::OfflineAndPartly { name, cache },
            false => HubError::Offline { name, cache },
        }
    }

    /// Keeps what the revision is now.
    pub(super) fn remember(&self, commit: &str) -> Result<(), HubError> {
        self.cached.create_ref(commit).map_err(HubError::io(self.folder().join("refs")))
    }

    /// The folder of the contents, which is made where it is missing.
    pub(super) fn blobs(&self) -> Result<Folder, HubError> {
        made(&self.folder().join("blobs"))
    }

    /// The size of a content that is here.
    pub(super) fn blob_size(&self, blob: &str) -> Option<u64> {
        Some(fs::metadata(self.folder().join("blobs").join(blob)).ok()?.len())
    }

    /// The size of the part of a content that is here.
    pub(super) fn part_size(&self, blob: &str) -> u64 {
        self.blob_size(&part_of(blob)).unwrap_or(0)
    }

    /// Keeps other programs from fetching the same content, until the file is dropped.
    pub(super) fn lock(&self, blob: &str) -> Result<Option<File>, HubError> {
        let folder = made(&self.cache.join(".locks").join(&self.folder_name))?;
        let name = format!("{blob}.lock");
        let file = folder.go_on(&name).map_err(HubError::io(folder.path().join(&name)))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some network file systems have no locks; then nobody else has one either.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(file)),
            Err(TryLockError::Error(error)) => Err(HubError::io(folder.path().join(&name))(error)),
        }
    }

    /// Makes a content a file of a commit.
    pub(super) fn link(&self, commit: &str, file: &str, blob: &str) -> Result<(), HubError> {
        let snapshot = made(&self.snapshot(commit))?;
        let path = snapshot.path().join(file);
        let linked = match snapshot.find(file) {
            // One that leads nowhere, or to another content.
            Ok(Some(_)) => snapshot.remove_file(file),
            found => found.map(drop),
        };
        let blobs = self.folder().join("blobs");
        linked.and_then(|()| link(&blobs, blob, &path)).map_err(HubError::io(path))
    }
}

/// The name under which a content is kept until it is whole.
pub(super) fn part_of(blob: &str) -> String {
    format!("{blob}.incomplete")
}

#[cfg(unix)]
fn link(_: &Path, blob: &str, path: &Path) -> io::Result<()> {
    // Relative, so that the cache can be moved.
    std::os::unix::fs::symlink(Path::new("../../blobs").join(blob), path)
}

#[cfg(not(unix))]
fn link(blobs: &Path, blob: &str, path: &Path) -> io::Result<()> {
    // Links are a privilege there.
    fs::rename(blobs.join(blob), path)
}

/// A folder, which is made where it is missing.
fn made(path: &Path) -> Result<Folder, HubError> {
    fs::create_dir_all(path).and_then(|()| Folder::open(path)).map_err(HubError::io(path))
}

/// The model of a snapshot, if all its files are here: the folder, or the GGUF file of this name, or the only one.
pub(super) fn whole(snapshot: &Path, file: Option<&str>, want: Want) -> Option<PathBuf> {
    let is_file = |path: &PathBuf| path.is_file();
    if let Some(file) = file {
        return Some(snapshot.join(file)).filter(is_file);
    }
    let is_whole = match adapter::is_adapter(snapshot) {
        false if want == Want::Shape => {
            ["config.json", "tokenizer.json"].iter().all(|name| snapshot.join(name).is_file())
        }
        true => snapshot.join(adapter::WEIGHTS).is_file(),
        false => {
            finding::check_folder(snapshot).is_ok()
                && weight_files(snapshot).is_ok_and(|files| files.iter().all(is_file))
        }
    };
    if is_whole {
        return Some(snapshot.to_owned());
    }
    if snapshot.join("config.json").exists() {
        return None;
    }
    let is_gguf = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"));
    let names = fs::read_dir(snapshot).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut models = names.filter(|path| is_gguf(path) && is_file(path));
    models.next().filter(|_| models.next().is_none())
}
