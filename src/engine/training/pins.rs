//! When the pinned puzzles are answered, and pinning on request.

use super::Training;
use crate::{
    engine::{control::Control, pins::Pins, setup::EngineError},
    protocol::Event,
    record::RunEvent,
    rollout::sampler::{Observer, Unobserved},
    task::Puzzle,
};

/// Waits while the run is paused, but does not stop before the answers are done: they are few, and a resumed
/// run would lack them.
struct Waiting<'a>(&'a Control);

impl Observer for Waiting<'_> {
    fn keep_going(&self) -> bool {
        self.0.gate();
        true
    }
}

impl Training<'_> {
    /// Answers every pinned puzzle with the weights after `step`.
    pub(super) fn answer_pins(&mut self, step: u64) -> Result<(), EngineError> {
        let puzzles = self.p.pins.puzzles.clone();
        let control = self.control;
        self.answer_pinned(&puzzles, step, &Waiting(control))
    }

    /// Before the first step of a new run or a fork, and if a resumed run lacks answers.
    pub(super) fn answer_pins_at_start(&mut self) -> Result<(), EngineError> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let config = self.control.wanted();
        let resumed = matches!(self.p.beginning.0, RunEvent::Resumed { .. });
        let new = !resumed && config.schedule.pinned_every > 0;
        if new || Pins::due(&config, self.step) { self.answer_pins(self.step) } else { Ok(()) }
    }

    /// Pins or unpins a puzzle on request. A new pin is answered at once; earlier weights are gone and cannot
    /// answer it.
    pub(super) fn change_pins(&mut self, puzzle: Puzzle, pin: bool) -> Result<(), EngineError> {
        let words = self.p.grpo.task.in_words(&puzzle, "->");
        if !pin {
            let before = self.p.pins.puzzles.len();
            self.p.pins.puzzles.retain(|pinned| *pinned != puzzle);
            if self.p.pins.puzzles.len() < before {
                let event = RunEvent::Unpinned { puzzle: Some(puzzle) };
                self.record(self.step, event, &format!("{words}, by a person"));
            }
            return Ok(());
        }
        let config = self.control.wanted();
        match self.p.pins.pin(puzzle.clone(), &self.p.grpo, &config) {
            Ok(()) => {
                let event = RunEvent::Pinned { puzzle: Some(puzzle.clone()) };
                self.record(self.step, event, &format!("{words}, by a person"));
                // Pinning works while the run is paused, without waiting for it to resume.
                self.answer_pinned(&[puzzle], self.weights_step, &Unobserved)
            }
            Err(reason) => {
                self.control.tell(Event::Warning(reason));
                Ok(())
            }
        }
    }

    fn answer_pinned(
        &mut self,
        puzzles: &[Puzzle],
        step: u64,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        let config = self.control.wanted();
        let answers = self.p.pins.answer(puzzles, &self.p.grpo, &config, step, observer)?;
        if let Err(error) = self.p.pins.log.flush() {
            self.control
                .tell(Event::Warning(format!("{error} The answers are kept in memory and written later.")));
        }
        for answer in answers.unwrap_or_default() {
            self.control.tell(Event::PinnedAnswered(Box::new(answer)));
        }
        Ok(())
    }
}
