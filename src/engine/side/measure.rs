//! Measures the compute frontier: the base and the newest weights on the same held-out puzzles. The results
//! are stored in the run.

use std::{
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{Side, desk::Desk, library::Loaded};
use crate::{
    config::{Config, Puzzles},
    engine::setup::{EngineError, check_fit},
    eval::{self, EvalOptions, Examinee},
    model::{
        folder,
        source::{ModelSource, hash_of as hash_of_weights},
    },
    protocol::side::{Lane, MeasureRequest, ModelName, SideEvent},
    record::{HowMeasured, Measurement},
    rollout::{budget::ANSWER_TOKENS, sampler::Observer},
    runs::RunDirectory,
};

/// The smallest thinking budget; each one after it is twice as long.
const FIRST_BUDGET: usize = 24;
/// Completions between two progress events.
const TOLD_EVERY: usize = 16;

/// How a run's models are measured from the screen: with its own length and temperature.
fn options(config: &Config, samples: usize) -> EvalOptions {
    let longer = std::iter::successors(Some(FIRST_BUDGET), |budget| budget.checked_mul(2));
    let mut budgets: Vec<usize> =
        longer.take_while(|budget| *budget <= config.sampling.max_new_tokens).collect();
    if budgets.is_empty() {
        budgets.push(config.sampling.max_new_tokens);
    }
    let needed = budgets.last().map_or(0, |longest| longest + ANSWER_TOKENS);
    EvalOptions {
        samples,
        temperature: config.sampling.temperature,
        max_new_tokens: config.sampling.max_new_tokens.max(needed),
        budgets,
        greedy: false,
        stop_at_answer: config.reward.stop.is_answer(),
        graded: config.reward.answer,
        seed: 0,
    }
}

impl Side {
    /// Measures both models, sends each result and stores it in the run.
    pub(super) fn measure(&mut self, id: u64, request: MeasureRequest) -> Result<Option<()>, EngineError> {
        let models = self.library.models()?;
        let newest = models.names.last().copied().unwrap_or(models.base);
        // Both are kept from here on: training continues meanwhile.
        let mut examined = vec![self.library.get(models.base)?];
        if newest != models.base {
            examined.push(self.library.get(newest)?);
        }
        let rules = self.library.rules()?;
        let run = self.library.run()?.0;
        let options = options(&rules.config, request.samples.max(1));
        let puzzles = eval::heldout_puzzles(rules.task.as_ref(), request.puzzles.max(1));
        let level = Some(rules.config.puzzles.level.name());
        let how = HowMeasured::of(rules.task.name(), level, &puzzles, &options);
        let each = puzzles.len() * options.samples * (1 + options.budgets.len());
        let total = each * examined.len();
        let backend = run.config()?.provenance.map_or_else(|| "unknown".into(), |info| info.backend);
        for (number, one) in examined.iter().enumerate() {
            check_fit(options.max_new_tokens, &one.model, &one.tokenizer)?;
            let desk = self.desk.clone();
            let watch = Counting { desk: &desk, job: id, total, done: AtomicUsize::new(each * number) };
            let workers = &self.workers()?[0];
            let (model, tokenizer, task) = (&one.model, &one.tokenizer, one.task.as_ref());
            let who = Examinee { model, tokenizer, task, workers };
            let Some(report) = eval::evaluate(&who, &puzzles, &options, &watch)? else { return Ok(None) };
            desk.tell(SideEvent::Progress { job: id, done: each * (number + 1), total });
            let found = Measurement::of(
                &report,
                how.clone(),
                one.step,
                hash_of(&run, one, &rules.config.puzzles)?,
                backend.clone(),
            );
            self.desk.tell(SideEvent::Measured(Box::new(found.clone())));
            run.keep_measurement(&found)?;
            self.serve_others(Lane::Frontier);
        }
        Ok(Some(()))
    }
}

/// The hash of a model's weights file.
fn hash_of(run: &RunDirectory, model: &Rc<Loaded>, puzzles: &Puzzles) -> Result<String, EngineError> {
    Ok(match model.name {
        ModelName::Embedded => ModelSource::Embedded(puzzles.base()).hash()?,
        ModelName::Checkpoint(step) => ModelSource::Folder(&run.model(Some(step))?.1).hash()?,
        ModelName::Now => hash_of_weights(&folder::to_bytes(&model.model)?),
    })
}

/// Counts completions; those that need no forced answer finish once for all budgets.
struct Counting<'a> {
    desk: &'a Desk,
    job: u64,
    total: usize,
    done: AtomicUsize,
}

impl Observer for Counting<'_> {
    fn keep_going(&self) -> bool {
        self.desk.goes_on()
    }

    fn finished(&self, _request: usize) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(TOLD_EVERY) {
            self.desk.tell(SideEvent::Progress { job: self.job, done, total: self.total });
        }
    }
}
