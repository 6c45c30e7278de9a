//! The Playground: your own puzzle, two models side by side, and answers changed at one token.

mod action;
mod change;
mod form;
mod state;
mod view;
mod view_answers;

use ratatui::{Frame, layout::Rect};

pub use self::{
    action::{Action, KEYS, typing_action},
    form::{Entry, Field, Form},
    state::{Hits, Playground, Zone},
};
use super::{Context, Gesture, Pointer, Scene, Screen, TypedKey, handout::Handout, listing::Needle};
use crate::tui::{
    panels::Panel,
    shell::{effect::Effect, keys::KeyRow},
};

impl Screen for Playground {
    const NAME: &'static str = "Playground";
    const ABOUT: &'static str = "two models answer your own puzzle";

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        let desk = &scene.store.desk;
        match (self.zone, action) {
            (Zone::Form, Action::Play) => desk.known().is_some(),
            (Zone::Form, Action::Answer(side)) => !desk.panes[side].tokens.is_empty(),
            (Zone::Form, _) => !matches!(action, Action::Delete | Action::Wait),
            (Zone::Answer(_), _) => !matches!(
                action,
                Action::NextPuzzle | Action::PreviousPuzzle | Action::Answer(_) | Action::Play
            ),
        }
    }

    fn typing(&self) -> Option<TypedKey<Action>> {
        self.typed.is_some().then_some(typing_action)
    }

    fn mouse(&self, pointer: Pointer) -> Option<Action> {
        // The wheel moves through the tokens, but never changes a field.
        match (pointer.what, self.zone) {
            (Gesture::Up, Zone::Answer(_)) => Some(Action::Up),
            (Gesture::Down, Zone::Answer(_)) => Some(Action::Down),
            (Gesture::Click, _) => Some(Action::Click { column: pointer.column, row: pointer.row }),
            _ => None,
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.act(action, context, hits)
    }

    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>, _: &Hits) -> bool {
        Playground::seek(self, needle, forward, &context.store.desk)
    }

    fn under_cursor(&self, scene: &Scene<'_>, _: &Hits) -> Option<Handout> {
        let side = match self.zone {
            Zone::Answer(side) => side,
            Zone::Form => self.front,
        };
        let desk = &scene.store.desk;
        let text: String = desk.panes[side].tokens.iter().map(|token| token.text.as_str()).collect();
        let name = format!("aha-answer-{}", ["a", "b"][side.min(1)]);
        (!text.is_empty()).then(|| Handout::Text { name, text: format!("{}\n{text}", self.who(side, desk)) })
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }

    fn focus(&self) -> Option<Panel> {
        Some(if self.zone == Zone::Form { Panel::Form } else { Panel::Models })
    }

    fn enter(&mut self, _: &mut Context<'_>) -> Vec<Effect> {
        // Refreshes the list of models on entry.
        vec![Effect::Models]
    }

    fn refresh(&mut self, context: &mut Context<'_>) {
        self.follow(context.store);
    }
}
