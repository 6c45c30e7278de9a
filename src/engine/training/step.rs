//! One step of a run: the phases of GRPO with a gate between any two tokens, micro-batches and phases, then the
//! evaluation and the record.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use super::{Outcome, Training};
use crate::{
    config::OnCollapse,
    engine::{
        control::Control,
        pins::Pins,
        setup::EngineError,
        summary::{self, PhaseTimes},
        watch::SampleWatch,
    },
    eval::{self, EvalOptions, Examinee},
    grpo::{
        step::{self, Done, Driver, Grpo, Known, Round},
        update::Progress,
    },
    metrics::{
        registry,
        sentinel::{Danger, Features, Notice},
    },
    model::trainer::UpdateError,
    protocol::{Event, Phase, STREAMED_GROUPS},
    record::Step,
    rollout::sampler::Observer,
    runs::Journal,
};

/// Drives a step of a run: times its phases, tells and journals what they bring to light, and ends it when the run is
/// to stop.
struct Drive<'t, 'a> {
    training: &'t mut Training<'a>,
    step: u64,
    group_size: usize,
    times: PhaseTimes,
    clock: Instant,
    /// Micro-batches of the update, once they are known.
    micro_batches: Arc<AtomicUsize>,
    features: Features,
}

impl<'a> Driver for Drive<'_, 'a> {
    type Error = EngineError;
    type Watch = SampleWatch<'a>;
    type Gate = Box<dyn Fn(Progress) -> bool + Sync + 'a>;

    fn grpo(&mut self) -> &mut Grpo {
        &mut self.training.p.grpo
    }

    fn begins(&mut self, phase: Phase) {
        self.clock = Instant::now();
        // Sampling is announced when it is known what is asked.
        if phase != Phase::Sample {
            self.training.enter(self.step, phase);
        }
    }

    fn watch(&mut self, round: &Round) -> SampleWatch<'a> {
        let tokenizer = self.training.p.grpo.tokenizer.clone();
        let control = self.training.control;
        SampleWatch::begin(control, tokenizer, self.step, round, self.group_size, STREAMED_GROUPS)
    }

    fn gate(&mut self) -> Self::Gate {
        let (control, step) = (self.training.control, self.step);
        let micro_batches = Arc::clone(&self.micro_batches);
        Box::new(move |Progress { begun: done, total, changed }| {
            micro_batches.store(total, Ordering::Relaxed);
            control.tell(Event::PhaseChanged { step, phase: Phase::Update, done, total });
            // Once the weights have changed, the step is finished whatever is requested.
            control.gate() || changed
        })
    }

    fn refused(&mut self, error: UpdateError) -> Result<(), EngineError> {
        self.training.warn(self.step, &format!("{error} The run is paused."));
        self.training.control.pause();
        Ok(())
    }

    fn over(&mut self, known: Known<'_>) -> Result<bool, EngineError> {
        let seconds = self.clock.elapsed().as_secs_f64();
        let (step, training) = (self.step, &mut *self.training);
        match known {
            Known::Sampled(_) => self.times.sample += seconds,
            Known::Scored(_) => self.times.score += seconds,
            Known::Judged(groups) => {
                let task = training.p.grpo.task.name();
                for (index, group) in groups.iter().enumerate() {
                    for record in summary::rollout_records(step, task, index, group) {
                        self.features.add(&record);
                        training.p.journal.add_rollout(&record)?;
                        training.control.tell(Event::RolloutScored(Box::new(record)));
                    }
                }
            }
            Known::Updated(_) => {
                self.times.update = seconds;
                let total = self.micro_batches.load(Ordering::Relaxed);
                training.control.tell(Event::PhaseChanged { step, phase: Phase::Update, done: total, total });
                training.weights_step = step;
                training.show_weights();
            }
        }
        training.phase_over(step, known)
    }
}

