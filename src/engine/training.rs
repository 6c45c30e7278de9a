//! The engine's loop: GRPO steps with a gate between any two tokens, micro-batches and phases.

mod disk;
mod pauses;
mod pins;
mod step;

use std::time::Instant;

use super::{
    control::Control,
    inspect::Inspector,
    log::log_to,
    setup::{self, EngineError, Prepared},
    side::{Live, LiveWeights},
    summary::Totals,
};
use crate::{
    eval,
    grpo::step::JudgedGroup,
    kernels::unit::VectorUnit,
    metrics::sentinel::{Features, Sentinel},
    protocol::{Event, Started},
    record::{Edit, RunEvent},
    runs::{ancestors, edits, fork_points, reader::Reader},
    task::Puzzle,
};

/// Trains a prepared run until its last step or a stop. Whenever the weights change, `weights` gets a copy.
///
/// # Errors
/// A sentence; everything journalled before is safe.
pub fn train(
    prepared: Prepared,
    control: &Control,
    weights: &LiveWeights,
    last_step: Option<u64>,
) -> Result<(), EngineError> {
    let mut training = Training::begin(prepared, control, weights, last_step);
    let ended = training.run();
    if let Err(error) = &ended {
        // The events themselves may be what cannot be written; the caller reports the error in any case.
        let _ = training.p.journal.event(training.step, RunEvent::Failed, &error.to_string());
    }
    ended
}

/// The sentinel as it was after the last step. Only the metrics are read again: its counts from completions
/// start over.
fn sentinel_of(p: &Prepared) -> Sentinel {
    let mut sentinel = Sentinel::default();
    if p.state.step > 0 {
        // Without its history it only warns later; that is no reason not to train.
        let past = Reader::new(&p.run).metrics().map(|log| log.records).unwrap_or_default();
        for metrics in past.iter().filter(|metrics| metrics.step <= p.state.step) {
            sentinel.observe(metrics, &Features::default(), &p.config);
        }
    }
    sentinel
}

/// How a step ended.
enum Outcome {
    Done,
    Stopped,
}

struct Training<'a> {
    p: Prepared,
    control: &'a Control,
    /// Where others find the newest weights.
    weights: &'a LiveWeights,
    last_step: Option<u64>,
    /// Steps finished.
    step: u64,
    totals: Totals,
    /// Step of the newest checkpoint.
    saved: Option<u64>,
    /// When to retry a checkpoint that the disk refused. While one is pending, no step begins.
    retry_at: Option<Instant>,
    /// Whether a step has begun and is not recorded yet.
    in_step: bool,
    /// A checkpoint was requested during a step, and is written at its end.
    checkpoint_wanted: bool,
    heldout: Vec<Puzzle>,
    /// Steps that the weights have seen: one ahead of `step` between a step's update and its end.
    weights_step: u64,
    /// Whether the pinned puzzles were handled before the first step.
    begun: bool,
    sentinel: Sentinel,
    inspector: Inspector,
    /// The groups of the last finished step, for inspection before the next one begins.
    finished: Vec<JudgedGroup>,
}

impl<'a> Training<'a> {
    fn begin(
        mut p: Prepared,
        control: &'a Control,
        weights: &'a LiveWeights,
        last_step: Option<u64>,
    ) -> Self {
        let (model, threads) = (p.grpo.trainer.inference_model().config, p.grpo.trainer.workers().count());
        let prompt = p.longest_prompt;
        control
            .begin_with(p.config.clone(), move |config| setup::check_sizes(config, &model, threads, prompt));
        p.warnings.extend(p.log.take().and_then(log_to));
        let (what, from) = p.beginning.clone();
        let unit = p.vector_unit.map(VectorUnit::name);
        tracing::info!(
            step = p.state.step,
            backend = p.backend,
            vector_unit = unit,
            reason = p.backend_reason,
            "{} {from}",
            what.name()
        );
        control.tell(Event::Started(Box::new(Started {
            run: p.run.path().to_owned(),
            config: p.config.clone(),
            step: p.state.step,
            backend: p.backend.clone(),
            backend_reason: p.backend_reason.clone(),
            parameters: p.grpo.trainer.parameter_sizes().iter().sum(),
            base: p.base,
            forks: fork_points(&ancestors(&p.run)),
            pins: Some(p.pins.puzzles.clone()),
            engine: None,
        })));
        let mut warnings = std::mem::take(&mut p.warnings);
        match p.run.measurements() {
            Ok((measured, bad)) => {
                measured.into_iter().for_each(|found| control.tell(Event::Measured(Box::new(found))));
                warnings.extend(bad);
            }
            Err(error) => warnings.push(error.to_string()),
        }
        let mut training = Self {
            step: p.state.step,
            weights_step: p.state.step,
            begun: false,
            totals: Totals { tokens: p.state.num_tokens, flops: p.state.flops },
            saved: p.from_own_checkpoint.then_some(p.state.step),
            retry_at: None,
            in_step: false,
            checkpoint_wanted: false,
            heldout: eval::heldout_puzzles(p.grpo.task.as_ref(), p.config.schedule.evaluate_puzzles),
            sentinel: sentinel_of(&p),
            inspector: Inspector::default(),
            finished: Vec::new(),
            p,
            control,
            weights,
            last_step,
        };
        training.show_weights();
        training.record(training.step, what, &from);
        for warning in warnings {
            training.warn(training.step, &warning);
        }
        training
    }

