//! The Playground's two jobs: two models side by side, and one answer changed at one token.

use std::{
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{
    Side,
    answer::{self, Asked, Watch},
    desk::Desk,
    library::{Loaded, Rules},
    resample::{self, Subject},
};
use crate::{
    engine::setup::EngineError,
    model::{tokenizer::Tokenizer, transformer::Transformer},
    prompt,
    protocol::side::{Answering, PlayRequest, ResampleRequest, SideEvent, WrittenToken},
    rollout::sampler::Observer,
    system::workers::Workers,
    task::Task,
};

fn other(reason: String) -> EngineError {
    EngineError::Other(reason)
}

impl Side {
    /// Two models answer at once.
    pub(super) fn play(&mut self, id: u64, request: PlayRequest) -> Result<Option<()>, EngineError> {
        self.played = None;
        let rules = self.library.rules()?;
        let models = [self.library.get(request.models[0])?, self.library.get(request.models[1])?];
        let sides = [introduce(&models[0], &request)?, introduce(&models[1], &request)?];
        self.desk.tell(SideEvent::Answering { job: id, sides });
        let desk = self.desk.clone();
        let workers = self.workers()?;
        let answers = std::thread::scope(|scope| {
            let answering = [0, 1].map(|side| {
                // Tensors are shared, but a model itself cannot be used from two threads.
                let model = models[side].model.clone();
                let (tokenizer, task) = (&models[side].tokenizer, models[side].task.as_ref());
                let workers = &workers[side];
                let stop = models[side].stops_at_answer(&rules.config);
                let (desk, rules, request) = (&*desk, &rules, &request);
                scope.spawn(move || {
                    answer_one(id, side, &model, tokenizer, task, stop, request, rules, workers, desk)
                })
            });
            answering.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        for answer in answers {
            if answer?.is_none() {
                return Ok(None);
            }
        }
        self.played = Some((id, request, models));
        Ok(Some(()))
    }

    /// Continues an answer both as it was and as it was changed.
    pub(super) fn resample(&mut self, id: u64, request: &ResampleRequest) -> Result<Option<()>, EngineError> {
        let played = self.played.as_ref().filter(|(of, ..)| *of == request.of);
        let Some((_, play, models)) = played else {
            return Err(other(
                "This answer's model is no longer loaded; let both models answer again first.".into(),
            ));
        };
        let (play, model) = (play.clone(), models[request.side.min(1)].clone());
        let rules = self.library.rules()?;
        let desk = self.desk.clone();
        let samples = request.samples.clamp(1, resample::MOST_SAMPLES);
        let watch = Counting { desk: &desk, job: id, total: 2 * samples, done: AtomicUsize::new(0) };
        let subject = Subject {
            model: &model.model,
            tokenizer: &model.tokenizer,
            puzzle: &play.puzzle,
            task: model.task.as_ref(),
            config: &rules.config,
            options: play.options,
            stop_at_answer: model.stops_at_answer(&rules.config),
        };
        let workers = &self.workers()?[0];
        let result = resample::resample(&subject, &request.before, &request.edit, samples, workers, &watch);
        Ok(result.map_err(other)?.map(|result| {
            self.desk.tell(SideEvent::Resampled { job: id, result: Box::new(result) });
        }))
    }
}

/// The model about to answer, what it is asked, and the words of the question that it does not see.
fn introduce(model: &Rc<Loaded>, request: &PlayRequest) -> Result<Answering, EngineError> {
    let (prompt, _) = prompt::encode(model.task.as_ref(), &request.puzzle, &model.tokenizer)?;
    let unknown = model.tokenizer.unknown_words(&model.task.asked_words(&request.puzzle));
    Ok(Answering { model: model.name, step: Some(model.step), prompt, unknown })
}

#[allow(clippy::too_many_arguments, reason = "what one thread of two needs")]
fn answer_one(
    job: u64,
    side: usize,
    model: &Transformer,
    tokenizer: &Tokenizer,
    task: &dyn Task,
    stop_at_answer: bool,
    request: &PlayRequest,
    rules: &Rules,
    workers: &Workers,
    desk: &Desk,
) -> Result<Option<()>, EngineError> {
    let asked = Asked {
        model,
        tokenizer,
        prompt: prompt::encode(task, &request.puzzle, tokenizer)?.1,
        options: request.options,
        most: rules.config.sampling.max_new_tokens,
        row: 0,
        stop_at_answer,
    };
    answer::check_room(&asked).map_err(other)?;
    let Some(written) = answer::answer(&asked, workers, &Telling { desk, job, side })? else {
        return Ok(None);
    };
    let answer = Box::new(written.judged(&request.puzzle, task, &rules.config));
    desk.tell(SideEvent::Answered { job, side, answer });
    Ok(Some(()))
}

/// Sends an answer as it is written.
struct Telling<'a> {
    desk: &'a Desk,
    job: u64,
    side: usize,
}

impl Watch for Telling<'_> {
    fn goes_on(&self) -> bool {
        self.desk.goes_on()
    }

    fn written(&self, token: &WrittenToken) {
        self.desk.tell(SideEvent::Written { job: self.job, side: self.side, token: token.clone() });
    }

    fn taken_back(&self, kept: usize) {
        self.desk.tell(SideEvent::TakenBack { job: self.job, side: self.side, kept });
    }
}

/// Counts continuations.
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
        // Forced answers finish a second time.
        self.desk.tell(SideEvent::Progress { job: self.job, done: done.min(self.total), total: self.total });
    }
}