impl Training<'_> {
    /// One GRPO step: sample, score, advantage, update, evaluate and record.
    pub(super) fn one_step(&mut self) -> Result<Outcome, EngineError> {
        self.begin_step();
        let (step, settings) = (self.step + 1, self.p.config.grpo());
        let policy_version = self.p.grpo.trainer.updates();
        let mut drive = Drive {
            training: self,
            step,
            group_size: settings.sampling.group_size,
            times: PhaseTimes::default(),
            clock: Instant::now(),
            micro_batches: Arc::default(),
            features: Features::default(),
        };
        let done = step::step(&mut drive, &settings, step)?;
        let (times, features) = (drive.times, drive.features);
        let Some(done) = done else {
            // A step that was begun and stopped never was.
            self.p.journal.discard_pending();
            return Ok(Outcome::Stopped);
        };
        self.finish_step(step, done, policy_version, times, &features)?;
        Ok(Outcome::Done)
    }

    /// The last phase: evaluate and record.
    fn finish_step(
        &mut self,
        step: u64,
        done: Done,
        policy_version: u64,
        mut times: PhaseTimes,
        features: &Features,
    ) -> Result<(), EngineError> {
        let (config, control) = (self.p.config.clone(), self.control);
        let Done { batch, update } = done;
        let clock = Instant::now();
        self.enter(step, Phase::Evaluate);
        let model = self.p.grpo.trainer.inference_model();
        let mut metrics = summary::metrics(step, &config, &model.config, &batch, &update, &mut self.totals);
        metrics.set(&registry::POLICY_VERSION, policy_version);
        if config.schedule.evaluate_every > 0 && step.is_multiple_of(config.schedule.evaluate_every) {
            self.evaluate(step, &mut metrics)?;
        }
        if Pins::due(&config, step) {
            self.answer_pins(step)?;
        }
        times.evaluate = clock.elapsed().as_secs_f64();
        let generated = batch.groups.iter().map(|g| g.scored.group.generated_tokens()).sum();
        summary::add_clock(&mut metrics, &times, generated, update.tokens);
        self.p.journal.add_metrics(&metrics)?;
        self.insist(Journal::flush)?;
        (self.step, self.in_step) = (step, false);
        let collapses = self.watch_for_collapse(&metrics, features);
        tracing::info!(
            step,
            reward = metrics.get(&registry::REWARD),
            accuracy = metrics.get(&registry::ACCURACY),
            seconds = metrics.get(&registry::STEP_TIME),
            "step"
        );
        control.tell(Event::StepDone(Box::new(metrics)));
        let due =
            config.schedule.checkpoint_every > 0 && step.is_multiple_of(config.schedule.checkpoint_every);
        if due || collapses || self.checkpoint_wanted {
            self.checkpoint()?;
        }
        if collapses {
            control.pause();
        }
        self.finished = batch.groups;
        control.phase_over(true);
        Ok(())
    }

    fn enter(&self, step: u64, phase: Phase) {
        self.control.tell(Event::PhaseChanged { step, phase, done: 0, total: 0 });
    }

    /// Reports the sentinel's notices about the step. Returns whether to save and pause the run for them.
    fn watch_for_collapse(&mut self, metrics: &Step, features: &Features) -> bool {
        let notices = self.sentinel.observe(metrics, features, &self.p.config);
        let then = self.p.config.watch.sentinel;
        let pauses = then == OnCollapse::Pause;
        if then == OnCollapse::Off {
            return false;
        }
        // A refused update was already reported more precisely.
        let told = |notice: &Notice| {
            notice.danger == Danger::FailedUpdate && !metrics.get(&registry::GRAD_NORM).is_finite()
        };
        for notice in notices.iter().filter(|notice| !told(notice)) {
            let paused = if pauses && notice.begins { " The run is saved and paused." } else { "" };
            self.warn(notice.step, &format!("{}{paused}", notice.text));
        }
        pauses && notices.iter().any(|notice| notice.begins)
    }

    /// Answers held-out puzzles with the current policy.
    fn evaluate(&mut self, step: u64, metrics: &mut Step) -> Result<(), EngineError> {
        struct Gate<'a>(&'a Control);
        impl Observer for Gate<'_> {
            fn keep_going(&self) -> bool {
                self.0.gate()
            }
        }
        let model = self.p.grpo.trainer.inference_model();
        let who = Examinee {
            model: &model,
            tokenizer: &self.p.grpo.tokenizer,
            task: self.p.grpo.task.as_ref(),
            workers: self.p.grpo.trainer.workers(),
        };
        let options = EvalOptions {
            samples: 4,
            temperature: self.p.config.sampling.temperature,
            max_new_tokens: self.p.config.sampling.max_new_tokens,
            budgets: Vec::new(),
            greedy: false,
            stop_at_answer: self.p.config.reward.stop.is_answer(),
            graded: self.p.config.reward.answer,
            seed: self.p.config.machine.seed,
        };
        let Some(report) = eval::evaluate(&who, &self.heldout, &options, &Gate(self.control))? else {
            return Ok(());
        };
        metrics.set(&registry::EVAL_ACCURACY, report.accuracy);
        if let Some(&share) = report.pass_at_k.get(&options.samples) {
            metrics.set(&registry::EVAL_PASS_AT_K, share);
            metrics.set(&registry::EVAL_K, options.samples as u64);
        }
        self.control.tell(Event::EvalDone {
            step,
            accuracy: report.accuracy,
            pass_at_k: metrics.pass_at_k(),
            puzzles: report.puzzles,
        });
        Ok(())
    }
}
