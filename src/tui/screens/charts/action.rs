//! The actions and keys of the Charts screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use crate::tui::{
    screens::{Movement, Pointer},
    shell::{
        grammar::{Meaning, meant},
        keys::{Chord, KeyRow, row},
    },
    widgets::typing::Typing,
};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// The crosshair goes so many steps on.
    Cross(i64),
    /// The crosshair goes so many tenths of what is shown on.
    Leap(i64),
    /// The crosshair goes to the first step, or to the last one.
    CrossEnd {
        /// Whether to the last one.
        last: bool,
    },
    /// Opens the completions of the crosshair's step.
    Open,
    /// Shows a smaller or a larger part of the horizontal axis.
    Zoom {
        /// Whether a smaller one.
        closer: bool,
    },
    /// Shows all of it.
    Whole,
    /// Goes on or back along it.
    Pan {
        /// Whether on.
        on: bool,
    },
    /// The next panel or the one before.
    Select(isize),
    /// This panel alone, or all.
    Full,
    /// Opens the list of metrics, for another panel.
    Add,
    /// Opens the list of metrics, for this panel.
    AddTo,
    /// Removes this panel.
    Remove,
    /// Moves this panel among the others.
    Shift(isize),
    /// A logarithmic or a linear vertical axis.
    Log,
    /// Another unit on the horizontal axis.
    Unit,
    /// The next smoothing.
    Smoothing,
    /// Mean and range over seeds.
    Seeds,
    /// Puts away what is open.
    Leave,
    /// In the list of metrics: a typed character.
    Input(char),
    /// Takes the last one back.
    Erase,
    /// One metric up or down.
    Choose(isize),
    /// Takes the metric.
    Accept,
    /// Closes the list.
    Cancel,
    /// A click, or the wheel.
    Point(Pointer),
    /// The mouse moved.
    Move(Movement),
}

/// The keys of this screen while no list is open.
pub const KEYS: &[KeyRow<Action>] = &[
    row(
        &[Chord::key(KeyCode::Right)],
        "→",
        Action::Cross(1),
        "crosshair",
        "crosshair one step on; it reads all curves at its step",
    ),
    row(&[Chord::key(KeyCode::Left)], "←", Action::Cross(-1), "", "crosshair one step back"),
    meant(
        Meaning::Open,
        Action::Open,
        "transcripts",
        "the completions of the crosshair's step, in Transcripts",
    ),
    row(&[Chord::char('A')], "A", Action::Add, "add", "another panel: type a part of the metric's name"),
    row(
        &[Chord::char('+'), Chord::char('=')],
        "+",
        Action::Zoom { closer: true },
        "zoom",
        "less of the horizontal axis, around the crosshair; also the wheel",
    ),
    row(&[Chord::char('-'), Chord::char('_')], "-", Action::Zoom { closer: false }, "", "more of it"),
    row(&[Chord::char('0')], "0", Action::Whole, "all", "the whole horizontal axis"),
    row(&[Chord::char('L')], "L", Action::Pan { on: true }, "", "on along the axis; also by dragging"),
    row(&[Chord::char('H')], "H", Action::Pan { on: false }, "", "back along the axis"),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Select(1), "panel", "next panel"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Select(-1), "", "previous panel"),
    meant(Meaning::Choice, Action::Full, "full", "this panel alone; all panels again"),
    row(&[Chord::char('t')], "t", Action::AddTo, "", "a metric more, or one less, on this panel"),
    row(&[Chord::char('d'), Chord::key(KeyCode::Delete)], "d", Action::Remove, "remove", "remove this panel"),
    row(&[Chord::char('J')], "J", Action::Shift(1), "", "move this panel behind the next"),
    row(&[Chord::char('K')], "K", Action::Shift(-1), "", "move this panel before the previous"),
    meant(Meaning::NextStep, Action::Cross(1), "", "crosshair to the next step"),
    meant(Meaning::PreviousStep, Action::Cross(-1), "", "crosshair to the previous step"),
    meant(Meaning::View, Action::Unit, "axis", "steps, tokens, minutes or dollars on the horizontal axis"),
    row(&[Chord::char('l')], "l", Action::Log, "log", "logarithmic or linear vertical axis of this panel"),
    row(
        &[Chord::char('m')],
        "m",
        Action::Smoothing,
        "smooth",
        "smoothing of the bright lines: none, 0.7 or 0.9",
    ),
    row(
        &[Chord::char('B')],
        "B",
        Action::Seeds,
        "seeds",
        "mean and range over the open runs of one configuration and several seeds",
    ),
    row(&[Chord::key(KeyCode::PageDown)], "PgDn", Action::Leap(1), "", "crosshair a tenth of the axis on"),
    row(&[Chord::key(KeyCode::PageUp)], "PgUp", Action::Leap(-1), "", "crosshair a tenth of the axis back"),
    meant(Meaning::Last, Action::CrossEnd { last: true }, "", "crosshair to the end"),
    meant(Meaning::First, Action::CrossEnd { last: false }, "", "crosshair to the beginning"),
    meant(Meaning::Back, Action::Leave, "", "all panels again, the crosshair away, the message away"),
];

/// What a key means while the list of metrics is open.
pub(super) fn typing_action(event: &KeyEvent) -> Option<Action> {
    match event.code {
        KeyCode::Down => return Some(Action::Choose(1)),
        KeyCode::Up => return Some(Action::Choose(-1)),
        _ => {}
    }
    Typing::of(event).map(|typing| match typing {
        Typing::Input(character) => Action::Input(character),
        Typing::Erase => Action::Erase,
        Typing::Accept => Action::Accept,
        Typing::Cancel => Action::Cancel,
    })
}
