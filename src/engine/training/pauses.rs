//! Between two phases: the run waits there while it is paused, and serves what it is asked for meanwhile.

use std::time::Instant;

use super::Training;
use crate::engine::{inspect::Known, setup::EngineError};

impl Training<'_> {
    /// Ends a phase of this step, tells those who look closely what it has brought to light, and waits while the run is
    /// paused. `false` when it is to stop.
    pub(super) fn phase_over(&mut self, step: u64, known: Known<'_>) -> Result<bool, EngineError> {
        self.control.phase_over(false);
        self.between_phases(Some((step, known)))
    }

    /// The same between two steps, where the weights are those after the last one.
    pub(super) fn between_steps(&mut self) -> Result<bool, EngineError> {
        let finished = std::mem::take(&mut self.finished);
        self.between_phases(Some((self.step, Known::Updated(&finished))))
    }

    /// Does what was asked for, waits while paused. `false` when the run is to stop. A checkpoint that the disk refused
    /// comes before anything else: whoever lets the run go on without it has it tried, and pauses again if it is refused
    /// again.
    pub(super) fn between_phases(&mut self, known: Option<(u64, Known<'_>)>) -> Result<bool, EngineError> {
        while self.wait(None, known)? {
            if self.retry_at.is_none() {
                return Ok(true);
            }
            self.checkpoint()?;
        }
        Ok(false)
    }

    /// Does what is asked for while the run is paused, until it goes on or the moment has come: this one, or that of a
    /// checkpoint that is tried again. `false` when it is to stop.
    pub(super) fn wait_until(&mut self, moment: Option<Instant>) -> Result<bool, EngineError> {
        self.wait(moment, None)
    }

    fn wait(
        &mut self,
        moment: Option<Instant>,
        known: Option<(u64, Known<'_>)>,
    ) -> Result<bool, EngineError> {
        loop {
            self.journal_requests()?;
            let moment = moment.or(self.retry_at);
            if let Some((step, known)) = known {
                self.inspector.look(&self.p.grpo, &self.p.config, step, known, self.control)?;
            }
            if !self.control.wait_between_phases(moment) {
                return Ok(false);
            }
            if !self.control.pausing() || moment.is_some_and(|moment| moment <= Instant::now()) {
                return Ok(true);
            }
        }
    }
}
