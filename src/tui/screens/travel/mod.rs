//! The Travel screen: a pinned puzzle's answers at two steps of the run, side by side.

mod action;
mod difference;
mod head;
mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use self::{
    action::{Action, KEYS, typing_action},
    difference::{Word, differences},
    state::{End, Hits, Travel, puzzle_of},
};
use super::{Context, Gesture, Pointer, Scene, Screen, TypedKey, handout::Handout, listing::Needle};
use crate::tui::shell::{effect::Effect, keys::KeyRow};

impl Screen for Travel {
    const NAME: &'static str = "Travel";
    const ABOUT: &'static str = "pinned puzzles then and now";

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        match action {
            Action::Type => scene.obeyed,
            other => self.moves(other, &scene.store.pins),
        }
    }

    fn typing(&self) -> Option<TypedKey<Action>> {
        self.typed.is_some().then_some(typing_action)
    }

    fn mouse(&self, pointer: Pointer) -> Option<Action> {
        match pointer.what {
            Gesture::Up => Some(Action::Up),
            Gesture::Down => Some(Action::Down),
            Gesture::Click => Some(Action::Click { column: pointer.column, row: pointer.row }),
            Gesture::Drag => None,
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.act(action, context.store, hits)
    }

    fn seek(&mut self, _: &Needle, forward: bool, _: &mut Context<'_>, hits: &Hits) -> bool {
        let Some((before, after)) = hits.found else { return false };
        self.top = (if forward { after } else { before }).min(hits.rest);
        true
    }

    fn under_cursor(&self, scene: &Scene<'_>, _: &Hits) -> Option<Handout> {
        let answer = self.answer(self.moving, &scene.store.pins)?;
        let name = format!("aha-answer-{}", answer.step);
        Some(Handout::Text { name, text: format!("step {}\n{}", answer.step, answer.completion) })
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }
}
