//! The runs of the folder of runs, open or not, as far as they have been read.

use std::path::{Path, PathBuf};

use crate::runs::overview::Overview;

/// See the module.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The folder; empty where none is known.
    pub folder: PathBuf,
    runs: Vec<Overview>,
    /// What a new reading has found so far; `None` while nobody reads.
    coming: Option<Vec<Overview>>,
    /// Why the folder could not be read.
    pub trouble: Option<String>,
}

/// A fork to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The run.
    pub run: PathBuf,
    /// The step of the checkpoint from which it goes on.
    pub step: u64,
    /// The step after which it ends; `None` leaves that to whoever starts it.
    pub last_step: Option<u64>,
    /// Keys that are others in it, and their values.
    pub keys: Vec<(String, String)>,
}

impl Shelf {
    /// Of this folder; nothing of it has been read.
    pub fn of(folder: PathBuf) -> Self {
        Self { folder, ..Self::default() }
    }

    /// The runs. While they are read for the first time, those that have been.
    pub fn runs(&self) -> &[Overview] {
        match &self.coming {
            Some(coming) if self.runs.is_empty() => coming,
            _ => &self.runs,
        }
    }

    /// Whether they are being read.
    pub fn is_reading(&self) -> bool {
        self.coming.is_some()
    }

    /// The one in this folder.
    pub fn at(&self, path: &Path) -> Option<&Overview> {
        self.runs().iter().find(|run| run.path == path)
    }

    /// They are read again from now on. What is known stays until then.
    pub fn begin(&mut self) {
        (self.coming, self.trouble) = (Some(Vec::new()), None);
    }

    /// One was read.
    pub fn take_in(&mut self, run: Overview) {
        self.coming.get_or_insert_default().push(run);
    }

    /// All were read.
    pub fn end(&mut self) {
        self.runs = self.coming.take().unwrap_or_default();
    }

    /// The folder cannot be read.
    pub fn fail(&mut self, why: String) {
        (self.coming, self.trouble) = (None, Some(why));
    }
}
