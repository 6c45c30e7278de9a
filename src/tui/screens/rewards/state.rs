//! The state of the Rewards screen, and how each action changes it.

use std::{collections::BTreeSet, ops::RangeInclusive};

use ratatui::layout::{Position, Rect};

use super::action::Action;
use crate::{
    config::{Allowed, Config},
    eval::rescoring::{RULE_KEYS, Trial},
    protocol::Capability,
    task::{self, Family},
    tui::{
        screens::{Context, listing::Listing},
        shell::{effect::Effect, message::Level},
        store::{Run, completions::Key},
    },
};

/// The bounds of a weight.
const WEIGHTS: RangeInclusive<f64> = -1e3..=1e3;
/// Most named parts of a reward that are shown: names are a stranger's.
const MOST_PARTS: usize = 12;
/// Longest value that can be typed.
const LONGEST: usize = 24;

/// The Rewards screen.
#[derive(Debug, Default)]
pub struct Rewards {
    /// What differs from the run's own rules.
    pub(super) trial: Trial,
    /// The rule under the cursor.
    pub(super) at: usize,
    /// The value that is being typed.
    pub(super) typed: Option<String>,
    /// The names of the parts that the run's rewards have.
    pub(super) parts: BTreeSet<String>,
    /// The trick under the cursor, where they are shown.
    pub(super) trick: Option<usize>,
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    /// The rules, one a row.
    pub(super) rules: Rect,
    /// The first rule shown.
    pub(super) first_rule: usize,
    /// The completions whose reward changes, or the tricks, one a row.
    pub(super) list: Rect,
    /// The first one shown.
    pub(super) first: usize,
}

/// Something that can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    /// A configuration key.
    Key(&'static str),
    /// The weight of a named part.
    Weight(String),
}

/// The tricks of the run's task; `None` for a run whose task is not known.
pub(super) fn tricks(run: &Run) -> Option<&'static Family> {
    // Without a configuration, its completions say what it is about.
    let told = run.config().map(|config| config.puzzles.task.name);
    let named = told.or_else(|| Some(run.completions.groups().first()?.problem.task.as_str()));
    task::family(named.unwrap_or(task::FAMILIES[0].name)).ok()
}

impl Rewards {
    /// The rules of this run, in order.
    pub(super) fn rules(&self) -> Vec<Rule> {
        let weights = self.parts.iter().cloned().map(Rule::Weight);
        RULE_KEYS.iter().map(|key| Rule::Key(key)).chain(weights).collect()
    }

    /// The value of a rule under a configuration and this trial.
    pub(super) fn value(rule: &Rule, config: &Config, trial: &Trial) -> String {
        match rule {
            Rule::Key(key) => config.get(key).unwrap_or_default(),
            Rule::Weight(part) => trial.weight(part).to_string(),
        }
    }

    /// The rule under the cursor.
    pub(super) fn rule(&self) -> Rule {
        let mut rules = self.rules();
        let at = self.at.min(rules.len() - 1);
        rules.swap_remove(at)
    }

    /// Whether any rule differs from the run's.
    pub(super) fn is_edited(&self, run: &Run) -> bool {
        !self.edited_keys(run).is_empty() || !self.trial.weights.is_empty()
    }

