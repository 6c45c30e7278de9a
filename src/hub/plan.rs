//! Which files of a model are needed, which of them are missing here, and whether the disk has room for them.

use super::{
    Found, HubError, Local, Name, Want,
    cache::{Snapshots, whole},
    client::Client,
    error::size,
    listing::{Entry, Listing, Remote},
    transfer,
};
use crate::{
    model::{adapter, companions},
    system::disk,
};

/// Names of GGUF files that a message lists.
const NAMED: usize = 8;

/// Files to fetch.
#[derive(Debug)]
pub struct Plan {
    name: Name,
    want: Want,
    commit: String,
    /// Those that are not here.
    missing: Vec<Remote>,
    /// The GGUF file that is the model, if it is no folder.
    file: Option<String>,
    snapshots: Snapshots,
    client: Client,
}

/// What is to be done for a model with this listing.
pub(super) fn of(
    name: &Name,
    want: Want,
    listing: Listing,
    snapshots: Snapshots,
    client: Client,
) -> Result<Found, HubError> {
    let unusable = |reason: String| HubError::Unusable { name: name.to_string(), reason };
    let (wanted, file) = needed(&listing, name, want).map_err(unusable)?;
    let commit = listing.commit.clone();
    let snapshot = snapshots.snapshot(&commit);
    let mut missing = Vec::new();
    for entry in wanted {
        let remote = entry.complete(&client, name, &commit)?;
        let here = std::fs::metadata(snapshot.join(&remote.name)).is_ok_and(|here| here.len() == remote.size);
        if !here {
            missing.push(remote);
        }
    }
    let plan = Plan { name: name.clone(), want, commit, missing, file, snapshots, client };
    match plan.missing.is_empty() {
        true => plan.end().map(Found::Here),
        false => plan.with_room().map(|plan| Found::Missing(Box::new(plan))),
    }
}

impl Plan {
    /// How many files are fetched.
    pub fn files(&self) -> usize {
        self.missing.len()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.missing.iter().map(|file| file.size).sum()
    }

    /// Those of them that have come already, when an earlier transfer broke off.
    pub fn here(&self) -> u64 {
        self.missing.iter().map(|file| self.here_of(file)).sum()
    }

    fn here_of(&self, file: &Remote) -> u64 {
        match self.snapshots.blob_size(&file.blob) {
            Some(here) if here == file.size => here,
            _ => self.snapshots.part_size(&file.blob).min(file.size),
        }
    }

    /// What is about to happen, in a sentence.
    pub fn told(&self) -> String {
        let (files, cache) = (self.files(), self.snapshots.cache().display());
        let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
        let here = match self.here() {
            0 => String::new(),
            here => format!(", {} of it here already", size(here)),
        };
        let commit: String = self.commit.chars().take(12).collect();
        format!(
            "Fetching {} at commit {commit}: {files}, {}{here}, into {cache}. If it is interrupted, the same command goes \
             on from there.",
            self.name,
            size(self.bytes())
        )
    }

    /// Fetches them all; `come` hears how many of the bytes are here.
    ///
    /// # Errors
    /// A sentence that says what kept it from coming. What came is kept, unless it was wrong.
    pub fn fetch(self, come: &mut dyn FnMut(u64)) -> Result<Local, HubError> {
        let mut before = 0;
        for file in &self.missing {
            if self.snapshots.blob_size(&file.blob) != Some(file.size) {
                let transfer = transfer::Transfer {
                    client: &self.client,
                    snapshots: &self.snapshots,
                    name: &self.name,
                    commit: &self.commit,
                    file,
                };
                transfer.run(&mut |bytes| come(before + bytes))?;
            }
            self.snapshots.link(&self.commit, &file.name, &file.blob)?;
            before += file.size;
            come(before);
        }
        self.end()
    }

    /// Refuses what the disk has no room for.
    fn with_room(self) -> Result<Self, HubError> {
        let blobs = self.snapshots.blobs()?;
        let needed = self.bytes().saturating_sub(self.here());
        match disk::free_bytes(blobs.path()) {
            Some(free) if free < needed => Err(HubError::DiskFull {
                name: self.name.to_string(),
                needed: size(needed),
                free: size(free),
                cache: self.snapshots.cache().display().to_string(),
            }),
            _ => Ok(self),
        }
    }

