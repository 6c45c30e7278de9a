//! The state of the Charts screen, and how each action changes it.

use std::cell::RefCell;

use ratatui::layout::{Position, Rect};

use super::{
    action::Action,
    choosing::Choosing,
    layout::{ChartLayout, MOST_METRICS, MOST_PANELS},
    reading::nearest_step,
    unit::Across,
    view::Cached,
    window::{self, A_PAN, CLOSER, Range},
};
use crate::tui::{
    screens::{Context, Gesture, Movement, Pointer},
    shell::effect::Effect,
    store::{Run, completions::Key},
};

/// What of the state the panels are drawn from.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Look {
    /// The panel that keys go to.
    pub at: usize,
    /// Whether it is shown alone.
    pub full: bool,
    /// The part of the horizontal axis that is shown; `None` is all of it.
    pub window: Option<Range>,
    /// The step of the crosshair.
    pub cross: Option<u64>,
}

/// The Charts screen.
#[derive(Debug, Default)]
pub struct Charts {
    pub(super) look: Look,
    /// The list of metrics, where it is open.
    pub(super) choosing: Option<Choosing>,
    /// The column at which the mouse drags.
    grip: Option<u16>,
    pub(super) cached: RefCell<Option<Cached>>,
}

/// Where the last frame put things.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// The panels that are shown: the whole of each, its curves, and its place.
    pub(super) panels: Vec<(Rect, Rect, usize)>,
    /// The rows of the list of metrics, and which metric each one has.
    pub(super) rows: Vec<(Rect, usize)>,
    /// The whole horizontal axis.
    pub(super) whole: Range,
}

impl Hits {
    /// The panel at a place.
    fn panel(&self, at: Position) -> Option<usize> {
        self.panels.iter().find(|(area, ..)| area.contains(at)).map(|(.., place)| *place)
    }

    /// The curves at a place.
    fn plot(&self, at: Position) -> Option<Rect> {
        self.panels.iter().map(|(_, plot, _)| *plot).find(|plot| plot.contains(at))
    }
}

impl Charts {
    /// The panel that keys go to.
    pub(super) fn selected(&self, layout: &ChartLayout) -> usize {
        self.look.at.min(layout.panels().len().saturating_sub(1))
    }

    /// Carries out an action; returns the effects outside the screen.
    pub(super) fn act(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let run = context.store;
        let at = self.selected(context.layout);
        match action {
            Action::Cross(by) => self.step(by, run, context.layout, hits),
            Action::Leap(tenths) => self.leap(tenths, run, context.layout, hits),
            Action::CrossEnd { last } => {
                let steps = run.history.steps();
                let end = if last { steps.last() } else { steps.first() };
                self.cross_at(end.map(|step| step.step), run, context.layout, hits);
            }
            Action::Open => return self.open(run),
            Action::Zoom { closer } => {
                let about = self.cross_x(run, context.layout);
                self.zoom(closer, about.unwrap_or(f64::NAN), hits);
            }
            Action::Whole => self.look.window = None,
            Action::Pan { on } => {
                self.look.window = window::pan(self.look.window, hits.whole, if on { A_PAN } else { -A_PAN });
            }
            Action::Select(by) => {
                let last = context.layout.panels().len().saturating_sub(1);
                self.look.at = at.saturating_add_signed(by).min(last);
            }
            Action::Full => self.look.full = !self.look.full && !context.layout.panels().is_empty(),
            Action::Smoothing => {
                context.looks.smoothing = context.looks.smoothing.next();
                return match context.looks.smoothing.beta() {
                    0.0 => Effect::info("no smoothing"),
                    beta => Effect::info(format!("smoothing {beta}")),
                };
            }
            Action::Seeds => context.looks.seeds = !context.looks.seeds,
            Action::Leave => return self.leave(),
            Action::Input(_) | Action::Erase | Action::Choose(_) | Action::Accept | Action::Cancel => {
                return self.choose(action, context);
            }
            Action::Point(pointer) => return self.point(pointer, context, hits),
            Action::Move(movement) => self.follow(movement, context, hits),
            Action::Add | Action::AddTo | Action::Remove | Action::Shift(_) | Action::Log | Action::Unit => {
                return self.arrange(action, context);
            }
        }
        Vec::new()
    }

