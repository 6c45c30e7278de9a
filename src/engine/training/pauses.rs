//! Between two phases, the run waits while it is paused and serves requests.

use std::time::Instant;

use super::Training;
use crate::{engine::setup::EngineError, grpo::step::Known};

impl Training<'_> {
    /// Ends a phase of this step, sends its results to whoever inspects a group, and waits while the run is
    /// paused. `false` if the run should stop.
    pub(super) fn phase_over(&mut self, step: u64, known: Known<'_>) -> Result<bool, EngineError> {
        self.control.phase_over(false);
        self.between_phases(Some((step, known)))
    }

    /// Like [`Self::phase_over`] between two steps, where the weights are those after the last one.
    pub(super) fn between_steps(&mut self) -> Result<bool, EngineError> {
        let finished = std::mem::take(&mut self.finished);
        self.between_phases(Some((self.step, Known::Updated(&finished))))
    }

    /// Serves requests and waits while paused. `false` if the run should stop. A checkpoint that the disk
    /// refused comes before anything else: resuming the run without it retries it, and pauses again if it is
    /// refused again.
    pub(super) fn between_phases(&mut self, known: Option<(u64, Known<'_>)>) -> Result<bool, EngineError> {
        while self.wait(None, known)? {
            if self.retry_at.is_none() {
                return Ok(true);
            }
            self.checkpoint()?;
        }
        Ok(false)
    }

    /// Serves requests while the run is paused, until it resumes, or until `moment` or the next retry of a
    /// checkpoint. `false` if the run should stop.
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
                let settings = self.p.config.grpo();
                self.inspector.look(&self.p.grpo, &settings, step, known, self.control)?;
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