    /// The keys whose values differ from those of the run.
    pub(super) fn edited_keys(&self, run: &Run) -> Vec<(&'static str, String)> {
        let config = run.config().cloned().unwrap_or_default();
        let differs =
            |(key, value): &(&&'static str, &String)| config.get(key).is_ok_and(|now| now != **value);
        self.trial.keys.iter().filter(differs).map(|(key, value)| (*key, value.clone())).collect()
    }

    /// Whether the tricks are shown.
    pub(super) fn in_tricks(&self, run: &Run) -> bool {
        self.trick.is_some() && tricks(run).is_some()
    }

    /// Asks for all completions to be scored under these rules.
    pub(super) fn try_out(&self) -> Effect {
        Effect::Rescore(Box::new(self.trial.clone()))
    }

    /// Finds the named parts of the rewards, as the newest group has them.
    pub(super) fn find_parts(&mut self, context: &Context<'_>) {
        let newest = context.store.completions.groups().last();
        let records = newest.into_iter().flat_map(|group| &group.entries).map(|entry| &entry.record);
        for name in records.filter_map(|record| record.rewards.as_ref()).flat_map(|parts| parts.keys()) {
            if self.parts.len() < MOST_PARTS && !self.parts.contains(name) {
                self.parts.insert(name.clone());
            }
        }
    }

    /// Carries out an action; returns the effects outside the screen.
    pub(super) fn act(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let run = context.store;
        let last = self.rules().len() - 1;
        match action {
            Action::Up => self.at = self.at.min(last).saturating_sub(1),
            Action::Down => self.at = (self.at + 1).min(last),
            Action::First => self.at = 0,
            Action::Last => self.at = last,
            Action::More | Action::Less => return self.nudge(action == Action::More, run),
            Action::Type => self.typed = Some(String::new()),
            Action::Input(character) => {
                if let Some(typed) = self.typed.as_mut().filter(|typed| typed.len() < LONGEST) {
                    typed.push(character);
                }
            }
            Action::Erase => drop(self.typed.as_mut().and_then(String::pop)),
            Action::Cancel => self.typed = None,
            Action::Accept => {
                let typed = self.typed.take().unwrap_or_default();
                return if typed.trim().is_empty() { Vec::new() } else { self.set(&typed, run) };
            }
            Action::Undo => {
                self.trial = Trial::default();
                return vec![self.try_out()];
            }
            Action::Apply => return self.apply(run),
            Action::Tricks => {
                self.trick = if self.in_tricks(run) { None } else { tricks(run).map(|_| 0) };
            }
            Action::Read => {
                let key = context.listing.key();
                return key.map(Effect::Read).into_iter().collect();
            }
            Action::Next | Action::Previous if self.in_tricks(run) => {
                self.turn_trick(if action == Action::Next { 1 } else { -1 }, run);
            }
            Action::Click { column, row } => self.click(Position { x: column, y: row }, context, hits),
            _ => self.go(action, context.listing, run),
        }
        Vec::new()
    }

    fn turn_trick(&mut self, by: isize, run: &Run) {
        let last = tricks(run).map_or(0, |family| family.tricks.len()).saturating_sub(1);
        self.trick = self.trick.map(|at| at.saturating_add_signed(by).min(last));
    }

    /// Moves among the completions.
    fn go(&mut self, action: Action, list: &mut Listing, run: &Run) {
        let all = &run.completions;
        list.settle(all);
        self.trick = None;
        match action {
            Action::Next => list.move_rows(1, all),
            Action::Previous => list.move_rows(-1, all),
            Action::NextStep => list.turn_step(true, all),
            Action::PreviousStep => list.turn_step(false, all),
            Action::NextChange | Action::PreviousChange => {
                let from = list.key().unwrap_or(Key { step: 0, group: 0, index: 0 });
                let place = run.rescoring.place(from);
                let to = if action == Action::NextChange {
                    run.rescoring.changes(place).map(|(key, _)| key).find(|key| *key > from)
                } else {
                    place.checked_sub(1).and_then(|at| Some(run.rescoring.changes(at).next()?.0))
                };
                if let Some(key) = to {
                    list.show(key, all);
                }
            }
            _ => {}
        }
    }

    fn click(&mut self, at: Position, context: &mut Context<'_>, hits: &Hits) {
        if hits.rules.contains(at) {
            let rule = hits.first_rule + usize::from(at.y - hits.rules.y);
            self.at = rule.min(self.rules().len() - 1);
        } else if hits.list.contains(at) {
            let place = hits.first + usize::from(at.y - hits.list.y);
            if self.in_tricks(context.store) {
                self.trick = Some(place);
                self.turn_trick(0, context.store);
            } else if let Some((key, _)) = context.store.rescoring.changes(place).next() {
                context.listing.show(key, &context.store.completions);
            }
        }
    }

    /// A larger or smaller value of the rule, the next word or the word before.
    fn nudge(&mut self, up: bool, run: &Run) -> Vec<Effect> {
        let rule = self.rule();
        let config = self.trial.applied(&run.config().cloned().unwrap_or_default());
        let now = Self::value(&rule, &config, &self.trial);
        let allowed = match &rule {
            Rule::Key(key) => Config::key(key).map(|key| key.allowed()).ok(),
            Rule::Weight(_) => Some(Allowed::Number(WEIGHTS)),
        };
        let next = match allowed {
            Some(Allowed::OneOf(words)) => {
                let at = words.iter().position(|word| word.name == now).unwrap_or_default();
                let by = if up { 1 } else { words.len() - 1 };
                words[(at + by) % words.len()].name.to_owned()
            }
            Some(Allowed::Number(bounds)) => {
                let tenths = (now.parse::<f64>().unwrap_or_default() * 10.0).round();
                let value = (tenths + if up { 1.0 } else { -1.0 }) / 10.0;
                value.clamp(*bounds.start(), *bounds.end()).to_string()
            }
            _ => return Vec::new(),
        };
        self.set(&next, run)
    }

    /// Gives the rule under the cursor this value, and scores everything again; or says what it takes.
    fn set(&mut self, text: &str, run: &Run) -> Vec<Effect> {
        match self.rule() {
            Rule::Key(key) => {
                let run = run.config().cloned().unwrap_or_default();
                let mut config = run.clone();
                if let Err(error) = config.set(key, text) {
                    return vec![Effect::Say(Level::Warning, error.to_string())];
                }
                let value = config.get(key).unwrap_or_default();
                match run.get(key).is_ok_and(|now| now == value) {
                    true => self.trial.keys.remove(key),
                    false => self.trial.keys.insert(key, value),
                };
            }
            Rule::Weight(part) => match text.trim().parse::<f64>().ok().filter(|it| WEIGHTS.contains(it)) {
                Some(1.0) => drop(self.trial.weights.remove(&part)),
                Some(weight) => drop(self.trial.weights.insert(part, weight)),
                None => {
                    let (least, most) = (WEIGHTS.start(), WEIGHTS.end());
                    let sentence = format!("A weight is a number from {least} to {most}.");
                    return vec![Effect::Say(Level::Warning, sentence)];
                }
            },
        }
        vec![self.try_out()]
    }

    /// Sends what was changed to the run, or says why that cannot be.
    fn apply(&self, run: &Run) -> Vec<Effect> {
        let keys = self.edited_keys(run);
        if let Some(refusal) = run.refusal(Capability::Set) {
            return Effect::info(refusal);
        }
        if keys.is_empty() {
            return Effect::info(match self.trial.weights.is_empty() {
                true => "no rule was changed: Enter changes one",
                false => {
                    "weights belong to the engine of this run: set them there; they can be tried here only"
                }
            });
        }
        vec![Effect::Set(keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())]
    }
}