    /// Changes the layout.
    fn arrange(&mut self, action: Action, context: &mut Context<'_>) -> Vec<Effect> {
        let at = self.selected(context.layout);
        let layout = &mut *context.layout;
        let done = match action {
            Action::Add if layout.panels().len() >= MOST_PANELS => {
                return Effect::info(format!("{MOST_PANELS} panels are the most: d removes one"));
            }
            Action::AddTo if layout.panels().is_empty() => {
                return Effect::info("there is no panel: a adds one");
            }
            Action::Add | Action::AddTo => {
                self.choosing = Some(Choosing::new(action == Action::AddTo));
                return Vec::new();
            }
            Action::Remove => {
                self.look.full = false;
                layout.remove(at)
            }
            Action::Shift(by) => {
                let to = layout.shift(at, by);
                self.look.at = to;
                to != at
            }
            Action::Log => layout.turn_log(at).is_some(),
            _ => {
                layout.turn_unit();
                self.look.window = None;
                true
            }
        };
        if done { vec![Effect::KeepLayout] } else { Vec::new() }
    }

    /// Takes in what is typed in the list of metrics.
    fn choose(&mut self, action: Action, context: &mut Context<'_>) -> Vec<Effect> {
        let at = self.selected(context.layout);
        let Some(choosing) = &mut self.choosing else { return Vec::new() };
        match action {
            Action::Input(character) => choosing.input(character),
            Action::Erase => choosing.erase(),
            Action::Choose(by) => choosing.step(by, context.store),
            Action::Accept => {
                let Some(metric) = choosing.chosen(context.store) else { return Vec::new() };
                let onto = choosing.onto;
                self.choosing = None;
                if onto {
                    return match context.layout.turn_metric(at, metric) {
                        true => vec![Effect::KeepLayout],
                        false => Effect::info(format!(
                            "a panel has 1 to {MOST_METRICS} metrics: d removes a panel, a adds one"
                        )),
                    };
                }
                if let Some(place) = context.layout.add(metric, at) {
                    self.look.at = place;
                    return vec![Effect::KeepLayout];
                }
            }
            _ => self.choosing = None,
        }
        Vec::new()
    }

    /// The crosshair so many known steps on. Where there is none it begins at the last one.
    fn step(&mut self, by: i64, run: &Run, layout: &ChartLayout, hits: &Hits) {
        let steps = run.history.steps();
        let Some(here) = self.look.cross else {
            return self.cross_at(steps.last().map(|step| step.step), run, layout, hits);
        };
        let (after, before) = (here.saturating_add_signed(by.max(0)), here.saturating_add_signed(by.min(0)));
        let beside = if by > 0 { after } else { before };
        let to = if run.history.is_curve_only(here) || run.history.is_curve_only(beside) {
            Some(beside)
        } else {
            let at = steps.partition_point(|step| step.step < here);
            let is_there = steps.get(at).is_some_and(|step| step.step == here);
            let onward = if by > 0 && !is_there { by - 1 } else { by };
            let last = steps.len().saturating_sub(1);
            steps.get(at.saturating_add_signed(onward as isize).min(last)).map(|step| step.step)
        };
        self.cross_at(to, run, layout, hits);
    }

    /// The crosshair so many tenths of what is shown on.
    fn leap(&mut self, tenths: i64, run: &Run, layout: &ChartLayout, hits: &Hits) {
        let Some(here) = self.cross_x(run, layout) else { return self.step(1, run, layout, hits) };
        let shown = window::shown(self.look.window, hits.whole);
        let to = here + tenths as f64 * 0.1 * (shown.1 - shown.0);
        let step = across(run, layout).step(to).and_then(|step| nearest_step(run, step));
        match step {
            // A tenth of a short axis is less than a step.
            Some(step) if Some(step) != self.look.cross => self.cross_at(Some(step), run, layout, hits),
            _ => self.step(tenths.signum(), run, layout, hits),
        }
    }

    /// Puts the crosshair at a step, and shows the part of the axis that it is in.
    fn cross_at(&mut self, step: Option<u64>, run: &Run, layout: &ChartLayout, hits: &Hits) {
        self.look.cross = step;
        if let Some(x) = self.cross_x(run, layout) {
            self.look.window = window::follow(self.look.window, hits.whole, x);
        }
    }