    fn run(&mut self) -> Result<(), EngineError> {
        if self.saved.is_none() {
            // With this, a run that is killed before its first checkpoint is due can be resumed all the same.
            // While the disk refuses it, no step begins.
            self.checkpoint()?;
        }
        while self.last_step.is_none_or(|last| self.step < last) {
            if !self.between_steps()? {
                break;
            }
            self.answer_pins_at_start()?;
            match self.one_step()? {
                Outcome::Done => {}
                Outcome::Stopped => break,
            }
        }
        self.journal_requests()?;
        self.last_checkpoint()?;
        self.record(self.step, RunEvent::Finished, &format!("after {} steps", self.step));
        self.insist(|journal| journal.sync().map(|_| ()))?;
        self.control.tell(Event::Finished { steps: self.step, run: self.p.run.path().to_owned() });
        Ok(())
    }

    /// Fixes the configuration of the step that begins, live edits included.
    fn begin_step(&mut self) {
        let (_, edits) = self.control.begin_step();
        self.journal_edits(edits);
        for edit in self.p.edits_to_make_again.take_for(self.step + 1) {
            match self.control.make_again(&edit) {
                Ok(()) => {
                    self.control.tell(edits::event(self.step, edit));
                }
                Err(error) => {
                    self.warn(
                        self.step,
                        &format!("A setting changed during the earlier run cannot be applied again: {error}"),
                    );
                }
            }
        }
        self.p.config = self.control.wanted();
        self.in_step = true;
    }

    /// Journals the user's actions and serves their requests.
    fn journal_requests(&mut self) -> Result<(), EngineError> {
        let requests = self.control.take_requests();
        for (what, words) in requests.deeds {
            self.record(self.step, what, &words);
        }
        self.journal_edits(requests.edits);
        self.checkpoint_wanted |= requests.checkpoint;
        // During a step the weights may already be those after it, and the journal may hold some of its
        // lines.
        if self.checkpoint_wanted && !self.in_step {
            self.checkpoint()?;
        }
        for (puzzle, pin) in requests.pins {
            self.change_pins(puzzle, pin)?;
        }
        Ok(())
    }

    /// Journals edits under the last step that they do not apply to.
    fn journal_edits(&mut self, edits: Vec<Edit>) {
        let step = self.step + u64::from(self.in_step);
        for edit in edits {
            self.p.edits_to_make_again.overrule(step, &edit.key);
            self.record(step, RunEvent::Set(edit.clone()), &edit.to_string());
            self.control.tell(edits::event(step, edit));
        }
    }

    /// Journals an action. If the disk refuses, the line is kept and written with the next one.
    fn record(&mut self, step: u64, what: RunEvent, words: &str) {
        if let Err(error) = self.p.journal.event(step, what, words) {
            self.control.tell(Event::Warning(format!("{error} It is kept in memory and written later.")));
        }
    }

    fn warn(&mut self, step: u64, text: &str) {
        tracing::warn!(step, "{text}");
        self.record(step, RunEvent::Warning, text);
        self.control.tell(Event::Warning(text.to_string()));
    }

    /// Publishes the current weights for the side engine.
    fn show_weights(&self) {
        self.weights.show(Live {
            run: self.p.run.clone(),
            config: self.p.config.clone(),
            tokenizer: self.p.grpo.tokenizer.clone(),
            companions: self.p.companions.clone(),
            model: self.p.grpo.trainer.inference_model(),
            step: self.weights_step,
        });
    }
}
