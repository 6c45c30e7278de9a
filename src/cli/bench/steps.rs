//! Steps of training, timed.

use std::time::Instant;

use crate::{
    cli::Failure,
    grpo::{
        step::{Driver, Grpo, Known, Round},
        update::Progress,
    },
    model::trainer::UpdateError,
    protocol::Phase,
    rollout::sampler::Unobserved,
};

/// Drives a step and takes the time of its two costly phases.
pub(super) struct Timed<'g> {
    grpo: &'g mut Grpo,
    clock: Instant,
    /// Seconds of sampling.
    pub(super) rollout: f64,
    /// Seconds of the update.
    pub(super) update: f64,
}

impl<'g> Timed<'g> {
    pub(super) fn new(grpo: &'g mut Grpo) -> Self {
        Self { grpo, clock: Instant::now(), rollout: 0.0, update: 0.0 }
    }
}

impl Driver for Timed<'_> {
    type Error = Failure;
    type Watch = Unobserved;
    type Gate = fn(Progress) -> bool;

    fn grpo(&mut self) -> &mut Grpo {
        self.grpo
    }

    fn begins(&mut self, _phase: Phase) {
        self.clock = Instant::now();
    }

    fn watch(&mut self, _round: &Round) -> Unobserved {
        Unobserved
    }

    fn gate(&mut self) -> Self::Gate {
        |_| true
    }

    fn refused(&mut self, error: UpdateError) -> Result<(), Failure> {
        Err(error.into())
    }

    fn over(&mut self, known: Known<'_>) -> Result<bool, Failure> {
        let seconds = self.clock.elapsed().as_secs_f64();
        match known {
            Known::Sampled(_) => self.rollout += seconds,
            Known::Updated(_) => self.update += seconds,
            Known::Scored(_) | Known::Judged(_) => {}
        }
        Ok(true)
    }
}
