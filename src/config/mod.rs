//! The configuration of a run: `config.toml`, `--set key=value` and the presets.
//!
//! A key is one row of a [`section!`](crate::settings::section). Help, `config.toml`, `docs/configuration.md` and what may
//! change during a run come from those rows.

mod error;
mod file;
mod help;
mod layers;
mod sections;
mod sentinel;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::{Serialize, Serializer};

pub use error::ConfigError;
pub use file::{ConfigFile, RunInfo};
pub use layers::{Layers, Origin, Place};
pub use sections::{Asking, Machine, OnCollapse, Puzzles, Schedule, Watch};

pub use crate::{
    device::BackendRequest,
    grpo::{
        preset::Preset,
        settings::{
            Control, Correction, Decay, KlEstimator, KlIn, LossNorm, Optimizer, Reward, Sampling, StopAt,
            Update,
        },
    },
    model::lora::Lora,
    settings::{Allowed, Choice, Key},
};
use crate::{
    grpo::{self, settings::Settings},
    record::explain::StepExplanation,
    settings::{Field, Refused, Section, Value},
    system::quoting::{quoted, shortened},
    task::{self, Family, LevelName},
};

/// Everything that determines a run. It has no times or paths: one configuration and one seed give one run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The problems.
    pub puzzles: Puzzles,
    /// How it is asked.
    pub asking: Asking,
    /// How the policy writes.
    pub sampling: Sampling,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// The loss and the advantages in it.
    pub update: Update,
    /// Reward.
    pub reward: Reward,
    /// Checkpoints and evaluations.
    pub schedule: Schedule,
    /// What makes the same run again.
    pub machine: Machine,
    /// What is trained of the model.
    pub lora: Lora,
    /// Monitoring.
    pub watch: Watch,
}

impl Config {
    /// The sections, in the order of `config.toml`.
    fn sections(&self) -> [&dyn Section; 10] {
        let Self { puzzles, asking, sampling, optimizer, update, reward, lora, schedule, machine, watch } =
            self;
        [puzzles, asking, sampling, optimizer, update, reward, lora, schedule, machine, watch]
    }

    fn sections_mut(&mut self) -> [&mut dyn Section; 10] {
        let Self { puzzles, asking, sampling, optimizer, update, reward, lora, schedule, machine, watch } =
            self;
        [puzzles, asking, sampling, optimizer, update, reward, lora, schedule, machine, watch]
    }

