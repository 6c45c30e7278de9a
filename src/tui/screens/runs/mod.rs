//! The Runs screen: all runs of the folder of runs; which to open, to compare and to fork.

mod action;
mod compared;
mod fork;
mod order;
mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use self::{
    action::{Action, KEYS},
    state::{Hits, Runs},
};
use super::{Context, Gesture, Pointer, Scene, Screen, TypedKey};
use crate::tui::shell::{effect::Effect, keys::KeyRow};

impl Screen for Runs {
    const NAME: &'static str = "Runs";
    const ABOUT: &'static str = "all runs of the folder: open, compare and fork them";
    const SHORTCUT: Option<char> = None;

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        let here = self.here(scene.shelf);
        match action {
            Action::Open | Action::Mark => here.is_some(),
            Action::Name | Action::Tags | Action::Note | Action::Delete => {
                here.is_some_and(|run| run.engine.is_none())
            }
            Action::Fork => here.is_some_and(|run| run.engine.is_none() && !run.checkpoints.is_empty()),
            Action::Compare => self.marked_of(scene.shelf).len() > 1 || self.is_comparing(),
            Action::Sort | Action::Lineage | Action::Search => !scene.shelf.runs().is_empty(),
            _ => true,
        }
    }

    fn typing(&self) -> Option<TypedKey<Action>> {
        self.is_typing().then_some(action::typing_action)
    }

    fn mouse(&self, Pointer { what, column, row }: Pointer) -> Option<Action> {
        Some(match what {
            Gesture::Drag => return None,
            Gesture::Click => Action::Click { column, row },
            Gesture::Up => Action::Up,
            Gesture::Down => Action::Down,
        })
    }

    fn take_over(&mut self, hits: &Hits) {
        self.top = hits.top;
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.act(action, context.shelf, hits)
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }

    fn enter(&mut self, _: &mut Context<'_>) -> Vec<Effect> {
        vec![Effect::ReadShelf]
    }
}
