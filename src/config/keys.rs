//! The table of configuration keys: what each means, what it takes, and how its text is read.

use std::fmt;

use super::error::{ConfigError, quoted, shortened};
use crate::task::{self, answer::Graded};

/// One configuration key, for help and for checking values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Its name, as in `--set name=value` and in `config.toml`.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// What it takes.
    pub allowed: Allowed,
}

/// The values a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Allowed {
    /// The name of a task.
    Task,
    /// The name of a level of the task.
    Level,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number, bounds included.
    Whole {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A finite number, bounds included.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Task => write!(f, "one of {}", task::names().join(", ")),
            Allowed::Level => {
                for (i, family) in task::FAMILIES.iter().enumerate() {
                    let join = if i > 0 { "; " } else { "" };
                    write!(f, "{join}one of {} ({})", family.levels.join(", "), family.name)?;
                }
                Ok(())
            }
            Allowed::OneOf([only]) => write!(f, "only {only}"),
            Allowed::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            Allowed::Flag => write!(f, "true or false"),
            Allowed::Whole { min, max } => write!(f, "a whole number from {min} to {max}"),
            Allowed::Number { min, max } => write!(f, "a number from {min} to {max}"),
        }
    }
}

/// A checked value, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Word(String),
    Flag(bool),
    Whole(u64),
    Number(f64),
}

impl Key {
    /// The key of this name, or the error that names the nearest one.
    pub fn find(name: &str) -> Result<&'static Key, ConfigError> {
        let name = name.trim();
        KEYS.iter()
            .find(|key| key.name == name)
            .ok_or_else(|| ConfigError::UnknownKey { key: shortened(name), nearest: nearest(name) })
    }

    /// Reads a value as it is written after `--set key=`.
    pub(crate) fn read_text(&'static self, text: &str) -> Result<Value, ConfigError> {
        let text = text.trim();
        let value = match self.allowed {
            Allowed::Task | Allowed::Level | Allowed::OneOf(_) => Some(Value::Word(text.to_string())),
            Allowed::Flag => text.parse().ok().map(Value::Flag),
            Allowed::Whole { .. } => text.parse().ok().map(Value::Whole),
            Allowed::Number { .. } => text.parse().ok().map(Value::Number),
        };
        value.filter(|value| self.takes(value)).ok_or_else(|| self.refusal(quoted(text)))
    }

    /// Reads a value of a TOML file, whose type must be the key's.
    pub(crate) fn read_toml(&'static self, given: &toml::Value) -> Result<Value, ConfigError> {
        let value = match (self.allowed, given) {
            (Allowed::Task | Allowed::Level | Allowed::OneOf(_), toml::Value::String(text)) => {
                Some(Value::Word(text.clone()))
            }
            (Allowed::Flag, toml::Value::Boolean(flag)) => Some(Value::Flag(*flag)),
            (Allowed::Whole { .. }, toml::Value::Integer(whole)) => {
                u64::try_from(*whole).ok().map(Value::Whole)
            }
            (Allowed::Number { .. }, toml::Value::Float(number)) => Some(Value::Number(*number)),
            (Allowed::Number { .. }, toml::Value::Integer(whole)) => Some(Value::Number(*whole as f64)),
            _ => None,
        };
        value
            .filter(|value| self.takes(value))
            .ok_or_else(|| self.refusal(format!("the {} {}", given.type_str(), quoted(&given.to_string()))))
    }

    fn takes(&self, value: &Value) -> bool {
        match (self.allowed, value) {
            (Allowed::Task, Value::Word(word)) => task::names().contains(&word.as_str()),
            (Allowed::Level, Value::Word(word)) => {
                task::FAMILIES.iter().any(|family| family.levels.contains(&word.as_str()))
            }
            (Allowed::OneOf(words), Value::Word(word)) => words.contains(&word.as_str()),
            (Allowed::Flag, Value::Flag(_)) => true,
            (Allowed::Whole { min, max }, Value::Whole(whole)) => (min..=max).contains(whole),
            // NaN and the infinities are in no range.
            (Allowed::Number { min, max }, Value::Number(number)) => (min..=max).contains(number),
            _ => false,
        }
    }

    fn refusal(&'static self, value: String) -> ConfigError {
        ConfigError::Value { key: self.name, value, allowed: self.allowed.to_string() }
    }
}

/// The known name that is spelled most alike; of equals, the first in the table.
fn nearest(name: &str) -> &'static str {
    let wanted: String = name.to_lowercase().replace('-', "_").chars().take(100).collect();
    let likeness = |key: &Key| strsim::jaro_winkler(&wanted, key.name);
    KEYS.iter().fold(KEYS[0], |best, key| if likeness(key) > likeness(&best) { *key } else { best }).name
}

