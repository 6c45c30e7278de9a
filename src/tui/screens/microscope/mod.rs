//! The Microscope: one group of one GRPO step, phase by phase and token by token.

mod action;
mod group_rows;
mod lens;
mod read_out;
mod result;
mod sentence;
mod state;
mod tokens;
mod view;

use ratatui::{Frame, layout::Rect};

pub use self::{
    action::{Action, KEYS},
    lens::Lens,
    sentence::{Stage, sentence},
    state::{Hits, Microscope},
};
use super::{Context, Gesture, Pointer, Scene, Screen, handout::Handout, listing::Needle};
use crate::tui::{
    panels::Panel,
    shell::{effect::Effect, keys::KeyRow},
};

impl Screen for Microscope {
    const NAME: &'static str = "Microscope";
    const ABOUT: &'static str = "one group of a step, token by token";

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, _: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        self.place(&scene.store.groups).is_some()
    }

    fn mouse(&self, Pointer { what, column, row }: Pointer) -> Option<Action> {
        match what {
            Gesture::Click => Some(Action::Click { column, row }),
            Gesture::Up => Some(Action::Up),
            Gesture::Down => Some(Action::Down),
            Gesture::Drag => None,
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let was_open = self.open;
        self.act(action, &context.store.groups, hits);
        match action {
            Action::Back if was_open => vec![Effect::Dismiss],
            Action::Back => vec![Effect::Back],
            _ => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        scene.panels.note(Panel::Group, area);
        view::draw(frame, area, self, scene)
    }

    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>, _: &Hits) -> bool {
        Microscope::seek(self, needle, forward, &context.store.groups)
    }

    fn under_cursor(&self, scene: &Scene<'_>, _: &Hits) -> Option<Handout> {
        let groups = &scene.store.groups;
        let rows = groups.rows(self.place(groups)?);
        rows.get(self.row.min(rows.len().saturating_sub(1))).map(Handout::of_record)
    }

    fn look_at(&mut self, (step, group): (u64, usize), index: usize, context: &mut Context<'_>) -> bool {
        self.go_to_place((step, group), index, &context.store.groups);
        true
    }

    fn inspects(&self) -> Option<usize> {
        Some(self.group)
    }
}
