//! The state of the Playground, and how each action changes it.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use ratatui::layout::{Position, Rect};

use super::{
    action::Action,
    form::{Field, Form},
};
use crate::{
    config::Config,
    protocol::side::{Edit, PlayRequest, Source},
    task::Split,
    tui::{
        screens::{Context, listing::Needle},
        shell::effect::Effect,
        store::{
            Run,
            desk::{Desk, Wanted, label, quoted},
        },
    },
};

/// Longest text that can be typed, in characters.
const LONGEST: usize = 60;

/// Where the cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// Among the fields.
    #[default]
    Form,
    /// Among the tokens of an answer.
    Answer(usize),
}

/// The Playground.
#[derive(Debug)]
pub struct Playground {
    /// The fields.
    pub form: Form,
    /// Where the cursor is.
    pub zone: Zone,
    /// The answer in front, where there is room for one.
    pub(super) front: usize,
    /// What is being typed.
    pub(super) typed: Option<String>,
    /// The token under the cursor, of each answer.
    cursors: [usize; 2],
    /// Puzzles drawn so far.
    drawn: u64,
    /// The engine whose configuration initialized the fields.
    begun: u64,
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    /// Where the fields are.
    pub(super) fields: Vec<(Rect, Field)>,
    /// Where the answers are.
    pub(super) answers: [Rect; 2],
    /// Where the tokens of each answer are.
    pub(super) tokens: [Vec<(Rect, usize)>; 2],
    /// First token of each drawn line, of each answer.
    pub(super) lines: [Vec<usize>; 2],
}

impl Default for Playground {
    fn default() -> Self {
        Self {
            form: Form::default(),
            zone: Zone::Form,
            front: 1,
            typed: None,
            cursors: [0, 0],
            drawn: 0,
            begun: 0,
        }
    }
}

/// A sentence that says why something was not done.
type Refusal = &'static str;

impl Playground {
    /// Why the typed text is invalid; `None` if it is valid.
    pub(super) fn complaint(&self, desk: &Desk) -> Option<String> {
        let typed = self.typed.as_deref()?;
        match self.zone {
            Zone::Form => self.form.read(typed, desk.known()).err(),
            Zone::Answer(_) => None,
        }
    }

    /// Adopts the sampling settings of a run and the available models.
    pub(super) fn follow(&mut self, store: &Run) {
        if self.begun != store.begun
            && let Some(config) = store.config()
        {
            self.begun = store.begun;
            self.form.configure(config);
        }
        if let Some(models) = store.desk.known() {
            self.form.offer(models);
        }
    }

    /// Carries out an action.
    pub(super) fn act(&mut self, action: Action, context: &Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.follow(context.store);
        if self.type_in(action) {
            return Vec::new();
        }
        if let Action::Click { column, row } = action {
            let clicked = self.click((column, row).into(), &context.store.desk, hits);
            return clicked.unwrap_or_else(Effect::info);
        }
        let done = match self.zone {
            _ if action == Action::Play => Ok(self.play(&context.store.desk)),
            _ if action == Action::Back => Ok(self.back(&context.store.desk)),
            Zone::Form => self.act_on_form(action, context.store),
            Zone::Answer(side) => self.act_on_answer(side, action, &context.store.desk, hits),
        };
        done.unwrap_or_else(Effect::info)
    }

    /// Handles typed text for any purpose. Returns whether the action was one of typing.
    fn type_in(&mut self, action: Action) -> bool {
        match action {
            Action::Input(character) => {
                if let Some(typed) = self.typed.as_mut().filter(|typed| typed.chars().count() < LONGEST) {
                    typed.push(character);
                }
            }
            Action::Erase => {
                self.typed.as_mut().and_then(String::pop);
            }
            Action::Cancel => self.typed = None,
            _ => return false,
        }
        true
    }

