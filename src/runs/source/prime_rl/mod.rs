//! What prime-rl leaves of a run: until August 2026 a file of episodes for each step, since then a stream of all of them
//! and what became known of them later (`stream.rs`). docs/engines.md says more.

mod episode;
mod stream;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use self::{episode::written, stream::Stream};
use super::{
    Reading, RunFormat,
    dumps::json_lines,
    folders::{StepFolders, number_in},
    logs::{JsonLog, step_of},
    watched::{self, Layout, Listing, Purpose, Read},
};
use crate::{protocol::RunSource, record::Step, runs::RunError};

/// See the module.
pub(super) struct PrimeRl;

impl RunFormat for PrimeRl {
    fn name(&self) -> &'static str {
        "an output folder of prime-rl (monitors/file/traces, or rollouts/step_N/train/all/traces.jsonl)"
    }

    fn recognises(&self, path: &Path) -> bool {
        path.is_dir()
            && (stream::is_there(path) || folders(path, training).look().is_ok_and(|found| !found.is_empty()))
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        if stream::is_there(path) {
            return watched::open(path, "prime-rl", Stream::of(path), reading);
        }
        let layout = Episodes {
            folders: [
                (folders(path, training), Purpose::Training),
                (folders(path, evaluation), Purpose::Evaluation),
            ],
            log: JsonLog::new(&path.join("metrics.jsonl"), logged),
        };
        watched::open(path, "prime-rl", layout, reading)
    }
}

fn folders(path: &Path, inside: fn(&Path) -> Vec<PathBuf>) -> StepFolders {
    StepFolders::new(path.join("rollouts"), |name| number_in(name, "step_", ""), inside)
}

fn training(step: &Path) -> Vec<PathBuf> {
    traces(&step.join("train"))
}

fn evaluation(step: &Path) -> Vec<PathBuf> {
    traces(&step.join("eval"))
}

/// Those that were trained on, which have advantages; before they are known, all.
fn traces(folder: &Path) -> Vec<PathBuf> {
    let places = ["effective", "all"].map(|kind| folder.join(kind).join("traces.jsonl"));
    places.into_iter().find(|path| path.is_file()).into_iter().collect()
}

struct Episodes {
    folders: [(StepFolders, Purpose); 2],
    log: JsonLog,
}

/// A line of `metrics.jsonl`. Those without a step are of no step.
fn logged(mut line: Map<String, Value>) -> Option<Step> {
    let step = line.remove("step")?.as_u64()?;
    line.remove("time");
    Some(step_of(step, line))
}

impl Layout for Episodes {
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
        json_lines(file, |line| written(step, line, |_| None))
    }

    fn logged(&mut self) -> (Vec<Step>, Vec<String>) {
        self.log.poll()
    }

    fn writes_once(&self) -> bool {
        false
    }
}
