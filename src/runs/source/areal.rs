//! What AReaL leaves of its rollouts: a file for each task, in a folder for the version of the policy that began it.
//! docs/engines.md says more.

use std::path::Path;

use super::{
    Reading, RunFormat,
    dumps::{Fields, json_lines, take_number, take_text},
    folders::{StepFolders, files_ending, number_in},
    watched::{self, Layout, Listing, Purpose, Read},
    written::Written,
};
use crate::{protocol::RunSource, runs::RunError};

/// See the module.
pub(super) struct Areal;

impl RunFormat for Areal {
    fn name(&self) -> &'static str {
        "a log folder of AReaL (rollout/VERSION/TASK.jsonl)"
    }

    fn recognises(&self, path: &Path) -> bool {
        path.is_dir()
            && folders(path, "rollout").look().is_ok_and(|found| {
                let newest = found.values().next_back().and_then(|files| files.last());
                newest.is_some_and(|file| {
                    json_lines(&file.path, |line| written(0, line))
                        .is_ok_and(|read| !read.completions.is_empty())
                })
            })
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        let layout = Rollouts {
            folders: [
                (folders(path, "rollout"), Purpose::Training),
                (folders(path, "eval-rollout"), Purpose::Evaluation),
            ],
        };
        watched::open(path, "AReaL", layout, reading)
    }
}

fn folders(path: &Path, name: &str) -> StepFolders {
    StepFolders::new(path.join(name), |name| number_in(name, "", ""), |folder| files_ending(folder, ".jsonl"))
}

struct Rollouts {
    folders: [(StepFolders, Purpose); 2],
}

fn written(step: u64, mut line: Fields) -> Result<Written, String> {
    let (prompt, completion) = (take_text(&mut line, "prompt")?, take_text(&mut line, "completion")?);
    let reward = take_number(&mut line, "reward");
    let mut known = |name: &str| line.remove(name).ok_or_else(|| format!("it has no `{name}`"));
    let group_key = Some(known("task_id")?.to_string());
    ["sample_idx", "seqlen", "prompt_len"].iter().try_for_each(|name| known(name).map(|_| ()))?;
    Ok(Written { step, group_key, prompt, completion, reward, fields: line, ..Written::default() })
}

impl Layout for Rollouts {
    fn list(&mut self) -> Result<Listing, RunError> {
        let mut listing = Listing::new();
        for (folders, purpose) in &mut self.folders {
            for (step, files) in folders.look()? {
                listing.insert((*step, *purpose), files.clone());
            }
        }
        Ok(listing)
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        json_lines(file, |line| written(step, line))
    }

    fn writes_once(&self) -> bool {
        false
    }
}
