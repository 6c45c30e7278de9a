//! The Playground's requests to the side engine: its models, two answers, and the effect of a change to one of them.

pub use super::pane::{Pane, quoted};
use crate::{
    protocol::side::{
        Edit, JobEnd, ModelName, Models, PlayRequest, ResampleRequest, Resampled, SideCommand, SideEvent,
        SideJob,
    },
    task::Puzzle,
};

/// Continuations of each of the two beginnings.
pub(crate) const SAMPLES: usize = 32;

/// What the side engine is doing for the Playground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// Both answer.
    Playing,
    /// An answer is being continued.
    Resampling,
}

/// A change of an answer, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which answer.
    pub side: usize,
    /// Its model, in words.
    pub model: String,
    /// Index of the token.
    pub at: usize,
    /// What is done there, in words: `without "wait"`.
    pub words: String,
    /// Whether a token was deleted, rather than text inserted.
    pub deleted: bool,
    /// Continuations so far, and in all.
    pub progress: (usize, usize),
    /// What came of it.
    pub result: Option<Resampled>,
}

/// What is to be changed in an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Which answer.
    pub side: usize,
    /// Index of the token.
    pub at: usize,
    /// What is done there.
    pub edit: Edit,
    /// The same in words: `without "wait"`.
    pub words: String,
}

/// The answers and their models.
#[derive(Debug)]
pub struct Desk {
    /// The models that can be asked, or why none can.
    pub models: Result<Models, String>,
    /// The answers.
    pub panes: [Pane; 2],
    /// What they were asked.
    pub asked: Option<Puzzle>,
    /// What a change did.
    pub change: Option<Change>,
    /// Why the last job failed.
    pub failure: Option<String>,
    /// The job that runs.
    job: Option<(u64, Busy)>,
    /// The job whose answers are finished.
    played: Option<u64>,
    last_job: u64,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            models: Err("Looking up the models.".into()),
            panes: [Pane::default(), Pane::default()],
            asked: None,
            change: None,
            failure: None,
            job: None,
            played: None,
            last_job: 0,
        }
    }
}

impl Desk {
    /// What the side engine is doing.
    pub fn busy(&self) -> Option<Busy> {
        self.job.map(|(_, busy)| busy)
    }

    /// The models, where they are known.
    pub fn known(&self) -> Option<&Models> {
        self.models.as_ref().ok()
    }

    /// Whether the answers are finished, so that they can be changed.
    pub(crate) fn is_played(&self) -> bool {
        self.played.is_some()
    }

    /// Lets both models answer.
    pub fn play(&mut self, request: PlayRequest) -> SideCommand {
        self.panes = [Pane::default(), Pane::default()];
        (self.played, self.change) = (None, None);
        self.asked = Some(request.puzzle.clone());
        self.next_job(Busy::Playing, SideJob::Play(Box::new(request)))
    }

    /// Continues a beginning as it was and changed; `None` while the answers are unfinished.
    pub fn resample(&mut self, wanted: Wanted) -> Option<SideCommand> {
        let of = self.played?;
        let Wanted { side, at, edit, words } = wanted;
        let pane = self.panes.get(side)?;
        let before = pane.tokens.iter().take(at).map(|token| token.id).collect();
        self.change = Some(Change {
            side,
            model: pane.who.as_ref().map(|who| label(who.model, who.step)).unwrap_or_default(),
            at,
            words,
            deleted: matches!(edit, Edit::Delete(_)),
            progress: (0, 2 * SAMPLES),
            result: None,
        });
        let request = ResampleRequest { of, side, before, edit, samples: SAMPLES };
        Some(self.next_job(Busy::Resampling, SideJob::Resample(Box::new(request))))
    }

    /// Cancels the job.
    pub(crate) fn give_up(&self) -> Option<SideCommand> {
        self.job.map(|(id, _)| SideCommand::Cancel { id })
    }

    fn next_job(&mut self, busy: Busy, job: SideJob) -> SideCommand {
        self.last_job += 1;
        self.job = Some((self.last_job, busy));
        self.failure = None;
        SideCommand::Job { id: self.last_job, job }
    }

    /// Handles a side engine event; events of older jobs are ignored.
    pub(super) fn told(&mut self, event: SideEvent) {
        let current = |job: u64| self.job.is_some_and(|(id, _)| id == job);
        match event {
            SideEvent::Models(models) => self.models = models,
            SideEvent::Answering { job, sides } if current(job) => {
                for (pane, who) in self.panes.iter_mut().zip(sides) {
                    pane.who = Some(who);
                }
            }
            SideEvent::Written { job, side, token } if current(job) => {
                if let Some(pane) = self.panes.get_mut(side) {
                    pane.push(token);
                }
            }
            SideEvent::TakenBack { job, side, kept } if current(job) => {
                if let Some(pane) = self.panes.get_mut(side) {
                    pane.shorten(kept);
                }
            }
            SideEvent::Answered { job, side, answer } if current(job) => {
                if let Some(pane) = self.panes.get_mut(side) {
                    pane.answer = Some(*answer);
                }
            }
            SideEvent::Progress { job, done, total } if current(job) => {
                if let Some(change) = &mut self.change {
                    change.progress = (done, total);
                }
            }
            SideEvent::Resampled { job, result } if current(job) => {
                if let Some(change) = &mut self.change {
                    change.result = Some(*result);
                }
            }
            SideEvent::Ended { job, how } if current(job) => self.ended(job, how),
            _ => {}
        }
    }

    fn ended(&mut self, job: u64, how: JobEnd) {
        let busy = self.busy();
        self.job = None;
        if how == JobEnd::Done && busy == Some(Busy::Playing) {
            self.played = Some(job);
        }
        if how != JobEnd::Done && busy == Some(Busy::Resampling) {
            self.change = None;
        }
        if let JobEnd::Failed(reason) = how {
            self.failure = Some(reason);
        }
    }

    /// The weights being trained finished another step.
    pub(super) fn step_done(&mut self, step: u64) {
        if let Ok(Models { now: Some(now), .. }) = &mut self.models {
            *now = step;
        }
    }

    /// Nobody answers any more.
    pub fn gone(&mut self) {
        self.models = Err("No model can answer here: there is no side engine.".into());
        self.job = None;
    }

    /// Whether only the embedded base can answer.
    pub(crate) fn lonely(&self) -> bool {
        self.known().is_some_and(|models| models.names == [ModelName::Embedded])
    }
}

/// A model's name as it is shown.
pub fn label(name: ModelName, step: Option<u64>) -> String {
    match (name, step) {
        (ModelName::Embedded, _) => "embedded base".into(),
        (ModelName::Checkpoint(step), _) => format!("checkpoint {step}"),
        (ModelName::Now, Some(step)) => format!("now, step {step}"),
        (ModelName::Now, None) => "now".into(),
    }
}