    /// Every key, in the order of `config.toml`.
    pub fn keys() -> impl Iterator<Item = &'static Key> {
        Self::default().sections().map(Section::keys).into_iter().flatten()
    }

    /// The names of the keys that may change during a run.
    pub(crate) fn live_keys() -> impl Iterator<Item = &'static str> {
        Self::keys().filter(|key| key.live).map(|key| key.name)
    }

    /// The key of this name, or of this shorter one.
    pub(crate) fn called(name: &str) -> Option<&'static Key> {
        let name = name.trim();
        Self::keys().find(|key| key.name == name).or_else(|| Self::keys().find(|key| key.short == Some(name)))
    }

    /// The key of this name, or the error that names the nearest one.
    pub fn key(name: &str) -> Result<&'static Key, ConfigError> {
        let name = name.trim();
        Self::keys()
            .find(|key| key.name == name)
            .ok_or_else(|| ConfigError::UnknownKey { key: shortened(name), nearest: nearest(name) })
    }

    /// The settings of a GRPO step.
    pub fn grpo(&self) -> Settings {
        Settings {
            seed: self.machine.seed,
            sampling: self.sampling,
            reward: self.reward,
            update: self.update,
            optimizer: self.optimizer,
        }
    }

    /// What the phases of a step do to a group that earned these rewards.
    pub fn explain(&self, rewards: &[f64]) -> StepExplanation {
        grpo::explain::step(&self.grpo(), rewards)
    }

    /// Reads a TOML file (see [`ConfigFile`] for its provenance). Missing keys have their defaults.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Ok(ConfigFile::load(path)?.config)
    }

    /// Sets one key from the text after `--set key=`. `task` and `preset` set several keys at once, so the
    /// order of settings matters. An error leaves the configuration unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let key = Self::key(key)?;
        if key.name == "level" {
            self.check_level(value.trim())?;
        }
        let value = key.read_text(value)?;
        self.assign(key, value)
    }

    /// Stores a value that `key` has validated, and whatever follows from it.
    fn assign(&mut self, key: &Key, value: Value) -> Result<(), ConfigError> {
        let (task, level) = (self.puzzles.task, self.puzzles.level);
        if let Some(field) = self.sections_mut().into_iter().find_map(|section| section.field_mut(key.name)) {
            field.store(value);
        }
        match key.name {
            "task" if self.puzzles.task != task => self.begin_task()?,
            "level" if self.puzzles.level != level => self.begin_level(level)?,
            "preset" => self.begin_preset()?,
            _ => {}
        }
        Ok(())
    }

    /// Applies the task's first level and its other settings, and reverts those of other tasks.
    fn begin_task(&mut self) -> Result<(), ConfigError> {
        let defaults = Self::default();
        let of_levels = |family: &&'static Family| family.own.iter().flat_map(|own| own.settings);
        let of_tasks =
            task::FAMILIES.iter().flat_map(|family| family.settings.iter().chain(of_levels(family)));
        for (key, _) in of_tasks {
            self.set(key, &defaults.get(key)?)?;
        }
        let family = self.puzzles.task;
        for (key, value) in family.settings {
            self.set(key, value)?;
        }
        self.puzzles.level = family.first_level();
        Ok(())
    }

    /// Applies the level's settings, and reverts those of the level before.
    fn begin_level(&mut self, before: LevelName) -> Result<(), ConfigError> {
        let family = self.puzzles.task;
        let of_both = [before, self.puzzles.level].into_iter().filter_map(|level| family.own(level.name()));
        for (key, _) in of_both.flat_map(|own| own.settings) {
            self.set(key, &self.usual(key)?)?;
        }
        Ok(())
    }

    /// The value of a key that nobody has set: the level's, else the task's, else the default.
    fn usual(&self, key: &str) -> Result<String, ConfigError> {
        let family = self.puzzles.task;
        let of_level = family.own(self.puzzles.level.name()).map_or(&[][..], |own| own.settings);
        match of_level.iter().chain(family.settings).find(|(set, _)| *set == key) {
            Some((_, value)) => Ok((*value).to_owned()),
            None => Self::default().get(key),
        }
    }

    /// Applies the preset's settings, and reverts those of the other presets.
    fn begin_preset(&mut self) -> Result<(), ConfigError> {
        self.revert_presets()?;
        for (key, value) in self.update.preset.settings() {
            self.set(key, value)?;
        }
        Ok(())
    }

    /// Reverts what any preset sets, and keeps the name of the preset in force.
    pub(crate) fn revert_presets(&mut self) -> Result<(), ConfigError> {
        for (key, _) in Preset::all().into_iter().flat_map(Preset::settings) {
            self.set(key, &self.usual(key)?)?;
        }
        Ok(())
    }

    /// Whether the task has a level of this name.
    fn check_level(&self, level: &str) -> Result<(), ConfigError> {
        let levels = self.puzzles.task.levels;
        if levels.contains(&level) {
            return Ok(());
        }
        let allowed = format!("one of {}", levels.join(", "));
        Err(Refused { key: "level", value: quoted(level), allowed }.into())
    }

    /// Sets one key from a whole `key=value`.
    pub(crate) fn set_pair(&mut self, setting: &str) -> Result<(), ConfigError> {
        let (key, value) = Self::pair(setting)?;
        self.set(key, value)
    }

    /// The two sides of a `key=value`.
    pub(crate) fn pair(setting: &str) -> Result<(&str, &str), ConfigError> {
        setting.split_once('=').ok_or_else(|| ConfigError::NotASetting { given: shortened(setting) })
    }

    /// The configuration with these `key=value` settings applied in order.
    ///
    /// # Errors
    /// As for [`Config::set_pair`].
    pub fn with<S: AsRef<str>>(mut self, settings: impl IntoIterator<Item = S>) -> Result<Self, ConfigError> {
        settings.into_iter().try_for_each(|setting| self.set_pair(setting.as_ref()))?;
        Ok(self)
    }

    /// Like [`Config::set`], for a run that has begun: only [`Config::live_keys`] may change.
    pub(crate) fn set_live(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let key = Self::key(key)?;
        if !key.live {
            return Err(ConfigError::NotLive { key: key.name });
        }
        self.set(key.name, value)
    }

    /// A key's value as text that [`Config::set`] reads back exactly.
    pub fn get(&self, key: &str) -> Result<String, ConfigError> {
        Ok(self.value(Self::key(key)?).to_string())
    }

    fn value(&self, key: &Key) -> Value {
        let field = self.sections().into_iter().find_map(|section| section.field(key.name));
        // A key comes from the section that has its field.
        field.map_or(Value::Flag(false), Field::value)
    }

    /// Validates every value, for a configuration that was not made by [`Config::set`] or read from a file.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for key in Self::keys() {
            key.read_text(&self.value(key).to_string())?;
        }
        self.check_level(self.puzzles.level.name())
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Self::keys().map(|key| (key.name, self.value(key))))
    }
}

/// The known name with the most similar spelling; the first of several.
fn nearest(name: &str) -> &'static str {
    let wanted: String = name.to_lowercase().replace('-', "_").chars().take(100).collect();
    let likeness = |name: &str| strsim::jaro_winkler(&wanted, name);
    let names = Config::keys().map(|key| key.name);
    names.reduce(|best, name| if likeness(name) > likeness(best) { name } else { best }).unwrap_or_default()
}
