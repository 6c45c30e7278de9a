//! Key tables: dispatch, hint bar and help all read them.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    app::App,
    grammar::{Meaning, meant},
};
use crate::{protocol::Capability, tui::screens::AnyScreen};

/// A key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    /// The key; letters in the case in which they arrive (`M` is shift-m).
    pub code: KeyCode,
    /// Whether Ctrl is held.
    pub ctrl: bool,
}

impl Chord {
    /// A key by itself.
    pub const fn key(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    /// A character by itself.
    pub const fn char(character: char) -> Self {
        Self::key(KeyCode::Char(character))
    }

    /// A character with Ctrl.
    pub const fn ctrl(character: char) -> Self {
        Self { code: KeyCode::Char(character), ctrl: true }
    }

    /// A press of it.
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, if self.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE })
    }

    /// Whether `event` is this key. Shift is part of the character; Alt never matches.
    pub fn matches(self, event: &KeyEvent) -> bool {
        event.code == self.code
            && event.modifiers.contains(KeyModifiers::CONTROL) == self.ctrl
            && !event.modifiers.contains(KeyModifiers::ALT)
    }
}

/// One row of the key table: keys, their action, and the texts for it.
#[derive(Debug, Clone, Copy)]
pub struct KeyRow<A: 'static> {
    /// Every key that does it.
    pub chords: &'static [Chord],
    /// How the keys are written in the hint bar and in the help: `space`, `j k`.
    pub shown: &'static str,
    /// What they do.
    pub action: A,
    /// One or two words for the hint bar; empty keeps the row out of it.
    pub hint: &'static str,
    /// A short sentence for the help; empty where another row already says it.
    pub help: &'static str,
    /// Its meaning in the [grammar](super::grammar), if its keys are reserved.
    pub meaning: Option<Meaning>,
}

/// The action of the first row that has `event`.
pub fn lookup<A: Clone>(rows: &[KeyRow<A>], event: &KeyEvent) -> Option<A> {
    rows.iter().find(|row| row.chords.iter().any(|chord| chord.matches(event))).map(|row| row.action.clone())
}

/// The F keys of the first screens. F1 is the help, and terminals keep those after F10 for themselves.
pub(crate) const FIRST_F_KEY: u8 = 2;
/// The last of them.
pub(crate) const LAST_F_KEY: u8 = 10;

/// The global keys of a screen as text; empty if there are none.
pub(crate) fn shown_key(place: usize, screen: &dyn AnyScreen) -> String {
    let number = place + usize::from(FIRST_F_KEY);
    let key = (number <= usize::from(LAST_F_KEY)).then(|| format!("F{number}"));
    let keys = [key, screen.shortcut().map(String::from)];
    keys.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The action of a global key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Pause when training, resume when paused.
    PauseOrResume,
    /// Go on to the end of the step, then pause.
    StepOne,
    /// Go on to the end of the phase, then pause.
    PhaseOne,
    /// Write a checkpoint.
    Checkpoint,
    /// Start a failed engine again from its last checkpoint.
    Restart,
    /// Go to the next screen.
    NextScreen,
    /// Go to the screen before.
    PreviousScreen,
    /// Open the list of screens.
    Screens,
    /// Show the next open run.
    NextRun,
    /// Show the open run before.
    PreviousRun,
    /// Open the list of open runs.
    Runs,
    /// Draw the curves of the other open runs too, or no more.
    Others,
    /// Play a record more slowly.
    Slower,
    /// Play a record faster.
    Faster,
    /// Go back in a record.
    Back,
    /// Go on in a record.
    Forward,
    /// Open the prompt for the step of a record to go to.
    OpenStep,
    /// Begin the tour.
    Tour,
    /// Open or close the help.
    Help,
    /// Stop the engine and leave.
    Quit,
    /// The same, kept apart for the exit status.
    Interrupt,
    /// End the run, also one of another process.
    StopRun,
    /// Suspend the program.
    Suspend,
    /// Redraw everything.
    Redraw,
    /// Open the prompt that sets a live key.
    OpenPrompt,
    /// Open the prompt for the hourly price.
    OpenPrice,
    /// Capture or release the mouse.
    Mouse,
    /// Open the command palette.
    Commands,
    /// Look for a text on the screen.
    Search,
    /// Go to the next place that has it.
    NextMatch,
    /// Go to the one before.
    PreviousMatch,
    /// Copy the text under the cursor.
    Copy,
    /// Write what is under the cursor, or the screen, to a file.
    Write,
    /// Write the screen to a file.
    WriteScreen,
    /// Draw in the next colour theme.
    NextTheme,
    /// Close what is open; dismiss the message; go back to the screen before.
    GoBack,
}

