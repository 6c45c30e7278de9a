//! The sections that are not part of GRPO.

use crate::{
    device::BackendRequest,
    prompt::PromptStyle,
    settings::{Texts, choices, section},
    task::{FAMILIES, Family, LevelName, Task},
};

section! {
    /// What is asked.
    #[derive(Copy)]
    pub struct Puzzles {
        /// What is asked; setting another one also sets its level and whatever else it wants.
        fixed task: &'static Family = FAMILIES[0];
        /// How hard the puzzles are; every task has levels of its own.
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
    /// What is done every so many steps.
    #[derive(Copy)]
    pub struct Schedule {
        /// Steps between checkpoints; 0 writes only the last.
        live checkpoint_every: u64 = 20, 0..=1_000_000_000;
        /// Steps between held-out evaluations; 0 for none.
        live evaluate_every: u64 = 0, 0..=1_000_000_000;
        /// Held-out puzzles of such an evaluation.
        fixed evaluate_puzzles: usize = 128, 1..=10_000;
        /// Steps between answers to the pinned puzzles; 0 for none.
        live pinned_every: u64 = 5, 0..=1_000_000_000;
    }
}

/// TOML integers are signed, and a seed must survive `config.toml`.
const MAX_SEED: u64 = i64::MAX as u64;

section! {
    /// What it takes to make the same run again.
    #[derive(Copy)]
    pub struct Machine {
        /// Seed of everything random.
        fixed seed: u64 = 0, 0..=MAX_SEED;
        /// Worker threads; 0 takes the physical cores. Sums are taken per worker: another number of threads gives other
        /// last bits.
        fixed threads: usize = 0, 0..=1_024;
        /// Where tensors live.
        fixed backend: BackendRequest = BackendRequest::Auto;
    }
}

section! {
    /// What watches the run.
    #[derive(Copy)]
    pub struct Watch {
        /// What happens when a run collapses.
        live sentinel: OnCollapse = OnCollapse::Warn;
        /// Dollars an hour for the estimate on screen; it changes nothing else.
        live price_per_hour: f64 = 0.1, 0.0..=1e6;
    }
}

choices! {
    /// What happens when the sentinel sees a collapse.
    pub enum OnCollapse {
        /// A warning, and the run goes on.
        Warn = "warn",
        /// A warning and a checkpoint, and the run pauses.
        Pause = "pause",
        /// Nothing.
        Off = "off",
    }
}
