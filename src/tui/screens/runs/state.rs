//! Where a person is on the Runs screen.

use std::path::PathBuf;

use ratatui::layout::{Position, Rect};

use super::{
    action::Action,
    fork,
    order::{Listed, Sort, listed},
};
use crate::{
    runs::{
        notes::{Notes, tags_in},
        overview::{Overview, RunState},
    },
    tui::{
        shell::{effect::Effect, message::Level, question::Question},
        store::shelf::Shelf,
    },
};

/// The longest line that can be typed.
const LONGEST: usize = 200;

/// The Runs screen.
#[derive(Debug, Default)]
pub struct Runs {
    /// The folder of the run under the cursor; the first run where it is not listed.
    cursor: Option<PathBuf>,
    pub(super) top: usize,
    pub(super) sort: Sort,
    pub(super) by_lineage: bool,
    compares: bool,
    marked: Vec<PathBuf>,
    /// What the listed runs have.
    words: String,
    typed: Option<Typed>,
}

/// What is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// What the listed runs must have.
    Words,
    /// A fork of the run in this folder.
    Fork(PathBuf, String),
    /// What a person says of the run in this folder.
    Said(Part, PathBuf, String),
}

/// A part of what a person says of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The name that they give it.
    Name,
    /// The tags.
    Tags,
    /// The note.
    Note,
}

impl Part {
    /// As it stands.
    fn of(self, notes: &Notes) -> String {
        match self {
            Self::Name => notes.name.clone(),
            Self::Tags => notes.tags.join(", "),
            // One line is typed here; a note of several is written on the command line or in its file.
            Self::Note => notes.note.replace('\n', " "),
        }
    }

    fn put(self, notes: &mut Notes, text: &str) {
        match self {
            Self::Name => notes.name = text.trim().to_owned(),
            Self::Tags => notes.tags = tags_in(text),
            Self::Note => notes.note = text.trim().to_owned(),
        }
    }
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    /// The rows of the runs.
    pub(super) list: Rect,
    /// The first run shown.
    pub(super) top: usize,
}