const fn whole(name: &'static str, min: u64, max: u64, doc: &'static str) -> Key {
    Key { name, doc, allowed: Allowed::Whole { min, max } }
}

const fn number(name: &'static str, min: f64, max: f64, doc: &'static str) -> Key {
    Key { name, doc, allowed: Allowed::Number { min, max } }
}

const fn word(name: &'static str, words: &'static [&'static str], doc: &'static str) -> Key {
    Key { name, doc, allowed: Allowed::OneOf(words) }
}

/// TOML integers are signed, and a seed must survive `config.toml`.
const MAX_SEED: u64 = i64::MAX as u64;

/// Every configuration key, in the order of `config.toml`.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "task",
        doc: "What is asked; setting another one also sets its level and whatever else it wants.",
        allowed: Allowed::Task,
    },
    Key {
        name: "level",
        doc: "How hard the puzzles are; every task has levels of its own.",
        allowed: Allowed::Level,
    },
    whole("prompts_per_step", 1, 65_536, "Puzzles a step."),
    whole("group_size", 2, 4_096, "Completions per puzzle, whose rewards are compared."),
    whole("max_new_tokens", 1, 65_536, "A completion is cut off after so many tokens."),
    number("temperature", 0.01, 10.0, "Sampling temperature."),
    number("learning_rate", 0.0, 1.0, "Peak learning rate of AdamW."),
    whole("warmup_steps", 0, 1_000_000, "Steps over which the learning rate rises linearly."),
    number("max_grad_norm", 0.0, 1e6, "The global gradient norm is clipped to this; 0 turns clipping off."),
    number(
        "clip_eps_low",
        0.0,
        1.0,
        "The importance ratio is clipped below at 1 minus this; with one inner epoch it is 1 and nothing is clipped.",
    ),
    number(
        "clip_eps_high",
        0.0,
        100.0,
        "The importance ratio is clipped above at 1 plus this; with one inner epoch it is 1 and nothing is clipped.",
    ),
    number(
        "kl_coef",
        0.0,
        100.0,
        "Weight of the KL term, whose gradient is that of KL(reference || policy); 0 leaves the reference out of memory.",
    ),
    word(
        "kl_estimator",
        &["k3"],
        "The estimator of the KL term; its value estimates KL(policy || reference).",
    ),
    whole("inner_epochs", 1, 64, "Updates per rollout."),
    whole("micro_tokens", 1, 16_777_216, "Tokens in one forward and backward pass."),
    word("loss_norm", &["token", "sequence", "constant"], "What the sum of token losses is divided by."),
    Key {
        name: "scale_rewards",
        doc: "Whether advantages are divided by the group's standard deviation.",
        allowed: Allowed::Flag,
    },
    word(
        "preset",
        &["lab", "grpo", "dr_grpo", "dapo"],
        "Sets scale_rewards, loss_norm, clip_eps_* and kl_coef at once; with one inner epoch clip_eps_* does not act.",
    ),
    word(
        "control",
        &["none", "random-reward", "shuffled-reward"],
        "random-reward pays by a coin that ignores the answer; shuffled-reward deals each group's rewards out again.",
    ),
    word(
        "stop",
        &["auto", "answer", "end"],
        "Where a completion ends: at its end token, or also behind its answer; auto: end for bases made by pretrain, answer for all others.",
    ),
    word("answer", &Graded::NAMES, "Which answer is graded where a completion states several."),
    number("reward_correct", -1e3, 1e3, "Reward of a right answer."),
    number("reward_format", -1e3, 1e3, "Reward of a well-formed wrong answer."),
    whole("checkpoint_every", 0, 1_000_000_000, "Steps between checkpoints; 0 writes only the last."),
    whole("evaluate_every", 0, 1_000_000_000, "Steps between held-out evaluations; 0 for none."),
    whole(
        "pinned_every",
        0,
        1_000_000_000,
        "Steps between answers to the pinned puzzles; 0 asks none by itself.",
    ),
    whole("seed", 0, MAX_SEED, "Seed of everything random."),
    whole("threads", 0, 1_024, "Worker threads; 0 takes the physical cores."),
    word(
        "backend",
        &["auto", "wgpu", "cpu"],
        "Where tensors live; auto takes wgpu where there is a real GPU.",
    ),
    word(
        "sentinel",
        &["warn", "pause", "off"],
        "When a run collapses: warn, or also write a checkpoint and pause.",
    ),
    number(
        "price_per_hour",
        0.0,
        1e6,
        "Dollars an hour for the estimate on screen; it changes nothing else.",
    ),
];
