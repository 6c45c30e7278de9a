//! A step that nobody watches, as `replay` makes it again.

use super::{
    step::{Driver, Grpo, Known, Round},
    update::Progress,
};
use crate::{
    model::{tokenizer::TokenizerError, trainer::UpdateError},
    record::phase::Phase,
    rollout::sampler::Unobserved,
};

/// Drives a step to its end. One whose update was refused counts, without an update.
pub struct Unwatched<'g>(pub &'g mut Grpo);

impl Driver for Unwatched<'_> {
    type Error = TokenizerError;
    type Watch = Unobserved;
    type Gate = fn(Progress) -> bool;

    fn grpo(&mut self) -> &mut Grpo {
        self.0
    }

    fn begins(&mut self, _phase: Phase) {}

    fn watch(&mut self, _round: &Round) -> Unobserved {
        Unobserved
    }

    fn gate(&mut self) -> Self::Gate {
        |_| true
    }

    fn refused(&mut self, _error: UpdateError) -> Result<(), TokenizerError> {
        Ok(())
    }

    fn over(&mut self, _known: Known<'_>) -> Result<bool, TokenizerError> {
        Ok(true)
    }
}
