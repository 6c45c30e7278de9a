//! The Frontier screen: the accuracy that thinking buys, before and after training.

mod action;
mod chart;
mod curves;
mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use self::{
    action::{Action, KEYS},
    curves::{Axis, Curve, Kind, Spot},
    state::{Frontier, Shown},
};
use super::{Context, Gesture, Pointer, Scene, Screen};
use crate::tui::{
    panels::Panel,
    shell::{effect::Effect, keys::KeyRow, question::Question},
};

impl Screen for Frontier {
    const NAME: &'static str = "Frontier";
    const ABOUT: &'static str = "the accuracy that thinking buys";

    type Action = Action;
    type Hits = ();

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, (): &()) -> bool {
        action == Action::Measure || !scene.store.measurements.is_empty()
    }

    fn mouse(&self, pointer: Pointer) -> Option<Action> {
        match pointer.what {
            Gesture::Up => Some(Action::Left),
            Gesture::Down => Some(Action::Right),
            Gesture::Click | Gesture::Drag => None,
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, (): &()) -> Vec<Effect> {
        let measured = &context.store.measurements;
        self.act(action, measured);
        match action {
            Action::Measure if measured.is_measuring() => vec![Effect::Confirm(Question {
                words: "Cancel the measurement? Finished parts are kept.",
                keys: "y cancels it, any other key does not",
                then: Box::new(Effect::GiveUpMeasurement),
            })],
            Action::Measure => vec![Effect::Measure],
            _ => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
        scene.panels.note(Panel::Frontier, area);
        view::draw(frame.buffer_mut(), area, &self.shown(&scene.store.measurements), scene.theme);
    }
}
