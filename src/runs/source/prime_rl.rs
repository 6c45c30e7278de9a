//! What prime-rl leaves of a run in its layout of August 2026: `metrics.jsonl`, and a file of episodes for each step.
//! docs/engines.md says more, also of its later layouts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Reading, RunFormat,
    dumps::{Fields, json_lines},
    folders::{StepFolders, number_in},
    logs::{JsonLog, step_of},
    watched::{self, Layout, Listing, Purpose, Read},
    written::Written,
};
use crate::{protocol::RunSource, record::Step, runs::RunError, system::quoting::quoting};

/// See the module.
pub(super) struct PrimeRl;

impl RunFormat for PrimeRl {
    fn name(&self) -> &'static str {
        "an output folder of prime-rl (rollouts/step_N/train/all/traces.jsonl)"
    }

    fn recognises(&self, path: &Path) -> bool {
        path.is_dir() && folders(path, training).look().is_ok_and(|found| !found.is_empty())
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
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

#[derive(Deserialize)]
struct Episode {
    group: Option<Group>,
    #[serde(default)]
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
struct Group {
    id: Value,
}

#[derive(Deserialize)]
struct Trace {
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    rewards: BTreeMap<String, Reward>,
    #[serde(default)]
    metrics: Map<String, Value>,
    stop_condition: Option<String>,
}

#[derive(Deserialize)]
struct Reward {
    score: Option<f64>,
    weight: Option<f64>,
}

#[derive(Deserialize)]
struct Node {
    message: Option<Map<String, Value>>,
    #[serde(default)]
    sampled: bool,
    #[serde(default)]
    token_ids: Vec<u32>,
    mask: Option<Vec<bool>>,
    logprobs: Option<Vec<Option<f32>>>,
    advantages: Option<Vec<Option<f64>>>,
}

impl Node {
    fn text(&self) -> String {
        let content = self.message.as_ref().and_then(|message| message.get("content"));
        match content {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }

    /// The tokens that the model wrote.
    fn written_tokens(&self) -> Vec<u32> {
        match &self.mask {
            Some(mask) if mask.len() == self.token_ids.len() => {
                self.token_ids.iter().zip(mask).filter(|(_, is_its)| **is_its).map(|(id, _)| *id).collect()
            }
            _ => self.token_ids.clone(),
        }
    }
}

/// An episode of one trace, whose turns stand one after the other. What the model did not write before its first turn
/// is the prompt; what it did not write later, such as a tool's answer, stands in the completion.
fn written(step: u64, line: Fields) -> Result<Written, String> {
    let episode: Episode = serde_json::from_value(Value::Object(line)).map_err(|error| quoting(&error))?;
    let trace = episode.traces.into_iter().next().ok_or("it has no trace")?;
    let first = trace.nodes.iter().position(|node| node.sampled).ok_or("nothing in it was sampled")?;
    let (before, after) = trace.nodes.split_at(first);
    let text = |nodes: &[Node]| nodes.iter().map(Node::text).collect::<Vec<_>>().join("\n");
    let rewards: BTreeMap<_, _> = trace.rewards.iter().map(|(name, r)| (name.clone(), r.score)).collect();
    let earned = trace.rewards.values().map(|r| Some(r.score? * r.weight.unwrap_or(1.0)));
    let sampled: Vec<&Node> = after.iter().filter(|node| node.sampled).collect();
    let tokens: Vec<u32> = sampled.iter().flat_map(|node| node.written_tokens()).collect();
    let logprobs: Vec<f32> = sampled
        .iter()
        .flat_map(|node| node.logprobs.iter().flatten())
        .map(|logprob| logprob.unwrap_or(f32::NAN))
        .collect();
    let fields: Fields = trace.metrics.into_iter().filter(|(_, value)| value.is_number()).collect();
    Ok(Written {
        step,
        group_key: episode.group.map(|group| group.id.to_string()),
        prompt: text(before),
        completion: text(after),
        reward: if rewards.is_empty() { None } else { earned.sum() },
        rewards: Some(rewards).filter(|rewards| !rewards.is_empty()),
        advantage: sampled.iter().find_map(|node| *node.advantages.as_ref()?.first()?),
        truncated: trace
            .stop_condition
            .is_some_and(|why| why.contains("max_tokens") || why.contains("length")),
        logprobs: Some(logprobs).filter(|logprobs| logprobs.len() == tokens.len() && !tokens.is_empty()),
        token_ids: Some(tokens).filter(|tokens| !tokens.is_empty()),
        fields,
        ..Written::default()
    })
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
        json_lines(file, |line| written(step, line))
    }

    fn logged(&mut self) -> (Vec<Step>, Vec<String>) {
        self.log.poll()
    }

    fn writes_once(&self) -> bool {
        false
    }
}
