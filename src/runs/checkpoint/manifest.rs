//! The manifest of a checkpoint: its files with their sizes and hashes, and a digest of itself.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    model::{adapter, host::hexadecimal},
    runs::error::CheckpointError,
    system::quoting::{quoting, shortened},
};

/// The format written and read here.
pub const FORMAT: u32 = 1;

const WEIGHTS: &str = "model.safetensors";
/// The manifest's own file.
pub(super) const MANIFEST: &str = "manifest.json";

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

/// Refuses a checkpoint whose manifest does not list the needed files, if any, and weights or an adapter's weights.
///
/// # Errors
/// Names the first missing file.
pub(in crate::runs) fn require(
    folder: &Path,
    manifest: &Manifest,
    needed: &[&str],
) -> Result<(), CheckpointError> {
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

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Whether a checkpoint may have a file of this name.
pub(super) fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

/// The size and hash of an open file.
pub(super) fn hash_file(mut file: File) -> io::Result<FileEntry> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file, &mut hashing)?;
    Ok(hashing.finish().1)
}

/// Passes bytes on, counting and hashing them.
pub(super) struct Hashing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    pub(super) fn finish(self) -> (W, FileEntry) {
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
