//! One episode of prime-rl, as its environments (`verifiers`) write it down.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    runs::source::{dumps::Fields, written::Written},
    system::quoting::quoting,
};

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
    id: Option<String>,
    info: Option<Info>,
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    rewards: BTreeMap<String, Reward>,
    #[serde(default)]
    metrics: Map<String, Value>,
    stop_condition: Option<String>,
    #[serde(default)]
    calls: Vec<Call>,
}

/// A call of the model.
#[derive(Deserialize)]
struct Call {
    error: Option<Value>,
    finish_reason: Option<String>,
}

impl Trace {
    /// Whether a limit ended it, as prime-rl defines that.
    fn is_truncated(&self) -> bool {
        let stopped = self.stop_condition.as_deref().unwrap_or_default();
        let last = self.calls.iter().rev().find(|call| call.error.is_none());
        stopped.contains("max_")
            || stopped.contains("length")
            || stopped == "compaction_failed"
            || last.and_then(|call| call.finish_reason.as_deref()) == Some("length")
    }
}

/// What was noted of a trace.
#[derive(Deserialize)]
struct Info {
    advantage: Option<f64>,
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
/// is the prompt; what it did not write later, such as a tool's answer, stands in the completion. `later`: the advantage
/// that became known of a trace after the episode was written.
pub(super) fn written(
    step: u64,
    line: Fields,
    later: impl Fn(&str) -> Option<f64>,
) -> Result<Written, String> {
    let episode: Episode = serde_json::from_value(Value::Object(line)).map_err(|error| quoting(&error))?;
    let trace = episode.traces.into_iter().next().ok_or("it has no trace")?;
    let first = trace.nodes.iter().position(|node| node.sampled).ok_or("nothing in it was sampled")?;
    let (before, after) = trace.nodes.split_at(first);
    let text = |nodes: &[Node]| nodes.iter().map(Node::text).collect::<Vec<_>>().join("\n");
    let truncated = trace.is_truncated();
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
        advantage: (trace.id.as_deref().and_then(later))
            .or_else(|| sampled.iter().find_map(|node| *node.advantages.as_ref()?.first()?))
            .or(trace.info.and_then(|info| info.advantage)),
        truncated,
        logprobs: Some(logprobs).filter(|logprobs| logprobs.len() == tokens.len() && !tokens.is_empty()),
        token_ids: Some(tokens).filter(|tokens| !tokens.is_empty()),
        fields,
        ..Written::default()
    })
}
