//! What the Playground shows, and what each action does to it. Pure.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    action::Action,
    form::{Field, Form, label},
    pane::{Pane, quoted},
};
use crate::{
    config::Config,
    protocol::side::{
        Edit, JobEnd, ModelName, Models, PlayRequest, ResampleRequest, Resampled, SideCommand, SideEvent,
        SideJob, Source,
    },
    task::{Puzzle, Split, Task},
};

/// Continuations of each of the two beginnings.
pub const SAMPLES: usize = 32;
/// Longest text that can be typed, in characters.
const LONGEST: usize = 60;

/// Where the cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Among the fields.
    Form,
    /// Among the tokens of an answer.
    Answer(usize),
}

/// What the side engine is doing for this screen.
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
    /// Whether a token was left out, rather than text put in.
    pub deleted: bool,
    /// Continuations so far, and in all.
    pub progress: (usize, usize),
    /// What came of it.
    pub result: Option<Resampled>,
}

/// The state of the screen.
#[derive(Debug)]
pub struct Playground {
    /// The fields.
    pub form: Form,
    /// The models that can be asked, or why none can.
    pub models: Result<Models, String>,
    /// The answers.
    pub panes: [Pane; 2],
    /// What the answers were asked.
    pub asked: Option<Puzzle>,
    /// Where the cursor is.
    pub zone: Zone,
    /// The answer in front, where there is room for one.
    pub front: usize,
    /// What is being typed.
    pub typed: Option<String>,
    /// What a change did.
    pub change: Option<Change>,
    /// Why the last job failed.
    pub failure: Option<String>,
    /// The job that runs.
    job: Option<(u64, Busy)>,
    /// The job whose answers are whole.
    played: Option<u64>,
    last_job: u64,
    drawn: u64,
}

impl Default for Playground {
    fn default() -> Self {
        Self {
            form: Form::default(),
            models: Err("Asking which models there are.".into()),
            panes: [Pane::default(), Pane::default()],
            asked: None,
            zone: Zone::Form,
            front: 1,
            typed: None,
            change: None,
            failure: None,
            job: None,
            played: None,
            last_job: 0,
            drawn: 0,
        }
    }
}

/// A sentence that says why something was not done.
pub type Refusal = String;

impl Playground {
    /// Whether keys are text.
    pub fn captures_text(&self) -> bool {
        self.typed.is_some()
    }

    /// What the side engine is doing.
    pub fn busy(&self) -> Option<Busy> {
        self.job.map(|(_, busy)| busy)
    }

    /// The models, where they are known.
    pub fn known(&self) -> Option<&Models> {
        self.models.as_ref().ok()
    }

    /// Why the text that is being typed cannot be taken; `None` where it can.
    pub fn complaint(&self) -> Option<String> {
        let typed = self.typed.as_deref()?;
        match self.zone {
            Zone::Form => self.form.read(typed, self.known()).err(),
            Zone::Answer(_) => None,
        }
    }

    /// Does what a key asked for; what the side engine must be told is returned.
    ///
    /// # Errors
    /// A sentence, where it cannot be done.
    pub fn update(&mut self, action: Action, task: &dyn Task) -> Result<Vec<SideCommand>, Refusal> {
        match (action, self.zone) {
            (Action::Play, _) => return self.play(),
            (Action::Answer(side), _) => return self.enter_answer(side).map(|()| Vec::new()),
            (Action::Back, _) => return Ok(self.back()),
            (Action::NextPuzzle, _) => {
                self.drawn += 1;
                let mut rng = ChaCha8Rng::seed_from_u64(self.drawn);
                self.form.ask(task.draw(Split::Heldout, &mut rng));
            }
            (Action::Right, Zone::Form) => self.form.step(1),
            (Action::Left, Zone::Form) => self.form.step(-1),
            (Action::Up | Action::Down, Zone::Form) => {
                let models = self.models.as_ref().ok();
                self.form.change(action == Action::Up, models);
            }
            (Action::First, Zone::Form) => self.form.at = Field::ALL[0],
            (Action::Last, Zone::Form) => self.form.at = Field::ALL[Field::ALL.len() - 1],
            (Action::Type, Zone::Form) => self.typed = Some(self.form.draft()),
            (Action::Type, Zone::Answer(_)) => self.typed = Some(String::new()),
            (Action::Delete | Action::Wait, Zone::Form) => {
                return Err("First to an answer's tokens: a and b go there".into());
            }
            (Action::Right, Zone::Answer(side)) => self.panes[side].step(1),
            (Action::Left, Zone::Answer(side)) => self.panes[side].step(-1),
            (Action::Up | Action::Down, Zone::Answer(side)) => self.panes[side].line(action == Action::Down),
            (Action::First, Zone::Answer(side)) => self.panes[side].cursor = 0,
            (Action::Last, Zone::Answer(side)) => self.panes[side].step(isize::MAX),
            (Action::Delete, Zone::Answer(side)) => {
                let Some(token) = self.panes[side].current() else { return Ok(Vec::new()) };
                if token.source == Source::End {
                    return Err("This is the end; i and w put something before it".into());
                }
                let (id, words) = (token.id, format!("without {}", quoted(token)));
                return self.resample(side, Edit::Delete(id), words);
            }
            (Action::Wait, Zone::Answer(side)) => {
                return self.resample(side, Edit::Wait, "with a wait put in".into());
            }
            (Action::Input(character), _) => {
                if let Some(typed) = self.typed.as_mut().filter(|typed| typed.chars().count() < LONGEST) {
                    typed.push(character);
                }
            }
            (Action::Erase, _) => {
                self.typed.as_mut().and_then(String::pop);
            }
            (Action::Cancel, _) => self.typed = None,
            (Action::Accept, Zone::Form) => {
                // What cannot be taken stays, and below the fields it is said why.
                let typed = self.typed.clone().unwrap_or_default();
                if self.form.enter(&typed, self.models.as_ref().ok()).is_ok() {
                    self.typed = None;
                }
            }
            (Action::Accept, Zone::Answer(side)) => {
                let typed = self.typed.take().unwrap_or_default().trim().to_owned();
                if typed.is_empty() {
                    return Ok(Vec::new());
                }
                let words = format!("with {typed:?} put in");
                return self.resample(side, Edit::Insert(typed), words);
            }
        }
        Ok(Vec::new())
    }