impl Intent {
    /// The capability that the run needs for it; `None` if it does not concern the run.
    pub(super) fn needs(self) -> Option<Capability> {
        match self {
            Self::PauseOrResume => Some(Capability::Pause),
            Self::StepOne | Self::PhaseOne => Some(Capability::Step),
            playing if playing.is_of_playback() => Some(Capability::Step),
            Self::Checkpoint => Some(Capability::Checkpoint),
            Self::OpenPrompt => Some(Capability::Set),
            _ => None,
        }
    }

    /// Whether it is of use only while a record is played.
    pub fn is_of_playback(self) -> bool {
        matches!(self, Self::Slower | Self::Faster | Self::Back | Self::Forward | Self::OpenStep)
    }

    /// Whether it is of no use while only one run is open.
    pub fn is_of_several_runs(self) -> bool {
        matches!(self, Self::NextRun | Self::PreviousRun | Self::Runs | Self::Others)
    }
}

/// Whether a key can be of use with the runs that are open: otherwise neither hints nor help speak of it.
pub(super) fn is_of_use(app: &App, intent: Intent) -> bool {
    !(intent.is_of_several_runs() && app.store.is_single()
        || intent.is_of_playback() && !app.run().is_playback())
}

/// A row of a key table.
pub const fn row<A: Copy>(
    chords: &'static [Chord],
    shown: &'static str,
    action: A,
    hint: &'static str,
    help: &'static str,
) -> KeyRow<A> {
    KeyRow { chords, shown, action, hint, help, meaning: None }
}

/// What a key does while the help is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelpMove {
    /// Lines down, or up if negative.
    Lines(isize),
    /// This many pages.
    Pages(isize),
    /// To its first line.
    First,
    /// To its last line.
    Last,
    /// To another panel of the screen, and its text.
    Panel(isize),
    /// Closes it.
    Close,
}

const fn help_row(
    chords: &'static [Chord],
    shown: &'static str,
    action: HelpMove,
    hint: &'static str,
) -> KeyRow<HelpMove> {
    KeyRow { chords, shown, action, hint, help: "", meaning: None }
}

/// Keys while the help is open. No other key closes it.
pub(crate) static HELP_KEYS: &[KeyRow<HelpMove>] = &[
    help_row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑", HelpMove::Lines(-1), ""),
    help_row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓", HelpMove::Lines(1), ""),
    help_row(&[Chord::key(KeyCode::PageUp), Chord::char('b')], "PgUp", HelpMove::Pages(-1), ""),
    help_row(&[Chord::key(KeyCode::PageDown), Chord::char(' ')], "PgDn", HelpMove::Pages(1), "scroll"),
    help_row(&[Chord::key(KeyCode::Left), Chord::char('h')], "←", HelpMove::Panel(-1), ""),
    help_row(&[Chord::key(KeyCode::Right), Chord::char('l')], "→", HelpMove::Panel(1), "panel"),
    help_row(&[Chord::key(KeyCode::Home), Chord::char('g')], "", HelpMove::First, ""),
    help_row(&[Chord::key(KeyCode::End), Chord::char('G')], "", HelpMove::Last, ""),
    help_row(
        &[
            Chord::key(KeyCode::Esc),
            Chord::char('?'),
            Chord::key(KeyCode::F(1)),
            Chord::char('q'),
            Chord::key(KeyCode::Enter),
        ],
        "Esc",
        HelpMove::Close,
        "closes",
    ),
];

