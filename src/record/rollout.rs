//! The lines of `rollouts.jsonl`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Analysis, Problem, nan_when_null};

/// What was taken off a task's reward, by name.
pub type Penalties = BTreeMap<String, f64>;

/// One line of `rollouts.jsonl`: one scored completion. What its engine did not write down is `None`, and left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// The step that sampled it.
    pub step: u64,
    /// Which prompt of the step, from 0.
    pub group: usize,
    /// Which completion of the group, from 0.
    pub index: usize,
    /// What was asked (its fields stand beside the others).
    #[serde(flatten)]
    pub problem: Problem,
    /// What the model wrote.
    pub completion: String,
    /// Its tokens, the end token included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_ids: Option<Vec<u32>>,
    /// Log-probability of each token when it was sampled, nats.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nans_when_null")]
    pub logprobs: Option<Vec<f32>>,
    /// Entropy of the distribution each token was drawn from, nats.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nans_when_null")]
    pub entropies: Option<Vec<f32>>,
    /// What it earned, penalties taken off.
    #[serde(deserialize_with = "nan_when_null")]
    pub reward: f64,
    /// The penalties; left out where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub penalties: Penalties,
    /// What each reward function gave it, by its name, where there are several or others than ours; `None` in it is
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewards: Option<BTreeMap<String, Option<f64>>>,
    /// Its advantage within the group.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_nan_when_null")]
    pub advantage: Option<f64>,
    /// Whether the answer is right; `None` if nobody judged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// Whether it was cut off at `max_new_tokens`.
    pub truncated: bool,
    /// The behaviours found in it; none in the lines of engines that do not look for them.
    #[serde(default)]
    pub analysis: Analysis,
}

impl Rollout {
    /// Its tokens; none where they are not known.
    pub fn token_ids(&self) -> &[u32] {
        self.token_ids.as_deref().unwrap_or_default()
    }

    /// How many tokens it has, where they are known. Without `token_ids` nobody can say.
    pub fn length(&self) -> Option<usize> {
        self.token_ids.as_ref().map(Vec::len)
    }

    /// Log-probability of each token; none where they are not known.
    pub fn logprobs(&self) -> &[f32] {
        self.logprobs.as_deref().unwrap_or_default()
    }

    /// Entropy at each token; none where they are not known.
    pub fn entropies(&self) -> &[f32] {
        self.entropies.as_deref().unwrap_or_default()
    }

    /// Whether its answer is known to be right.
    pub fn is_right(&self) -> bool {
        self.correct == Some(true)
    }

    /// Whether its answer is known to be wrong.
    pub fn is_wrong(&self) -> bool {
        self.correct == Some(false)
    }

    /// The verdict as a word.
    pub fn verdict(&self) -> &'static str {
        match self.correct {
            Some(true) => "right",
            Some(false) => "wrong",
            None => "unknown",
        }
    }

    /// The penalties in words, such as `overlong -0.30`; empty where there are none.
    pub fn penalties_in_words(&self) -> String {
        let each = self.penalties.iter().map(|(name, taken)| format!("{name} {:+.2}", -taken));
        each.collect::<Vec<String>>().join(", ")
    }

    /// Its advantage; NaN where it is not known.
    pub fn advantage(&self) -> f64 {
        self.advantage.unwrap_or(f64::NAN)
    }
}

/// A field that is there is known, and `null` in it is a NaN.
fn known_nan_when_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    nan_when_null(deserializer).map(Some)
}

fn nans_when_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<f32>>, D::Error> {
    let numbers = Option::<Vec<Option<f32>>>::deserialize(deserializer)?;
    Ok(numbers.map(|numbers| numbers.into_iter().map(|number| number.unwrap_or(f32::NAN)).collect()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_another_engine_does_not_know_is_none_and_what_it_knows_more_is_kept() {
        let line = r#"{"step":3,"group":0,"index":1,"task":"words","letters":"tac","request":7,"prompt":"Use t a c.","completion":"cat","reward":1.0,"correct":true,"truncated":false,"analysis":{"spans":[],"attempts":0,"repeated_attempts":0,"checks":0,"true_checks":0,"misled_checks":0,"false_checks":0,"superficial_checks":0,"self_corrections":0,"backtracks":0,"phrases":0,"arithmetic_steps":0,"arithmetic_right":0,"stated_misses":0,"stops_after_miss":0,"stated_hits":0,"stops_after_hit":0}}"#;
        let read: Rollout = serde_json::from_str(line).unwrap();
        assert_eq!((&read.token_ids, read.logprobs(), read.advantage), (&None, &[][..], None));
        assert_eq!(read.problem.puzzle.to_string(), "letters tac, request 7");
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
    }

    #[test]
    fn a_null_in_what_is_known_is_a_nan() {
        let line = r#"{"step":3,"group":0,"index":1,"task":"countdown","numbers":[4,1],"target":5,"prompt":"","completion":"","token_ids":[7],"logprobs":[null],"entropies":[0.5],"reward":null,"advantage":null,"correct":false,"truncated":false,"analysis":{"spans":[],"attempts":0,"repeated_attempts":0,"checks":0,"true_checks":0,"misled_checks":0,"false_checks":0,"superficial_checks":0,"self_corrections":0,"backtracks":0,"phrases":0,"arithmetic_steps":0,"arithmetic_right":0,"stated_misses":0,"stops_after_miss":0,"stated_hits":0,"stops_after_hit":0}}"#;
        let read: Rollout = serde_json::from_str(line).unwrap();
        assert!(read.logprobs()[0].is_nan() && read.reward.is_nan() && read.advantage.unwrap().is_nan());
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
    }
}