    /// Where the crosshair is on the horizontal axis.
    fn cross_x(&self, run: &Run, layout: &ChartLayout) -> Option<f64> {
        across(run, layout).x(self.look.cross? as f64)
    }

    fn zoom(&mut self, closer: bool, about: f64, hits: &Hits) {
        let factor = if closer { CLOSER } else { 1.0 / CLOSER };
        self.look.window = window::zoom(self.look.window, hits.whole, about, factor);
    }

    /// Opens the first completion of the crosshair's step.
    fn open(&self, run: &Run) -> Vec<Effect> {
        let Some(step) = self.look.cross else {
            return Effect::info("put the crosshair at a step first: left and right arrow, or the mouse");
        };
        let of_step = run.completions.groups().iter().find(|group| group.step == step);
        match of_step.and_then(|group| group.entries.first()) {
            Some(entry) => vec![Effect::Read(Key::of(&entry.record))],
            None => Effect::info(format!("no completion of step {step} is kept")),
        }
    }

    fn leave(&mut self) -> Vec<Effect> {
        match (self.look.full, self.look.cross) {
            (true, _) => self.look.full = false,
            (false, Some(_)) => self.look.cross = None,
            (false, None) => return vec![Effect::Back],
        }
        vec![Effect::Dismiss]
    }

    fn point(&mut self, pointer: Pointer, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let at = Position { x: pointer.column, y: pointer.row };
        if let Some(choosing) = &mut self.choosing {
            match pointer.what {
                Gesture::Up => choosing.step(-1, context.store),
                Gesture::Down => choosing.step(1, context.store),
                Gesture::Drag => {}
                Gesture::Click => {
                    let row = hits.rows.iter().find(|(row, _)| row.contains(at));
                    let Some((_, number)) = row else {
                        self.choosing = None;
                        return Vec::new();
                    };
                    choosing.go(*number);
                    return self.choose(Action::Accept, context);
                }
            }
            return Vec::new();
        }
        match (pointer.what, hits.plot(at)) {
            (Gesture::Click, plot) => {
                self.look.at = hits.panel(at).unwrap_or(self.look.at);
                self.grip = plot.map(|_| at.x);
                self.cross_under(at, context, hits);
            }
            (what @ (Gesture::Up | Gesture::Down), Some(plot)) => {
                let about = x_at(plot, at.x, window::shown(self.look.window, hits.whole));
                self.zoom(what == Gesture::Up, about, hits);
            }
            _ => {}
        }
        Vec::new()
    }

    /// The mouse was moved: the crosshair follows it, or the axis does where it is dragged.
    fn follow(&mut self, movement: Movement, context: &Context<'_>, hits: &Hits) {
        let at = Position { x: movement.column, y: movement.row };
        if self.choosing.is_some() {
            return;
        }
        let dragged = self.grip.filter(|_| movement.drags && self.look.window.is_some());
        let plot = hits.panels.first().map(|(_, plot, _)| *plot).filter(|plot| plot.width > 1);
        match (dragged, plot) {
            (Some(from), Some(plot)) => {
                let by = (f64::from(from) - f64::from(at.x)) / f64::from(plot.width - 1);
                self.look.window = window::pan(self.look.window, hits.whole, by);
                self.grip = Some(at.x);
            }
            _ => self.cross_under(at, context, hits),
        }
    }

    /// Puts the crosshair at the step under the mouse, if the mouse is over curves.
    fn cross_under(&mut self, at: Position, context: &Context<'_>, hits: &Hits) {
        let Some(plot) = hits.plot(at) else { return };
        let x = x_at(plot, at.x, window::shown(self.look.window, hits.whole));
        let step = across(context.store, context.layout).step(x);
        self.look.cross = step.and_then(|step| nearest_step(context.store, step)).or(self.look.cross);
    }
}

/// Where the steps of a run lie; at their numbers where the unit is unknown of it.
pub(super) fn across(run: &Run, layout: &ChartLayout) -> Across {
    Across::of(run, layout.unit()).unwrap_or(Across::Steps)
}

/// The x in a column of a plot.
fn x_at(plot: Rect, column: u16, shown: Range) -> f64 {
    let share = f64::from(column - plot.x) / f64::from(plot.width.max(2) - 1);
    shown.0 + share * (shown.1 - shown.0)
}
