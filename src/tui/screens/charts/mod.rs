//! The Charts screen: panels of any metrics that a run has, as a person arranges them.

mod action;
mod choosing;
mod draw_panel;
mod layout;
mod reading;
mod seeds;
mod stage;
mod state;
mod unit;
mod view;
mod window;

use ratatui::{Frame, layout::Rect};

use self::action::typing_action;
pub use self::{
    action::{Action, KEYS},
    layout::{ChartLayout, ChartPanel, MOST_METRICS, MOST_PANELS},
    state::{Charts, Hits},
    unit::Unit,
};
use super::{Context, Gesture, Movement, Pointer, Scene, Screen, TypedKey};
use crate::tui::shell::{effect::Effect, keys::KeyRow};

impl Screen for Charts {
    const NAME: &'static str = "Charts";
    const ABOUT: &'static str = "panels of any metrics, as you arrange them";
    const SHORTCUT: Option<char> = Some('C');

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        let panels = scene.layout.panels().len();
        match action {
            Action::Open => self.look.cross.is_some(),
            Action::Cross(_) | Action::Leap(_) | Action::CrossEnd { .. } | Action::Zoom { .. } => {
                panels > 0 && !scene.store.history.steps().is_empty()
            }
            Action::Whole | Action::Pan { .. } => self.look.window.is_some(),
            Action::Select(_) | Action::Shift(_) => panels > 1,
            Action::Full | Action::AddTo | Action::Remove | Action::Log => panels > 0,
            Action::Seeds => !scene.runs.is_single(),
            _ => true,
        }
    }

    fn typing(&self) -> Option<TypedKey<Action>> {
        self.choosing.is_some().then_some(typing_action)
    }

    fn mouse(&self, pointer: Pointer) -> Option<Action> {
        let Pointer { what, column, row } = pointer;
        Some(match what {
            Gesture::Drag => Action::Move(Movement { drags: true, column, row }),
            _ => Action::Point(pointer),
        })
    }

    fn moved(&self, movement: Movement) -> Option<Action> {
        Some(Action::Move(movement))
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        self.act(action, context, hits)
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }
}
