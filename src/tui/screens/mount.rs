//! A screen of any action type, as the shell holds it.

use std::{
    any::Any,
    fmt::{self, Debug},
};

use ratatui::{
    Frame,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Rect,
};

use super::{Context, Movement, Pointer, Scene, Screen, Subject, handout::Handout, listing::Needle};
use crate::tui::{
    panels::Panel,
    shell::{
        effect::Effect,
        grammar::Meaning,
        keys::{KeyRow, lookup},
    },
    store::completions::Key,
};

/// Where a frame of some screen put things.
pub struct Hits(Box<dyn Any>);

impl Debug for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hits")
    }
}

/// A row of the key table of some screen.
#[derive(Debug, Clone, Copy)]
pub struct ScreenRow {
    /// A key that does it.
    pub key: KeyEvent,
    /// Its keys as they are written.
    pub shown: &'static str,
    /// What they do.
    pub help: &'static str,
    /// Their meaning in the grammar, if they are reserved.
    pub meaning: Option<Meaning>,
}

/// A screen as the shell knows it.
pub trait AnyScreen: Debug {
    /// See [`Screen::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Screen::ABOUT`].
    fn about(&self) -> &'static str;
    /// See [`Screen::SHORTCUT`].
    fn shortcut(&self) -> Option<char>;
    /// See [`Screen::COMMANDS_FIRST`].
    fn commands_first(&self) -> bool;
    /// Its keys and what they do.
    fn keys(&self) -> Vec<(&'static str, &'static str)>;
    /// Every key of its table.
    fn chords(&self) -> Vec<KeyEvent>;
    /// Every row of its table, for whoever lists what can be done: a key that does it, its keys as they are written, and
    /// what they do.
    fn rows(&self) -> Vec<ScreenRow>;
    /// Its keys for the hint bar of this frame.
    fn hints(&self, scene: &Scene<'_>, hits: &Hits) -> Vec<(KeyEvent, &'static str, &'static str)>;
    /// Whether keys are text.
    fn captures_text(&self) -> bool;
    /// What a key does; `None` if it has no meaning here.
    fn key(&mut self, event: &KeyEvent, context: &mut Context<'_>) -> Option<Vec<Effect>>;
    /// Inserts pasted text while text is being typed.
    fn paste(&mut self, text: &str, context: &mut Context<'_>) -> Vec<Effect>;
    /// What the mouse does.
    fn mouse(&mut self, pointer: Pointer, context: &mut Context<'_>) -> Vec<Effect>;
    /// What a movement of the mouse does; `None` if nothing.
    fn moved(&mut self, movement: Movement, context: &mut Context<'_>) -> Option<Vec<Effect>>;
    /// See [`Screen::draw`].
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits;
    /// Keeps where the last frame put things.
    fn drawn(&mut self, hits: Hits);
    /// See [`Screen::enter`].
    fn enter(&mut self, context: &mut Context<'_>) -> Vec<Effect>;
    /// See [`Screen::refresh`].
    fn refresh(&mut self, context: &mut Context<'_>);
    /// See [`Screen::read`].
    fn read(&mut self, key: Key, context: &mut Context<'_>) -> bool;
    /// See [`Screen::look_at`].
    fn look_at(&mut self, place: (u64, usize), index: usize, context: &mut Context<'_>) -> bool;
    /// See [`Screen::show_subject`].
    fn show_subject(&mut self, subject: Subject, context: &mut Context<'_>) -> bool;
    /// See [`Screen::seek`].
    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>) -> bool;
    /// See [`Screen::under_cursor`].
    fn under_cursor(&self, scene: &Scene<'_>) -> Option<Handout>;
    /// See [`Screen::inspects`].
    fn inspects(&self) -> Option<usize>;
    /// See [`Screen::focus`].
    fn focus(&self) -> Option<Panel>;
    /// See [`Screen::has_message_line`].
    fn has_message_line(&self, rows: u16) -> bool;
    /// The screen itself.
    fn as_any(&self) -> &dyn Any;
    /// The screen itself, mutable.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// A screen, and where its last frame put things.
#[derive(Debug)]
struct Mounted<S: Screen> {
    screen: S,
    hits: S::Hits,
    /// Whether no action has followed the last frame.
    fresh: bool,
}

impl<S: Screen> Mounted<S> {
    fn update(&mut self, action: S::Action, context: &mut Context<'_>) -> Vec<Effect> {
        if std::mem::take(&mut self.fresh) {
            self.screen.take_over(&self.hits);
        }
        self.screen.update(action, context, &self.hits)
    }
}

/// A screen as it begins.
pub(super) fn mount<S: Screen>() -> Box<dyn AnyScreen> {
    Box::new(Mounted { screen: S::default(), hits: S::Hits::default(), fresh: false })
}

/// Most characters taken from a paste: text typed on a screen is short.
const LONGEST_PASTE: usize = 200;

impl<S: Screen> AnyScreen for Mounted<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn about(&self) -> &'static str {
        S::ABOUT
    }

    fn shortcut(&self) -> Option<char> {
        S::SHORTCUT
    }

    fn commands_first(&self) -> bool {
        S::COMMANDS_FIRST
    }

    fn keys(&self) -> Vec<(&'static str, &'static str)> {
        S::keys().iter().map(|row| (row.shown, row.help)).collect()
    }

    fn chords(&self) -> Vec<KeyEvent> {
        let chords = S::keys().iter().flat_map(|row| row.chords);
        chords.map(|chord| chord.event()).collect()
    }

    fn rows(&self) -> Vec<ScreenRow> {
        let row = |row: &KeyRow<S::Action>| {
            let key = row.chords.first()?.event();
            Some(ScreenRow { key, shown: row.shown, help: row.help, meaning: row.meaning })
        };
        S::keys().iter().filter_map(row).collect()
    }

    fn hints(&self, scene: &Scene<'_>, hits: &Hits) -> Vec<(KeyEvent, &'static str, &'static str)> {
        let hits = hits.0.downcast_ref().unwrap_or(&self.hits);
        let does =
            |row: &&KeyRow<S::Action>| !row.hint.is_empty() && self.screen.does(row.action, scene, hits);
        let hint = |row: &KeyRow<S::Action>| Some((row.chords.first()?.event(), row.shown, row.hint));
        S::keys().iter().filter(does).filter_map(hint).collect()
    }

    fn captures_text(&self) -> bool {
        self.screen.typing().is_some()
    }

    fn key(&mut self, event: &KeyEvent, context: &mut Context<'_>) -> Option<Vec<Effect>> {
        let action = match self.screen.typing() {
            // All other keys are inactive meanwhile.
            Some(typed) => match typed(event) {
                Some(action) => action,
                None => return Some(Vec::new()),
            },
            None => lookup(S::keys(), event)?,
        };
        Some(self.update(action, context))
    }

    fn paste(&mut self, text: &str, context: &mut Context<'_>) -> Vec<Effect> {
        let typed = text.chars().filter(|character| !character.is_control()).take(LONGEST_PASTE);
        let mut effects = Vec::new();
        for character in typed {
            if self.captures_text() {
                let event = KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE);
                effects.extend(self.key(&event, context).unwrap_or_default());
            }
        }
        effects
    }

    fn mouse(&mut self, pointer: Pointer, context: &mut Context<'_>) -> Vec<Effect> {
        let asked = self.screen.mouse(pointer);
        asked.map(|action| self.update(action, context)).unwrap_or_default()
    }

    fn moved(&mut self, movement: Movement, context: &mut Context<'_>) -> Option<Vec<Effect>> {
        let action = self.screen.moved(movement)?;
        Some(self.update(action, context))
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        let area = area.intersection(frame.area());
        Hits(Box::new(self.screen.draw(frame, area, scene)))
    }

    fn drawn(&mut self, hits: Hits) {
        if let Ok(hits) = hits.0.downcast() {
            (self.hits, self.fresh) = (*hits, true);
        }
    }

    fn enter(&mut self, context: &mut Context<'_>) -> Vec<Effect> {
        self.screen.enter(context)
    }

    fn refresh(&mut self, context: &mut Context<'_>) {
        self.screen.refresh(context);
    }

    fn read(&mut self, key: Key, context: &mut Context<'_>) -> bool {
        self.screen.read(key, context)
    }

    fn look_at(&mut self, place: (u64, usize), index: usize, context: &mut Context<'_>) -> bool {
        self.screen.look_at(place, index, context)
    }

    fn show_subject(&mut self, subject: Subject, context: &mut Context<'_>) -> bool {
        self.screen.show_subject(subject, context)
    }

    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>) -> bool {
        if std::mem::take(&mut self.fresh) {
            self.screen.take_over(&self.hits);
        }
        self.screen.seek(needle, forward, context, &self.hits)
    }

    fn under_cursor(&self, scene: &Scene<'_>) -> Option<Handout> {
        self.screen.under_cursor(scene, &self.hits)
    }

    fn inspects(&self) -> Option<usize> {
        self.screen.inspects()
    }

    fn focus(&self) -> Option<Panel> {
        self.screen.focus()
    }

    fn has_message_line(&self, rows: u16) -> bool {
        S::has_message_line(rows)
    }

    fn as_any(&self) -> &dyn Any {
        &self.screen
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        &mut self.screen
    }
}