    /// The model, now that its files are here.
    fn end(&self) -> Result<Local, HubError> {
        if !self.name.is_commit() {
            self.snapshots.remember(&self.commit)?;
        }
        let snapshot = self.snapshots.snapshot(&self.commit);
        let path = whole(&snapshot, self.file.as_deref(), self.want).ok_or_else(|| HubError::Unusable {
            name: self.name.to_string(),
            reason: "its index names weights that it does not have.".into(),
        })?;
        Ok(Local { path, note: None })
    }
}

/// The files that the loader reads, small ones first; and the GGUF file that is the model, if it is no folder.
fn needed<'a>(
    listing: &'a Listing,
    name: &Name,
    want: Want,
) -> Result<(Vec<&'a Entry>, Option<String>), String> {
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&'a Entry> {
        listing.files.iter().filter(|file| wanted(&file.name)).collect()
    };
    if let Some(file) = &name.file {
        let found = of(&|name| name == file);
        return match found.is_empty() {
            true => Err(format!("it has no {file}; {}", ggufs_told(listing))),
            false => Ok((found, Some(file.clone()))),
        };
    }
    let is_small = |name: &str| companions::KEPT.contains(&name) || name == "tokenizer.json";
    let has_weights = listing.has("model.safetensors") || listing.has("model.safetensors.index.json");
    if listing.has(adapter::CONFIG) && !has_weights {
        let adapter = |name: &str| [adapter::CONFIG, adapter::WEIGHTS].contains(&name);
        return match listing.has(adapter::WEIGHTS) {
            true => Ok((of(&|name| adapter(name) || is_small(name)), None)),
            false => Err(format!("it is an adapter without {}.", adapter::WEIGHTS)),
        };
    }
    let ggufs = ggufs(listing);
    match (has_weights, ggufs.as_slice()) {
        (true, _) => {}
        (false, [only]) => return Ok((of(&|name| name == *only), Some((*only).to_owned()))),
        (false, [_, ..]) => return Err(ggufs_told(listing)),
        (false, []) if listing.has("pytorch_model.bin") || listing.has("pytorch_model.bin.index.json") => {
            return Err("it has only the older pytorch_model.bin, which is not supported.".into());
        }
        (false, []) => {
            return Err("it has no model.safetensors, so it is no language model that is supported.".into());
        }
    }
    for missing in ["config.json", "tokenizer.json"] {
        if !listing.has(missing) {
            return Err(format!(
                "it has no {missing}. In Python, `save_pretrained(DIR)` of its model and its tokenizer \
                 write a folder that is complete."
            ));
        }
    }
    let mut files = of(&is_small);
    files.extend(match listing.has("model.safetensors") {
        _ if want == Want::Shape => Vec::new(),
        true => of(&|name| name == "model.safetensors"),
        false => of(&|name| {
            // Some models keep their weights a second time, in one piece or as their authors had them.
            let doubled = name.starts_with("consolidated") || name == adapter::WEIGHTS;
            name == "model.safetensors.index.json" || name.ends_with(".safetensors") && !doubled
        }),
    });
    Ok((files, None))
}

fn ggufs(listing: &Listing) -> Vec<&str> {
    let is_gguf = |name: &&str| name.to_ascii_lowercase().ends_with(".gguf");
    listing.files.iter().map(|file| file.name.as_str()).filter(is_gguf).collect()
}

/// The GGUF files to choose from, in a sentence.
fn ggufs_told(listing: &Listing) -> String {
    let all = ggufs(listing);
    let more = if all.len() > NAMED { ", …" } else { "" };
    match all.as_slice() {
        [] => "it has no GGUF file.".into(),
        all => {
            let named: Vec<&str> = all.iter().copied().take(NAMED).collect();
            format!("name one of its GGUF files behind a colon: {}{more}.", named.join(", "))
        }
    }
}
