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
use super::{Context, Scene, Screen};
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

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.act(action, &context.store.groups, hits);
        if action == Action::Back { vec![Effect::Dismiss] } else { Vec::new() }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        scene.panels.note(Panel::Group, area);
        view::draw(frame, area, self, scene)
    }

    fn inspects(&self) -> Option<usize> {
        Some(self.group)
    }
}
