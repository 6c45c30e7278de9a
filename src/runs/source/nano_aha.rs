//! What nano-aha-moment leaves of a run: a JSON list of episodes for each iteration. docs/engines.md says more.

use std::path::{Path, PathBuf};

use super::{
    Reading, RunFormat,
    dumps::{Fields, json_list, take_number, take_text},
    folders::{StepFolder, folders_in, names_in, number_in},
    watched::{self, Layout, Listing, Purpose, Read},
    written::Written,
};
use crate::{protocol::RunSource, runs::RunError};

/// See the module.
pub(super) struct NanoAha;

impl RunFormat for NanoAha {
    fn name(&self) -> &'static str {
        "an experiment folder of nano-aha-moment (episodes/eps_ITERATION.json)"
    }

    fn recognises(&self, path: &Path) -> bool {
        path.is_dir() && !folders(path, "episodes").is_empty()
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        let kinds = [("episodes", Purpose::Training), ("eval_episodes", Purpose::Evaluation)];
        let folders = kinds.into_iter().flat_map(|(name, purpose)| {
            folders(path, name).into_iter().map(move |folder| (StepFolder::new(folder, step_of), purpose))
        });
        watched::open(path, "nano-aha-moment", Episodes { folders: folders.collect() }, reading)
    }
}

fn step_of(name: &str) -> Option<u64> {
    number_in(name, "eps_", ".json")
}

/// The folders of this name that hold episodes: itself, or one for each process.
fn folders(run: &Path, name: &str) -> Vec<PathBuf> {
    let folder = run.join(name);
    let ranks = folders_in(&folder);
    let holds = |folder: &PathBuf| {
        names_in(folder).is_ok_and(|names| names.iter().any(|name| step_of(name).is_some()))
    };
    std::iter::once(folder).chain(ranks).filter(holds).collect()
}

struct Episodes {
    folders: Vec<(StepFolder, Purpose)>,
}

/// An episode. There is no step, no group and no puzzle in it: the prompt is read.
fn written(step: u64, mut episode: Fields) -> Result<Written, String> {
    let (prompt, completion) = (take_text(&mut episode, "query")?, take_text(&mut episode, "response")?);
    let reward = take_number(&mut episode, "reward");
    Ok(Written { step, prompt, completion, reward, fields: episode, ..Written::default() })
}

impl Layout for Episodes {
    fn list(&mut self) -> Result<Listing, RunError> {
        let mut listing = Listing::new();
        for (folder, purpose) in &mut self.folders {
            for (step, file) in folder.look()? {
                listing.entry((step, *purpose)).or_default().push(file.clone());
            }
        }
        Ok(listing)
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        json_list(file, |episode| written(step, episode))
    }
}