/// Keys that work everywhere.
pub static GLOBAL_KEYS: &[KeyRow<Intent>] = &[
    row(&[Chord::char(' ')], "space", Intent::PauseOrResume, "pause", "pause within one token; resume"),
    row(&[Chord::char('s')], "s", Intent::StepOne, "step", "run to the end of the step, then pause"),
    row(&[Chord::char('p')], "p", Intent::PhaseOne, "phase", "run to the end of the phase, then pause"),
    row(&[Chord::key(KeyCode::Tab)], "Tab", Intent::NextScreen, "screen", "next screen"),
    row(&[Chord::key(KeyCode::BackTab)], "Shift+Tab", Intent::PreviousScreen, "", "previous screen"),
    row(&[Chord::char('S')], "S", Intent::Screens, "", "list of all screens"),
    row(&[Chord::char('>')], ">", Intent::NextRun, "run", "the next open run"),
    row(&[Chord::char('<')], "<", Intent::PreviousRun, "", "the open run before"),
    row(&[Chord::char('R')], "R", Intent::Runs, "", "the list of open runs"),
    row(
        &[Chord::char('O')],
        "O",
        Intent::Others,
        "",
        "compare: the curves of the other open runs in the charts",
    ),
    row(&[Chord::char(',')], ",", Intent::Slower, "slower", "play the record more slowly"),
    row(&[Chord::char('.')], ".", Intent::Faster, "faster", "play the record faster"),
    row(&[Chord::char('(')], "(", Intent::Back, "back", "go back to the beginning of the step, or one step"),
    row(&[Chord::char(')')], ")", Intent::Forward, "on", "go on to the end of the step"),
    row(&[Chord::char('J')], "J", Intent::OpenStep, "go to", "go to a step of the record"),
    row(
        &[Chord::ctrl('p')],
        "Ctrl+P",
        Intent::Commands,
        "commands",
        "find and do anything: actions, screens, metrics, keys, runs",
    ),
    row(
        &[Chord::char('?'), Chord::key(KeyCode::F(1))],
        "?",
        Intent::Help,
        "help",
        "this help; first, the panel under the mouse",
    ),
    row(&[Chord::char('T')], "T", Intent::Tour, "", "a tour of six stops"),
    row(&[Chord::char('q')], "q", Intent::Quit, "quit", "stop the engine, write a checkpoint, leave"),
    row(&[Chord::char('Q')], "Q", Intent::StopRun, "", "end the run, even of another process; asks first"),
    row(&[Chord::char('c')], "c", Intent::Checkpoint, "checkpoint", "write a checkpoint after this step"),
    row(&[Chord::char('r')], "r", Intent::Restart, "", "restart a failed engine from its checkpoint"),
    row(
        &[Chord::char(':'), Chord::char('e')],
        ": e",
        Intent::OpenPrompt,
        "set",
        "change a hyperparameter from the next step on",
    ),
    row(&[Chord::char('$')], "$", Intent::OpenPrice, "", "price per hour for the cost estimate"),
    row(&[Chord::char('M')], "M", Intent::Mouse, "", "release the mouse to select text"),
    meant(Meaning::Search, Intent::Search, "", "search the texts of the screen"),
    meant(Meaning::NextMatch, Intent::NextMatch, "", "next match"),
    meant(Meaning::PreviousMatch, Intent::PreviousMatch, "", "previous match"),
    meant(Meaning::Copy, Intent::Copy, "", "copy the text under the cursor (through the terminal)"),
    meant(Meaning::Write, Intent::Write, "", "write what is under the cursor, or the screen, to a file"),
    row(&[Chord::ctrl('t')], "Ctrl+T", Intent::NextTheme, "", "the next colour theme"),
    meant(
        Meaning::Back,
        Intent::GoBack,
        "",
        "close what is open; dismiss the message; back to the screen before",
    ),
    row(&[Chord::ctrl('l')], "Ctrl+L", Intent::Redraw, "", "redraw the screen"),
    row(&[Chord::ctrl('z')], "Ctrl+Z", Intent::Suspend, "", "back to the shell; fg returns"),
    row(&[Chord::ctrl('c')], "Ctrl+C", Intent::Interrupt, "", "like q; a second time quits at once"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_and_every_key_is_in_the_help() {
        let rows: Vec<&KeyRow<Intent>> = GLOBAL_KEYS.iter().collect();
        for (index, row) in rows.iter().enumerate() {
            assert!(!row.help.is_empty() && !row.chords.is_empty(), "{}", row.shown);
            for other in &rows[index + 1..] {
                assert!(row.chords.iter().all(|chord| !other.chords.contains(chord)), "{}", row.shown);
            }
        }
    }

    #[test]
    fn shift_is_part_of_the_character_and_alt_never_matches() {
        let shifted = KeyEvent::new(KeyCode::Char('M'), KeyModifiers::SHIFT);
        assert_eq!(lookup(GLOBAL_KEYS, &shifted), Some(Intent::Mouse));
        let alt = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT);
        assert_eq!(lookup(GLOBAL_KEYS, &alt), None);
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(lookup(GLOBAL_KEYS, &control), Some(Intent::Interrupt));
    }
}
