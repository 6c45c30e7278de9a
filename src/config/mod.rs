//! The configuration of a run: `config.toml`, `--set key=value` and the presets.

mod error;
mod file;
mod keys;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use error::ConfigError;
pub(crate) use error::{quoting, shortened};
pub use file::{ConfigFile, RunInfo};
pub use keys::{Allowed, Key};

use self::keys::Value;
use crate::task::{self, RewardRules};

/// Everything that decides what a run does. Times and paths are not in it: one configuration and one
/// seed give one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The task's name.
    pub task: String,
    /// The task's level, see [`task::Family::levels`].
    pub level: String,
    /// Prompts (puzzles) a step.
    pub prompts_per_step: usize,
    /// Completions per prompt, whose rewards are compared.
    pub group_size: usize,
    /// A completion is cut off after so many tokens.
    pub max_new_tokens: usize,
    /// Sampling temperature.
    pub temperature: f64,
    /// Peak learning rate of AdamW.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises linearly.
    pub warmup_steps: u64,
    /// The global gradient norm is clipped to this; 0 turns clipping off.
    pub max_grad_norm: f64,
    /// The importance ratio is clipped below at 1 minus this.
    pub clip_eps_low: f64,
    /// The importance ratio is clipped above at 1 plus this.
    pub clip_eps_high: f64,
    /// Weight of the KL term; 0 leaves the reference model out of memory. Its value estimates KL(policy || reference)
    /// and its gradient is that of KL(reference || policy), see [`crate::grpo::loss`].
    pub kl_coef: f64,
    /// The KL estimator; `k3` is the only one.
    pub kl_estimator: String,
    /// Updates per rollout.
    pub inner_epochs: usize,
    /// Tokens in one forward and backward pass.
    pub micro_tokens: usize,
    /// What the sum of token losses is divided by: `token` (all tokens of the batch), `sequence` (each
    /// completion by its own length, then the mean), `constant` (`max_new_tokens` times completions).
    pub loss_norm: String,
    /// Whether advantages are divided by the group's standard deviation.
    pub scale_rewards: bool,
    /// `lab`, `grpo`, `dr_grpo` or `dapo`: sets several other keys.
    pub preset: String,
    /// `none`; `random-reward`: the reward is a coin that ignores the answer; `shuffled-reward`: the rewards that the
    /// answers of a group earned are dealt out again within the group, so that they keep their mean and spread.
    pub control: String,
    /// Where a completion ends by itself: `end`, at its end token; `answer`, also right behind its first answer, for
    /// models that write on after it; `auto` becomes `end` for a base that was made by `pretrain` and `answer` for any
    /// other, before the first step.
    pub stop: String,
    /// Which answer is graded where a completion states several: `first` or `last`.
    pub answer: String,
    /// Reward of a right answer.
    pub reward_correct: f64,
    /// Reward of a well-formed wrong answer.
    pub reward_format: f64,
    /// Steps between checkpoints; 0 writes only the last.
    pub checkpoint_every: u64,
    /// Steps between held-out evaluations; 0 for none.
    pub evaluate_every: u64,
    /// Steps between answers to the pinned puzzles; 0 asks none by itself.
    pub pinned_every: u64,
    /// Seed of everything random.
    pub seed: u64,
    /// Worker threads; 0 takes the physical cores. Part of the configuration because sums are taken per
    /// worker, so that another number of threads gives other last bits.
    pub threads: usize,
    /// `auto`, `wgpu` or `cpu`.
    pub backend: String,
    /// What follows when the sentinel sees a collapse: `warn`, `pause` (with a checkpoint) or `off`.
    pub sentinel: String,
    /// Dollars an hour for the estimate on screen; it changes nothing else.
    pub price_per_hour: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            task: task::FAMILIES[0].name.into(),
            level: task::FAMILIES[0].levels[0].into(),
            prompts_per_step: 16,
            group_size: 16,
            max_new_tokens: 320,
            temperature: 1.0,
            learning_rate: 4e-4,
            warmup_steps: 5,
            max_grad_norm: 1.0,
            clip_eps_low: 0.2,
            clip_eps_high: 0.28,
            kl_coef: 0.0,
            kl_estimator: "k3".into(),
            inner_epochs: 1,
            micro_tokens: 512,
            loss_norm: "token".into(),
            scale_rewards: false,
            preset: "lab".into(),
            control: "none".into(),
            stop: "auto".into(),
            answer: "last".into(),
            reward_correct: 1.0,
            reward_format: 0.1,
            checkpoint_every: 20,
            evaluate_every: 0,
            pinned_every: 5,
            seed: 0,
            threads: 0,
            backend: "auto".into(),
            sentinel: "warn".into(),
            price_per_hour: 0.1,
        }
    }
}