    fn act_on_form(&mut self, action: Action, store: &Run) -> Result<Vec<Effect>, Refusal> {
        let desk = &store.desk;
        match action {
            Action::Answer(side) => self.enter_answer(side, desk)?,
            Action::NextPuzzle => return Ok(self.turn_puzzle(true, store)),
            Action::PreviousPuzzle => return Ok(self.turn_puzzle(false, store)),
            Action::Right => self.form.step(1),
            Action::Left => self.form.step(-1),
            Action::Up | Action::Down => self.form.change(action == Action::Up, desk.known()),
            Action::First => self.form.at = Field::ALL[0],
            Action::Last => self.form.at = Field::ALL[Field::ALL.len() - 1],
            Action::Type => self.typed = Some(self.form.draft()),
            Action::Delete | Action::Wait => return Err("Go to an answer's tokens first: press a or b"),
            Action::Accept => {
                // Invalid text stays, and the line below the fields says why.
                let typed = self.typed.clone().unwrap_or_default();
                if self.form.enter(&typed, desk.known()).is_ok() {
                    self.typed = None;
                }
            }
            _ => {}
        }
        Ok(Vec::new())
    }

    fn act_on_answer(
        &mut self,
        side: usize,
        action: Action,
        desk: &Desk,
        hits: &Hits,
    ) -> Result<Vec<Effect>, Refusal> {
        let last = desk.panes[side].tokens.len().saturating_sub(1);
        let cursor = self.cursor(side, desk);
        match action {
            Action::Answer(side) => self.enter_answer(side, desk)?,
            Action::Right => self.cursors[side] = (cursor + 1).min(last),
            Action::Left => self.cursors[side] = cursor.saturating_sub(1),
            Action::Up | Action::Down => {
                self.cursors[side] = line_beside(&hits.lines[side], cursor, action == Action::Down, last);
            }
            Action::First => self.cursors[side] = 0,
            Action::Last => self.cursors[side] = last,
            Action::Type => self.typed = Some(String::new()),
            Action::Delete => {
                let Some(token) = desk.panes[side].tokens.get(cursor) else { return Ok(Vec::new()) };
                if token.source == Source::End {
                    return Err("This is the end; i and I insert before it");
                }
                let (id, words) = (token.id, format!("without {}", quoted(token)));
                return self.resample(side, Edit::Delete(id), words, desk);
            }
            Action::Wait => return self.resample(side, Edit::Wait, "with a wait inserted".into(), desk),
            Action::Accept => {
                let typed = self.typed.take().unwrap_or_default().trim().to_owned();
                if typed.is_empty() {
                    return Ok(Vec::new());
                }
                let words = format!("with {typed:?} inserted");
                return self.resample(side, Edit::Insert(typed), words, desk);
            }
            _ => {}
        }
        Ok(Vec::new())
    }

    fn turn_puzzle(&mut self, forward: bool, store: &Run) -> Vec<Effect> {
        self.drawn = if forward { self.drawn + 1 } else { self.drawn.saturating_sub(1).max(1) };
        let config = store.config().map_or_else(Config::default, Config::clone);
        match config.puzzles.make() {
            Ok(task) => {
                self.form.ask(task.draw(Split::Heldout, &mut ChaCha8Rng::seed_from_u64(self.drawn)));
                Vec::new()
            }
            Err(reason) => Effect::info(reason),
        }
    }

    fn play(&mut self, desk: &Desk) -> Vec<Effect> {
        // The line below the fields says why.
        if desk.models.is_err() {
            return Vec::new();
        }
        (self.zone, self.cursors) = (Zone::Form, [0, 0]);
        let request = PlayRequest {
            puzzle: self.form.puzzle.clone(),
            models: self.form.models,
            options: self.form.options,
        };
        vec![Effect::Play(Box::new(request))]
    }

    fn enter_answer(&mut self, side: usize, desk: &Desk) -> Result<(), Refusal> {
        self.front = side;
        let pane = &desk.panes[side];
        if pane.tokens.is_empty() {
            return Err("Nothing written there yet; enter lets both models answer");
        }
        if self.zone != Zone::Answer(side) {
            self.cursors[side] = pane.first_wait();
        }
        self.zone = Zone::Answer(side);
        Ok(())
    }

