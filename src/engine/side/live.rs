//! The weights in training, lent to the side engine.

use std::sync::{Mutex, PoisonError};

use crate::{
    config::Config,
    model::{companions::Companions, tokenizer::Tokenizer, transformer::Transformer},
    runs::RunDirectory,
};

/// The run of this process as it was when its weights last changed.
#[derive(Debug, Clone)]
pub struct Live {
    /// Where it is.
    pub run: RunDirectory,
    /// The current configuration.
    pub config: Config,
    /// Their tokenizer.
    pub tokenizer: Tokenizer,
    /// The small files beside them.
    pub companions: Companions,
    /// The weights; tensors are shared until they change, so a copy costs nothing.
    pub model: Transformer,
    /// Steps that they have seen.
    pub step: u64,
}

/// Where the training thread publishes its newest weights. It never waits here for longer than it takes to
/// copy a few pointers.
#[derive(Debug, Default)]
pub struct LiveWeights(Mutex<Option<Live>>);

impl LiveWeights {
    /// Publishes the newest weights.
    pub fn show(&self, live: Live) {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(live);
        // Dropped outside the lock: these may be the last pointers to the old weights.
        drop(before);
    }

    /// The newest weights; `None` while the run is still getting ready.
    pub fn newest(&self) -> Option<Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