/// Whether a task has a level; the names of both are known ones.
fn check_level(task: &str, level: &str) -> Result<(), ConfigError> {
    match task::family(task) {
        Ok(family) if !family.levels.contains(&level) => Err(ConfigError::Value {
            key: "level",
            value: error::quoted(level),
            allowed: format!("one of {}", family.levels.join(", ")),
        }),
        _ => Ok(()),
    }
}

/// A place in a [`Config`], by the kind of value it holds.
enum Slot<'a> {
    Word(&'a mut String),
    Size(&'a mut usize),
    Whole(&'a mut u64),
    Number(&'a mut f64),
    Flag(&'a mut bool),
}

impl Config {
    /// Every key with its meaning and what it takes, in the order of `config.toml`.
    pub const KEYS: &'static [Key] = keys::KEYS;

    /// The keys that may change during a run.
    pub const LIVE_KEYS: &'static [&'static str] = &[
        "learning_rate",
        "temperature",
        "kl_coef",
        "clip_eps_low",
        "clip_eps_high",
        "max_grad_norm",
        "max_new_tokens",
        "checkpoint_every",
        "evaluate_every",
        "pinned_every",
        "price_per_hour",
        "reward_correct",
        "reward_format",
        "sentinel",
    ];

    /// Whether a completion ends right behind its answer. A run whose file does not say so, which older versions
    /// wrote, never did.
    pub fn stops_at_answer(&self) -> bool {
        self.stop == "answer"
    }

    /// The reward rules that the two reward keys and `answer` make.
    pub fn reward_rules(&self) -> RewardRules {
        let answer = self.answer.parse().unwrap_or_default();
        RewardRules { correct: self.reward_correct, format: self.reward_format, answer }
    }

    /// Reads a TOML file (see [`ConfigFile`] for its provenance). Keys it leaves out have their defaults.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Ok(ConfigFile::load(path)?.config)
    }

    /// Sets one key from the text after `--set key=`. `preset` sets several keys at once, so that settings
    /// take effect in the order in which they are given. An error leaves the configuration as it was.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let key = Key::find(key)?;
        if key.name == "level" {
            check_level(&self.task, value.trim())?;
        }
        let value = key.read_text(value)?;
        if let ("task", Value::Word(name)) = (key.name, &value) {
            self.change_task(name)?;
        }
        self.assign(key, value);
        if key.name == "preset" {
            self.apply_preset();
        }
        Ok(())
    }

    /// Takes on the level and the other settings of a task, where it is not the one that is set already.
    fn change_task(&mut self, name: &str) -> Result<(), ConfigError> {
        if name == self.task {
            return Ok(());
        }
        let Ok(family) = task::family(name) else { return Ok(()) };
        let defaults = Self::default();
        let others = task::FAMILIES.iter().flat_map(|family| family.settings).map(|(key, _)| *key);
        for key in others {
            self.set(key, &defaults.get(key)?)?;
        }
        for (key, value) in family.settings {
            self.set(key, value)?;
        }
        self.task = family.name.into();
        self.level = family.levels[0].into();
        Ok(())
    }

    /// Sets one key from a whole `key=value`.
    pub fn set_pair(&mut self, setting: &str) -> Result<(), ConfigError> {
        let (key, value) =
            setting.split_once('=').ok_or_else(|| ConfigError::NotASetting { given: shortened(setting) })?;
        self.set(key, value)
    }

    /// Like [`Config::set`], for a run that has begun: only [`Config::LIVE_KEYS`] may change.
    pub fn set_live(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let key = Key::find(key)?;
        if !Self::LIVE_KEYS.contains(&key.name) {
            return Err(ConfigError::NotLive { key: key.name, live: Self::LIVE_KEYS });
        }
        self.set(key.name, value)
    }

    /// A key's value as text that [`Config::set`] reads back exactly.
    pub fn get(&self, key: &str) -> Result<String, ConfigError> {
        let key = Key::find(key)?;
        Ok(match self.clone().slot(key) {
            Slot::Word(word) => word.clone(),
            Slot::Size(size) => size.to_string(),
            Slot::Whole(whole) => whole.to_string(),
            Slot::Number(number) => number.to_string(),
            Slot::Flag(flag) => flag.to_string(),
        })
    }

    /// Checks every value, for a configuration that was not made by [`Config::set`] or read from a file.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for key in Self::KEYS {
            key.read_text(&self.get(key.name)?)?;
        }
        check_level(&self.task, &self.level)
    }

    /// Stores a value that `key` has checked; a preset is only stored, not applied.
    pub(crate) fn assign(&mut self, key: &Key, value: Value) {
        match (self.slot(key), value) {
            (Slot::Word(slot), Value::Word(word)) => *slot = word,
            (Slot::Size(slot), Value::Whole(whole)) => *slot = usize::try_from(whole).unwrap_or(usize::MAX),
            (Slot::Whole(slot), Value::Whole(whole)) => *slot = whole,
            (Slot::Number(slot), Value::Number(number)) => *slot = number,
            (Slot::Flag(slot), Value::Flag(flag)) => *slot = flag,
            // A key whose table entry and field disagree; a test shows that there is none.
            _ => debug_assert!(false, "`{}` holds another kind of value", key.name),
        }
    }

    /// Sets what the preset stands for. Each deviates from its paper in what [`crate::grpo::step`] states, and in
    /// what is said here.
    fn apply_preset(&mut self) {
        let (scale_rewards, loss_norm, clip_eps_high, kl_coef) = match self.preset.as_str() {
            // DeepSeekMath: advantages in standard deviations, each completion by its own length, KL to the
            // reference. The paper moves the reference along every few hundred steps; here it stays.
            "grpo" => (true, "sequence", 0.2, 0.04),
            // Dr. GRPO: neither the deviation nor the length of a completion weighs it. With one inner epoch that is
            // `lab` with the loss on another scale: the gradient of a step has the same direction, and of its length
            // Adam keeps little.
            "dr_grpo" => (false, "constant", 0.2, 0.0),
            // DAPO: every token counts alike, more room upwards (which acts from the second inner epoch on), no KL.
            // With one inner epoch that is `lab` with advantages in standard deviations. Its dynamic sampling (drawing until no
            // group is all right or all wrong) and its overlong penalty are left out: the first makes steps of
            // unpredictable length, the second would reward a length.
            "dapo" => (true, "token", 0.28, 0.0),
            // Our default, measured best here: Dr. GRPO's unscaled advantages, DAPO's mean over all tokens.
            _ => (false, "token", 0.28, 0.0),
        };
        self.scale_rewards = scale_rewards;
        self.loss_norm = loss_norm.into();
        self.clip_eps_low = 0.2;
        self.clip_eps_high = clip_eps_high;
        self.kl_coef = kl_coef;
    }

    fn slot(&mut self, key: &Key) -> Slot<'_> {
        match key.name {
            "task" => Slot::Word(&mut self.task),
            "level" => Slot::Word(&mut self.level),
            "prompts_per_step" => Slot::Size(&mut self.prompts_per_step),
            "group_size" => Slot::Size(&mut self.group_size),
            "max_new_tokens" => Slot::Size(&mut self.max_new_tokens),
            "temperature" => Slot::Number(&mut self.temperature),
            "learning_rate" => Slot::Number(&mut self.learning_rate),
            "warmup_steps" => Slot::Whole(&mut self.warmup_steps),
            "max_grad_norm" => Slot::Number(&mut self.max_grad_norm),
            "clip_eps_low" => Slot::Number(&mut self.clip_eps_low),
            "clip_eps_high" => Slot::Number(&mut self.clip_eps_high),
            "kl_coef" => Slot::Number(&mut self.kl_coef),
            "kl_estimator" => Slot::Word(&mut self.kl_estimator),
            "inner_epochs" => Slot::Size(&mut self.inner_epochs),
            "micro_tokens" => Slot::Size(&mut self.micro_tokens),
            "loss_norm" => Slot::Word(&mut self.loss_norm),
            "scale_rewards" => Slot::Flag(&mut self.scale_rewards),
            "preset" => Slot::Word(&mut self.preset),
            "control" => Slot::Word(&mut self.control),
            "stop" => Slot::Word(&mut self.stop),
            "answer" => Slot::Word(&mut self.answer),
            "reward_correct" => Slot::Number(&mut self.reward_correct),
            "reward_format" => Slot::Number(&mut self.reward_format),
            "checkpoint_every" => Slot::Whole(&mut self.checkpoint_every),
            "evaluate_every" => Slot::Whole(&mut self.evaluate_every),
            "pinned_every" => Slot::Whole(&mut self.pinned_every),
            "seed" => Slot::Whole(&mut self.seed),
            "threads" => Slot::Size(&mut self.threads),
            "backend" => Slot::Word(&mut self.backend),
            "sentinel" => Slot::Word(&mut self.sentinel),
            // `Key::find` gives keys of the table only, and this is its last.
            _ => Slot::Number(&mut self.price_per_hour),
        }
    }
}
