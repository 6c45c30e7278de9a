//! The Rewards screen: why a completion earns what it does, and what all of them would earn under other rules.

mod action;
mod lists;
mod state;
mod view;
mod why;

use ratatui::{Frame, layout::Rect};

use self::{action::typing_action, state::tricks};
pub use self::{
    action::{Action, KEYS},
    state::{Hits, Rewards},
};
use super::{Context, Gesture, Pointer, Scene, Screen, TypedKey, handout::Handout, listing::Needle};
use crate::{
    protocol::Capability,
    tui::shell::{effect::Effect, keys::KeyRow},
};

impl Screen for Rewards {
    const NAME: &'static str = "Rewards";
    const ABOUT: &'static str = "why this reward, and what other rules would pay";
    const SHORTCUT: Option<char> = Some('W');

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        let run = scene.store;
        match action {
            Action::Undo => self.is_edited(run),
            Action::Apply => self.is_edited(run) && scene.obeyed && run.can(Capability::Set),
            Action::NextChange | Action::PreviousChange => run.rescoring.effect().changed > 0,
            Action::Next | Action::Previous if self.in_tricks(run) => true,
            Action::Next | Action::Previous | Action::NextStep | Action::PreviousStep | Action::Read => {
                !run.completions.is_empty()
            }
            Action::Tricks => tricks(run).is_some(),
            _ => true,
        }
    }

    fn typing(&self) -> Option<TypedKey<Action>> {
        self.typed.is_some().then_some(typing_action)
    }

    fn mouse(&self, Pointer { what, column, row }: Pointer) -> Option<Action> {
        Some(match what {
            Gesture::Click => Action::Click { column, row },
            Gesture::Drag => return None,
            Gesture::Up => Action::Previous,
            Gesture::Down => Action::Next,
        })
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.act(action, context, hits)
    }

    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>, _: &Hits) -> bool {
        let all = &context.store.completions;
        context.listing.settle(all);
        self.trick = None;
        context.listing.seek(needle, forward, all)
    }

    fn under_cursor(&self, scene: &Scene<'_>, _: &Hits) -> Option<Handout> {
        let run = scene.store;
        match (self.trick, tricks(run)) {
            (Some(at), Some(family)) => family.tricks.get(at).map(|trick| Handout::Text {
                name: format!("aha-trick-{}", at + 1),
                text: format!("{}\n{}", trick.name, trick.completion),
            }),
            _ => scene.listing.entry(&run.completions).map(Handout::of),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }

    fn enter(&mut self, context: &mut Context<'_>) -> Vec<Effect> {
        let begun = context.store.rescoring.rescorer().is_some();
        if begun { Vec::new() } else { vec![self.try_out()] }
    }

    fn refresh(&mut self, context: &mut Context<'_>) {
        context.listing.settle(&context.store.completions);
        self.find_parts(context);
    }
}