    fn back(&mut self, desk: &Desk) -> Vec<Effect> {
        if desk.busy().is_some() {
            return vec![Effect::Dismiss, Effect::GiveUp];
        }
        let effect = if self.zone == Zone::Form { Effect::Back } else { Effect::Dismiss };
        self.zone = Zone::Form;
        vec![effect]
    }

    fn resample(
        &mut self,
        side: usize,
        edit: Edit,
        words: String,
        desk: &Desk,
    ) -> Result<Vec<Effect>, Refusal> {
        if !desk.is_played() {
            return Err("The answers are not finished; wait for them, or press enter to let both answer");
        }
        let at = self.cursor(side, desk);
        Ok(vec![Effect::Resample(Wanted { side, at, edit, words })])
    }

    /// Goes to the next (or the previous) token of an answer with what is searched for; from the fields, to an answer.
    pub(super) fn seek(&mut self, needle: &Needle, forward: bool, desk: &Desk) -> bool {
        let side = match self.zone {
            Zone::Answer(side) => side,
            Zone::Form => self.front,
        };
        let here = (self.zone == Zone::Answer(side)).then(|| self.cursor(side, desk));
        let tokens = tokens_with(needle, desk, side);
        let found = match (here, forward) {
            (Some(here), true) => tokens.iter().find(|at| **at > here).or(tokens.first()),
            (Some(here), false) => tokens.iter().rev().find(|at| **at < here).or(tokens.last()),
            (None, _) => tokens.first(),
        };
        if let Some(at) = found {
            (self.zone, self.front, self.cursors[side]) = (Zone::Answer(side), side, *at);
        }
        found.is_some()
    }

    /// A click goes to a field, or to a token; a click on the field under the cursor types a value into it.
    fn click(&mut self, place: Position, desk: &Desk, hits: &Hits) -> Result<Vec<Effect>, Refusal> {
        if self.typed.is_some() {
            return Ok(Vec::new());
        }
        if let Some((_, field)) = hits.fields.iter().find(|(area, _)| area.contains(place)) {
            let here = self.zone == Zone::Form && self.form.at == *field;
            (self.zone, self.form.at) = (Zone::Form, *field);
            self.typed = here.then(|| self.form.draft());
            return Ok(Vec::new());
        }
        let Some(side) = (0..2).find(|side| hits.answers[*side].contains(place)) else {
            return Ok(Vec::new());
        };
        self.enter_answer(side, desk)?;
        if let Some((_, token)) = hits.tokens[side].iter().find(|(area, _)| area.contains(place)) {
            self.cursors[side] = *token;
        }
        Ok(Vec::new())
    }

    /// The token of an answer under the cursor.
    pub fn cursor(&self, side: usize, desk: &Desk) -> usize {
        self.cursors[side].min(desk.panes[side].tokens.len().saturating_sub(1))
    }

    /// The name of an answer's model, or of the one that would answer.
    pub(super) fn who(&self, side: usize, desk: &Desk) -> String {
        match &desk.panes[side].who {
            Some(who) => label(who.model, who.step),
            None => label(self.form.models[side], desk.known().and_then(|models| models.now)),
        }
    }
}

/// The tokens of an answer at which something begins that is searched for.
fn tokens_with(needle: &Needle, desk: &Desk, side: usize) -> Vec<usize> {
    let (mut text, mut ends) = (String::new(), Vec::new());
    for token in &desk.panes[side].tokens {
        text.push_str(&token.text);
        ends.push(text.len());
    }
    let token = |at: usize| ends.partition_point(|end| *end <= at);
    needle.ranges(&text).into_iter().map(|range| token(range.start)).collect()
}

/// The token in the same column a line below or above.
fn line_beside(lines: &[usize], cursor: usize, down: bool, last: usize) -> usize {
    let at = lines.partition_point(|&first| first <= cursor).saturating_sub(1);
    let to = if down { at + 1 } else { at.wrapping_sub(1) };
    let (Some(&here), Some(&there)) = (lines.get(at), lines.get(to)) else { return cursor };
    let end = lines.get(to + 1).map_or(last, |&next| next.saturating_sub(1));
    (there + cursor.saturating_sub(here)).min(end).max(there)
}