impl Runs {
    /// The runs as they are listed.
    pub(super) fn listed<'a>(&self, shelf: &'a Shelf) -> Vec<Listed<'a>> {
        listed(shelf.runs(), &self.words, self.sort, self.by_lineage)
    }

    /// The place of the run under the cursor among those that are listed.
    pub(super) fn place(&self, listed: &[Listed<'_>]) -> usize {
        let known = self.cursor.as_ref();
        known.and_then(|path| listed.iter().position(|listed| listed.run.path == *path)).unwrap_or(0)
    }

    /// The run under the cursor.
    pub(super) fn here<'a>(&self, shelf: &'a Shelf) -> Option<&'a Overview> {
        let listed = self.listed(shelf);
        listed.get(self.place(&listed)).map(|listed| listed.run)
    }

    /// The marked runs that are still there, in the order in which they were marked.
    pub(super) fn marked_of<'a>(&self, shelf: &'a Shelf) -> Vec<&'a Overview> {
        self.marked.iter().filter_map(|path| shelf.at(path)).collect()
    }

    pub(super) fn is_marked(&self, run: &Overview) -> bool {
        self.marked.contains(&run.path)
    }

    /// Whether it is shown how runs differ.
    pub(super) fn is_comparing(&self) -> bool {
        self.compares
    }

    pub(super) fn is_typing(&self) -> bool {
        self.typed.is_some()
    }

    pub(super) fn typed(&self) -> Option<&Typed> {
        self.typed.as_ref()
    }

    /// What the listed runs have.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    pub(super) fn act(&mut self, action: Action, shelf: &Shelf, hits: &Hits) -> Vec<Effect> {
        match action {
            Action::Input(_) | Action::Erase | Action::Accept | Action::Cancel => {
                return self.type_key(action, shelf);
            }
            Action::Open => return self.open(shelf),
            Action::Read => return vec![Effect::ReadShelf],
            Action::Mark => self.mark(shelf),
            Action::Sort => self.sort = self.sort.next(),
            Action::Lineage => self.by_lineage = !self.by_lineage,
            Action::Compare => return self.compare(shelf),
            Action::Search => self.typed = Some(Typed::Words),
            Action::Fork => return self.begin_fork(shelf),
            Action::Name => return self.begin_note(Part::Name, shelf),
            Action::Tags => return self.begin_note(Part::Tags, shelf),
            Action::Note => return self.begin_note(Part::Note, shelf),
            Action::Delete => return self.delete(shelf),
            _ => self.go(action, shelf, hits),
        }
        Vec::new()
    }

    fn go(&mut self, action: Action, shelf: &Shelf, hits: &Hits) {
        let listed = self.listed(shelf);
        let (last, page) = (listed.len().saturating_sub(1), usize::from(hits.list.height).max(2) - 1);
        let here = self.place(&listed);
        let to = match action {
            Action::Up => here.saturating_sub(1),
            Action::Down => (here + 1).min(last),
            Action::PageUp => here.saturating_sub(page),
            Action::PageDown => (here + page).min(last),
            Action::First => 0,
            Action::Last => last,
            Action::Click { column, row } if hits.list.contains(Position { x: column, y: row }) => {
                (hits.top + usize::from(row - hits.list.y)).min(last)
            }
            _ => here,
        };
        self.cursor = listed.get(to).map(|listed| listed.run.path.clone());
    }

    fn open(&self, shelf: &Shelf) -> Vec<Effect> {
        let marked: Vec<PathBuf> = self.marked_of(shelf).into_iter().map(|run| run.path.clone()).collect();
        match (marked.is_empty(), self.here(shelf)) {
            (false, _) => vec![Effect::Open(marked)],
            (true, Some(run)) => vec![Effect::Open(vec![run.path.clone()])],
            (true, None) => Effect::info("there is no run to open"),
        }
    }

    fn mark(&mut self, shelf: &Shelf) {
        let Some(path) = self.here(shelf).map(|run| run.path.clone()) else { return };
        match self.marked.iter().position(|marked| *marked == path) {
            Some(place) => drop(self.marked.remove(place)),
            None => self.marked.push(path),
        }
        self.go(Action::Down, shelf, &Hits::default());
    }

    fn compare(&mut self, shelf: &Shelf) -> Vec<Effect> {
        if !self.compares && self.marked_of(shelf).len() < 2 {
            return Effect::info("mark two runs or more (m) to compare them");
        }
        self.compares = !self.compares;
        Vec::new()
    }

    fn begin_fork(&mut self, shelf: &Shelf) -> Vec<Effect> {
        match self.here(shelf) {
            Some(run) if run.engine.is_some() => Effect::info("only a run of this program can be forked"),
            Some(run) if run.checkpoints.is_empty() => {
                Effect::info("this run has no checkpoint to fork from")
            }
            Some(run) => {
                self.typed = Some(Typed::Fork(run.path.clone(), fork::beginning(run)));
                Vec::new()
            }
            None => Effect::info("there is no run to fork"),
        }
    }

    fn begin_note(&mut self, part: Part, shelf: &Shelf) -> Vec<Effect> {
        match self.here(shelf) {
            Some(run) if run.engine.is_some() => {
                Effect::info("only runs of this program take names and notes")
            }
            Some(run) => {
                self.typed = Some(Typed::Said(part, run.path.clone(), part.of(&run.notes)));
                Vec::new()
            }
            None => Effect::info("there is no run here"),
        }
    }

    fn delete(&self, shelf: &Shelf) -> Vec<Effect> {
        match self.here(shelf) {
            Some(run) if run.engine.is_some() => {
                Effect::info("only a run of this program is deleted from here")
            }
            Some(run) if run.state == RunState::Live => Effect::info("this run is running; end it first"),
            Some(run) => vec![Effect::Confirm(Question::delete_run(run.path.clone()))],
            None => Effect::info("there is no run to delete"),
        }
    }

    fn type_key(&mut self, action: Action, shelf: &Shelf) -> Vec<Effect> {
        let Some(typed) = &mut self.typed else { return Vec::new() };
        let text = match typed {
            Typed::Words => &mut self.words,
            Typed::Fork(_, text) | Typed::Said(_, _, text) => text,
        };
        match action {
            Action::Input(character) if text.len() + character.len_utf8() <= LONGEST => text.push(character),
            Action::Erase => drop(text.pop()),
            Action::Cancel => {
                if *typed == Typed::Words {
                    self.words.clear();
                }
                self.typed = None;
            }
            Action::Accept => return self.accept(shelf),
            _ => {}
        }
        Vec::new()
    }

    fn accept(&mut self, shelf: &Shelf) -> Vec<Effect> {
        let run = match &self.typed {
            Some(Typed::Fork(path, _) | Typed::Said(_, path, _)) => shelf.at(path),
            _ => None,
        };
        let meant = match (&self.typed, run) {
            (Some(Typed::Fork(_, text)), Some(run)) => {
                fork::read(run, text).map(|fork| Effect::Fork(Box::new(fork)))
            }
            (Some(Typed::Said(part, _, text)), Some(run)) => {
                let mut notes = run.notes.clone();
                part.put(&mut notes, text);
                let checked = notes.check().map_err(|error| error.to_string());
                checked.map(|()| Effect::Note(run.path.clone(), Box::new(notes)))
            }
            (Some(Typed::Fork(..) | Typed::Said(..)), None) => {
                Ok(Effect::Say(Level::Info, "that run is not there any more".to_owned()))
            }
            _ => {
                self.typed = None;
                return Vec::new();
            }
        };
        match meant {
            Ok(effect) => {
                self.typed = None;
                vec![effect]
            }
            // What was typed stays, to be mended.
            Err(why) => Effect::info(why),
        }
    }
}
