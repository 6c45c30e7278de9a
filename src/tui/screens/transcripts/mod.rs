//! The Transcripts screen: every completion of a run by step and group, to filter, search and read. A frame draws
//! only the rows and lines on screen.

mod action;
mod detail;
mod state;
mod thoughts;
mod view;
mod view_detail;
mod writer;

use ratatui::{Frame, layout::Rect};

pub use self::{
    action::{Action, KEYS, typing_action},
    state::{Focus, Hits, Transcripts},
};
use super::{Context, Gesture, Pointer, Scene, Screen, TypedKey, handout::Handout};
use crate::tui::{
    panels::Panel,
    shell::{effect::Effect, keys::KeyRow},
    store::completions::Key,
};

impl Screen for Transcripts {
    const NAME: &'static str = "Transcripts";
    const ABOUT: &'static str = "every completion";

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, _: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        !scene.store.completions.is_empty()
    }

    fn typing(&self) -> Option<TypedKey<Action>> {
        self.search.typing.then_some(typing_action)
    }

    fn mouse(&self, Pointer { what, column, row }: Pointer) -> Option<Action> {
        Some(match what {
            Gesture::Click => Action::Click { column, row },
            Gesture::Drag => Action::Drag { column, row },
            Gesture::Up | Gesture::Down => Action::Wheel { column, row, down: what == Gesture::Down },
        })
    }

    fn take_over(&mut self, hits: &Hits) {
        self.keep_scrolled(hits);
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.act(action, context, hits)
    }

    fn under_cursor(&self, scene: &Scene<'_>, _: &Hits) -> Option<Handout> {
        scene.listing.entry(&scene.store.completions).map(Handout::of)
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }

    fn focus(&self) -> Option<Panel> {
        Some(if self.focus() == Focus::Detail { Panel::Transcript } else { Panel::List })
    }

    fn refresh(&mut self, context: &mut Context<'_>) {
        context.listing.settle(&context.store.completions);
        self.follow_selection(context.listing);
    }

    fn read(&mut self, key: Key, context: &mut Context<'_>) -> bool {
        self.open(key, context)
    }
}
