//! How far a run is that another process writes.

use super::{directory::RunDirectory, error::RunError, reader::LONGEST_LINE, tail::Tail};
use crate::{metrics::registry, record::Step};

/// The newest step of a run, and what was last measured on held-out puzzles.
#[derive(Debug)]
pub(crate) struct Progress {
    metrics: Tail,
    newest: Option<Step>,
    held_out: Option<f64>,
}

impl Progress {
    /// Of a run of which nothing has been read yet.
    pub(crate) fn of(run: &RunDirectory) -> Self {
        Self { metrics: Tail::new(&run.metrics_path(), LONGEST_LINE), newest: None, held_out: None }
    }

    /// Reads what is new; never blocks.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn poll(&mut self) -> Result<(), RunError> {
        loop {
            let mut fresh: Vec<Step> = Vec::new();
            let polled = self.metrics.poll(|step, _, _| fresh.push(step))?;
            if polled.restarted {
                (self.newest, self.held_out) = (None, None);
            }
            for step in fresh {
                self.held_out = step.known(&registry::EVAL_ACCURACY).or(self.held_out);
                self.newest = Some(step);
            }
            if !polled.behind {
                return Ok(());
            }
        }
    }

    /// The newest step.
    pub(crate) fn newest(&self) -> Option<&Step> {
        self.newest.as_ref()
    }

    /// The accuracy of the last evaluation on held-out puzzles.
    pub(crate) fn held_out(&self) -> Option<f64> {
        self.held_out
    }
}