    fn next_job(&mut self, busy: Busy, job: SideJob) -> Vec<SideCommand> {
        self.last_job += 1;
        self.job = Some((self.last_job, busy));
        self.failure = None;
        vec![SideCommand::Job { id: self.last_job, job }]
    }

    fn play(&mut self) -> Result<Vec<SideCommand>, Refusal> {
        // Below the fields it is said why.
        if self.models.is_err() {
            return Ok(Vec::new());
        }
        self.panes = [Pane::default(), Pane::default()];
        (self.zone, self.played, self.change) = (Zone::Form, None, None);
        self.asked = Some(self.form.puzzle.clone());
        let request = PlayRequest {
            puzzle: self.form.puzzle.clone(),
            models: self.form.models,
            options: self.form.options,
        };
        Ok(self.next_job(Busy::Playing, SideJob::Play(Box::new(request))))
    }

    fn enter_answer(&mut self, side: usize) -> Result<(), Refusal> {
        self.front = side;
        if self.panes[side].tokens.is_empty() {
            return Err("Nothing is written there yet; enter lets both models answer".into());
        }
        if self.zone != Zone::Answer(side) {
            self.panes[side].to_first_wait();
        }
        self.zone = Zone::Answer(side);
        Ok(())
    }

    fn back(&mut self) -> Vec<SideCommand> {
        if let Some((id, _)) = self.job {
            return vec![SideCommand::Cancel { id }];
        }
        self.zone = Zone::Form;
        Vec::new()
    }

    fn resample(&mut self, side: usize, edit: Edit, words: String) -> Result<Vec<SideCommand>, Refusal> {
        let Some(of) = self.played else {
            return Err("The answers are not whole yet; wait for them, or let both answer with enter".into());
        };
        let pane = &self.panes[side];
        self.change = Some(Change {
            side,
            model: self.who(side),
            at: pane.cursor,
            words,
            deleted: matches!(edit, Edit::Delete(_)),
            progress: (0, 2 * SAMPLES),
            result: None,
        });
        let request = ResampleRequest { of, side, before: pane.before(), edit, samples: SAMPLES };
        Ok(self.next_job(Busy::Resampling, SideJob::Resample(Box::new(request))))
    }

    /// The model of an answer in words, or the one that would give it.
    pub fn who(&self, side: usize) -> String {
        match &self.panes[side].who {
            Some(who) => label(who.model, who.step),
            None => label(self.form.models[side], self.known().and_then(|models| models.now)),
        }
    }

    /// Takes in what the side engine told. What it told of other jobs than the newest is passed over.
    pub fn told(&mut self, event: SideEvent) {
        let current = |job: u64| self.job.is_some_and(|(id, _)| id == job);
        match event {
            SideEvent::Models(models) => {
                if let Ok(models) = &models {
                    self.form.offer(models);
                }
                self.models = models;
            }
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

    /// Takes over how a run samples, and a puzzle of its own to begin with.
    pub fn configure(&mut self, config: &Config) {
        self.form.configure(config);
    }

    /// The weights being trained have seen another step.
    pub fn step_done(&mut self, step: u64) {
        if let Ok(Models { now: Some(now), .. }) = &mut self.models {
            *now = step;
        }
    }

    /// Nobody answers any more.
    pub fn gone(&mut self) {
        self.models = Err("Nobody can answer here: there is no side engine.".into());
        self.job = None;
    }

    /// Whether only the embedded base can be asked.
    pub fn lonely(&self) -> bool {
        self.known().is_some_and(|models| models.names == [ModelName::Embedded])
    }
}
