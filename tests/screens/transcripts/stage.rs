//! The Transcripts screen with a run of its own, how a frame of it is told, and a person who presses keys.

use std::sync::Arc;

use aha_lab::{
    protocol::RunFacts,
    record::Rollout,
    tui::{
        panels::Panels,
        screens::{
            Context, Gesture, Looks, Pointer, Scene, Screen,
            charts::ChartLayout,
            listing::Listing,
            transcripts::{Action, Hits, KEYS, Transcripts as Listed, typing_action},
        },
        shell::{effect::Effect, keys::lookup, theme::Theme},
        store::{RunStore, completions::Completions, shelf::Shelf},
    },
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Rect,
};

use super::story;

/// The screen with a run of its own.
pub(super) struct Transcripts {
    pub(super) screen: Listed,
    pub(super) hits: Hits,
    pub(super) fresh: bool,
    pub(super) runs: RunStore,
    pub(super) shelf: Shelf,
    pub(super) listing: Listing,
    pub(super) looks: Looks,
    pub(super) layout: ChartLayout,
}

impl Transcripts {
    pub(super) fn new() -> Self {
        Self::with_capacity(1000)
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        let mut runs = RunStore::new(RunFacts::of_our_files(false), []);
        runs.shown_mut().completions = Completions::new(capacity);
        let (screen, hits, listing, looks, layout, shelf) = Default::default();
        Self { screen, hits, fresh: false, runs, shelf, listing, looks, layout }
    }

    pub(super) fn push(&mut self, record: Arc<Rollout>) {
        self.runs.shown_mut().completions.push(record);
    }

    pub(super) fn update(&mut self, action: Action) -> Option<Effect> {
        if std::mem::take(&mut self.fresh) {
            self.screen.take_over(&self.hits);
        }
        let (store, listing, shelf) = (self.runs.shown(), &mut self.listing, &self.shelf);
        let mut context = Context { store, listing, looks: &mut self.looks, layout: &mut self.layout, shelf };
        let effects = self.screen.update(action, &mut context, &self.hits);
        effects.into_iter().find(|effect| !matches!(effect, Effect::Dismiss | Effect::Back))
    }

    pub(super) fn draw(&mut self, area: Option<Rect>, theme: &Theme, width: u16, height: u16) -> Buffer {
        let store = self.runs.shown();
        let (listing, looks, layout) = (&mut self.listing, &mut self.looks, &mut self.layout);
        self.screen.refresh(&mut Context { store, listing, looks, layout, shelf: &self.shelf });
        let (runs, shelf, listing, looks) = (&self.runs, &self.shelf, &self.listing, self.looks);
        let panels = Panels::default();
        let scene = Scene {
            store,
            runs,
            shelf,
            listing,
            looks,
            layout: &self.layout,
            theme,
            message: None,
            obeyed: false,
            restartable: false,
            panels: &panels,
            needle: None,
        };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut hits = Hits::default();
        terminal
            .draw(|frame| {
                let area = area.unwrap_or(frame.area()).intersection(frame.area());
                hits = self.screen.draw(frame, area, &scene);
                let once = frame.buffer_mut().clone();
                self.screen.draw(frame, area, &scene);
                assert_eq!(*frame.buffer_mut(), once, "drawing changes nothing");
            })
            .unwrap();
        (self.hits, self.fresh) = (hits, true);
        terminal.backend().buffer().clone()
    }

    pub(super) fn point(&mut self, what: Gesture, column: u16, row: u16) {
        let action = self.screen.mouse(Pointer { what, column, row });
        let _ = action.map(|action| self.update(action));
    }

    pub(super) fn selected(&self) -> Option<&Arc<Rollout>> {
        self.listing.selected(&self.runs.shown().completions)
    }

    pub(super) fn captures_text(&self) -> bool {
        self.screen.typing().is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.runs.shown().completions.len()
    }
}

pub(super) fn draw(transcripts: &mut Transcripts, theme: &Theme, width: u16, height: u16) -> Buffer {
    transcripts.draw(None, theme, width, height)
}

pub(super) fn filled() -> Transcripts {
    let mut transcripts = Transcripts::new();
    for record in story::run(14, 4) {
        transcripts.push(record);
    }
    transcripts
}

pub(super) fn press(transcripts: &mut Transcripts, keys: &str) -> Option<Effect> {
    let mut effect = None;
    for character in keys.chars() {
        let code = match character {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            other => KeyCode::Char(other),
        };
        let event = KeyEvent::new(code, KeyModifiers::NONE);
        if transcripts.captures_text() {
            effect = typing_action(&event).and_then(|action| transcripts.update(action));
        } else if let Some(action) = lookup(KEYS, &event) {
            effect = transcripts.update(action);
        }
    }
    effect
}
