//! The Search screen: one completion as the tree of states it explored, beside all possible states.

mod action;
mod figures;
mod outline;
mod rows;
mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use self::{
    action::{Action, KEYS},
    state::{Hits, Search},
};
use super::{Context, Gesture, Pointer, Scene, Screen, handout::Handout, listing::Needle};
use crate::tui::{
    shell::{effect::Effect, keys::KeyRow},
    store::completions::Key,
};

impl Search {
    /// Shows the completion that is selected in the list.
    fn show_selected(&mut self, context: &mut Context<'_>) {
        let all = &context.store.completions;
        context.listing.settle(all);
        self.show(context.listing.selected(all));
    }
}

impl Screen for Search {
    const NAME: &'static str = "Search";
    const ABOUT: &'static str = "the states that a completion explored";

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, _: &Scene<'_>, _: &Hits) -> bool {
        // Without a tree there is nothing to move through.
        let of_the_tree =
            matches!(action, Action::Reveal | Action::NextPassed | Action::PreviousPassed | Action::Figures);
        !of_the_tree || !self.is_empty()
    }

    fn mouse(&self, Pointer { what, column, row }: Pointer) -> Option<Action> {
        Some(match what {
            Gesture::Click => Action::Click { column, row },
            Gesture::Drag => return None,
            Gesture::Up => Action::Up,
            Gesture::Down => Action::Down,
        })
    }

    fn take_over(&mut self, hits: &Hits) {
        if let Some(top) = hits.top {
            self.top = top;
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let all = &context.store.completions;
        let list = &mut *context.listing;
        list.settle(all);
        match action {
            Action::NextCompletion => list.move_rows(1, all),
            Action::PreviousCompletion => list.move_rows(-1, all),
            Action::Read => {
                let shown = self.record().map(|record| Key::of(record));
                return shown.or(list.key()).map(Effect::Read).into_iter().collect();
            }
            Action::NextStep => list.turn_step(true, all),
            Action::PreviousStep => list.turn_step(false, all),
            _ => {
                self.act(action, hits);
                return Vec::new();
            }
        }
        self.show_selected(context);
        Vec::new()
    }

    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>, _: &Hits) -> bool {
        let all = &context.store.completions;
        context.listing.settle(all);
        let found = context.listing.seek(needle, forward, all);
        self.show_selected(context);
        found
    }

    fn under_cursor(&self, scene: &Scene<'_>, _: &Hits) -> Option<Handout> {
        let shown = self.record().map(Handout::of_record);
        shown.or_else(|| scene.listing.entry(&scene.store.completions).map(Handout::of))
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }

    fn enter(&mut self, context: &mut Context<'_>) -> Vec<Effect> {
        self.show_selected(context);
        Vec::new()
    }

    fn refresh(&mut self, context: &mut Context<'_>) {
        // The tree stays until the screen is entered again or another completion is requested.
        if self.is_empty() {
            self.show_selected(context);
        }
    }
}
