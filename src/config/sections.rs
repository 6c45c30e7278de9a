//! The sections that are not part of GRPO.

use crate::{
    device::BackendRequest,
    prompt::PromptStyle,
    settings::{Texts, choices, section},
    task::{BaseFiles, FAMILIES, Family, LevelName, Task},
};

section! {
    /// The problems.
    #[derive(Copy)]
    pub struct Puzzles {
        /// Kind of problems to train on. Another task also sets its own defaults, such as the level.
        fixed task: &'static Family = FAMILIES[0];
        /// How hard the problems are. Every task has its own levels; `tinyzero` also sets its own defaults.
        fixed level: LevelName = FAMILIES[0].first_level();
    }
}

impl Puzzles {
    /// The task at its level.
    ///
    /// # Errors
    /// A sentence, if the task has no such level.
    pub fn make(&self) -> Result<Box<dyn Task>, String> {
        (self.task.at)(self.level.name())
    }

    /// The base model that the program has for them.
    pub fn base(&self) -> &'static BaseFiles {
        self.task.base_at(self.level.name())
    }
}

section! {
    /// How puzzles are put to the model.
    pub struct Asking {
        /// The words around a puzzle, and whether they are the model's own chat template.
        fixed prompt: PromptStyle = PromptStyle::Auto;
        /// Texts that end a completion, wherever they appear in it; the completion keeps them.
        fixed stop_strings: Texts = Texts::default();
    }
}

section! {
    /// Checkpoints and evaluations.
    #[derive(Copy)]
    pub struct Schedule {
        /// Steps between checkpoints; 0 writes only the last one.
        live checkpoint_every aka "checkpoint": u64 = 20, 0..=1_000_000_000;
        /// Steps between held-out evaluations; 0 turns them off.
        live evaluate_every aka "evaluate": u64 = 0, 0..=1_000_000_000;
        /// Held-out puzzles per evaluation.
        fixed evaluate_puzzles: usize = 128, 1..=10_000;
        /// Steps between answers to the pinned puzzles; 0 turns them off.
        live pinned_every aka "pinned": u64 = 5, 0..=1_000_000_000;
    }
}

/// TOML integers are signed, and a seed must survive `config.toml`.
const MAX_SEED: u64 = i64::MAX as u64;

section! {
    /// Reproducibility and hardware.
    #[derive(Copy)]
    pub struct Machine {
        /// Random seed of the run.
        fixed seed: u64 = 0, 0..=MAX_SEED;
        /// Worker threads; 0 uses the physical cores. Each worker sums its own part, so another number of threads
        /// changes the last bits.
        fixed threads: usize = 0, 0..=1_024;
        /// Device that runs the model.
        fixed backend: BackendRequest = BackendRequest::Auto;
    }
}

section! {
    /// Monitoring.
    #[derive(Copy)]
    pub struct Watch {
        /// What the sentinel does when it raises a warning.
        live sentinel: OnCollapse = OnCollapse::Warn;
        /// Dollars per hour, for the cost estimate on screen only.
        live price_per_hour aka "price": f64 = 0.1, 0.0..=1e6;
    }
}

choices! {
    /// What the sentinel does when it raises a warning.
    pub enum OnCollapse {
        /// Warn, and let the run continue.
        Warn = "warn",
        /// Warn, write a checkpoint and pause the run.
        Pause = "pause",
        /// Nothing.
        Off = "off",
    }
}
