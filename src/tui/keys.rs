//! The one key table: dispatch, hint bar and help all read it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::screen::Screen;

/// One key that a person can press.
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

    /// Whether `event` is this key. Shift is part of the character; Alt never matches.
    pub fn matches(self, event: &KeyEvent) -> bool {
        event.code == self.code
            && event.modifiers.contains(KeyModifiers::CONTROL) == self.ctrl
            && !event.modifiers.contains(KeyModifiers::ALT)
    }
}

/// One row of the key table: some keys, what they do, and how that is said.
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
}

/// The action of the first row that has `event`.
pub fn lookup<A: Clone>(rows: &[KeyRow<A>], event: &KeyEvent) -> Option<A> {
    rows.iter().find(|row| row.chords.iter().any(|chord| chord.matches(event))).map(|row| row.action.clone())
}

/// What a key outside the transcripts does.
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
    /// Go to this screen.
    Show(Screen),
    /// Open or close the help.
    Help,
    /// Stop the engine and leave.
    Quit,
    /// The same, told apart so that the exit status can say so.
    Interrupt,
    /// End the run, also one of another process.
    StopRun,
    /// Give the terminal back to the shell for a while.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// More rows for each completion.
    Taller,
    /// Fewer rows for each completion.
    Shorter,
    /// One completion (or line of help) up.
    Up,
    /// One completion (or line of help) down.
    Down,
    /// The next group of the step.
    NextGroup,
    /// The group before.
    PreviousGroup,
    /// Logarithmic or linear axis of the length chart.
    LogLength,
    /// The next smoothing.
    Smoothing,
    /// Open the prompt that sets a live key.
    OpenPrompt,
    /// Open the prompt with the price an hour.
    OpenPrice,
    /// Take or release the mouse.
    Mouse,
    /// Close what is open; put the message away.
    Dismiss,
}

const fn row(
    chords: &'static [Chord],
    shown: &'static str,
    action: Intent,
    hint: &'static str,
    help: &'static str,
) -> KeyRow<Intent> {
    KeyRow { chords, shown, action, hint, help }
}

/// Keys of the Live screen.
pub static LIVE_KEYS: &[KeyRow<Intent>] = &[
    row(
        &[Chord::char('g'), Chord::key(KeyCode::Right)],
        "g →",
        Intent::NextGroup,
        "group",
        "show the next group of this step",
    ),
    row(
        &[Chord::char('G'), Chord::key(KeyCode::Left)],
        "G ←",
        Intent::PreviousGroup,
        "",
        "show the group before",
    ),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Intent::Down, "", "the next completions"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Intent::Up, "", "the completions before"),
    row(&[Chord::char('+'), Chord::char('=')], "+", Intent::Taller, "rows", "more rows for each completion"),
    row(&[Chord::char('-'), Chord::char('_')], "-", Intent::Shorter, "", "fewer rows for each completion"),
    row(&[Chord::char('l')], "l", Intent::LogLength, "log", "logarithmic or linear axis of the length chart"),
    row(
        &[Chord::char('m')],
        "m",
        Intent::Smoothing,
        "smooth",
        "smoothing of the bright lines: none, 0.7, 0.9",
    ),
];

/// What a key does while the help is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpMove {
    /// So many lines down, or up where below 0.
    Lines(isize),
    /// So many pages.
    Pages(isize),
    /// To its first line.
    First,
    /// To its last line.
    Last,
    /// Closes it.
    Close,
}

const fn help_row(
    chords: &'static [Chord],
    shown: &'static str,
    action: HelpMove,
    hint: &'static str,
) -> KeyRow<HelpMove> {
    KeyRow { chords, shown, action, hint, help: "" }
}

/// Keys while the help is open. No other closes it: one is still reading.
pub static HELP_KEYS: &[KeyRow<HelpMove>] = &[
    help_row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑", HelpMove::Lines(-1), ""),
    help_row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓", HelpMove::Lines(1), ""),
    help_row(&[Chord::key(KeyCode::PageUp), Chord::char('b')], "PgUp", HelpMove::Pages(-1), ""),
    help_row(&[Chord::key(KeyCode::PageDown), Chord::char(' ')], "PgDn", HelpMove::Pages(1), "scroll"),
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
    row(&[Chord::char(' ')], "space", Intent::PauseOrResume, "pause", "pause within one token; go on"),
    row(&[Chord::char('s')], "s", Intent::StepOne, "step", "go on to the end of the step, then pause"),
    row(&[Chord::char('p')], "p", Intent::PhaseOne, "phase", "go on to the end of the phase, then pause"),
    row(&[Chord::key(KeyCode::Tab)], "Tab", Intent::NextScreen, "screen", "the next screen"),
    row(&[Chord::key(KeyCode::BackTab)], "Shift+Tab", Intent::PreviousScreen, "", "the screen before"),
    row(
        &[Chord::key(KeyCode::F(2))],
        "F2",
        Intent::Show(Screen::Live),
        "",
        "Live: charts and what is written now",
    ),
    row(
        &[Chord::key(KeyCode::F(3))],
        "F3",
        Intent::Show(Screen::Transcripts),
        "",
        "Transcripts: every completion",
    ),
    row(
        &[Chord::key(KeyCode::F(4))],
        "F4",
        Intent::Show(Screen::Meter),
        "",
        "Meter: what the checks are worth",
    ),
    row(
        &[Chord::key(KeyCode::F(5))],
        "F5",
        Intent::Show(Screen::Search),
        "",
        "Search: the states that a completion explored",
    ),
    row(
        &[Chord::key(KeyCode::F(6))],
        "F6",
        Intent::Show(Screen::Travel),
        "",
        "Travel: pinned puzzles then and now",
    ),
    row(
        &[Chord::key(KeyCode::F(7))],
        "F7",
        Intent::Show(Screen::Microscope),
        "",
        "Microscope: one group of a step, token by token",
    ),
    row(
        &[Chord::key(KeyCode::F(8))],
        "F8",
        Intent::Show(Screen::Playground),
        "",
        "Playground: two models answer a puzzle of your own",
    ),
    row(
        &[Chord::key(KeyCode::F(9))],
        "F9",
        Intent::Show(Screen::Frontier),
        "",
        "Frontier: what accuracy thinking buys",
    ),
    row(
        &[Chord::key(KeyCode::F(10)), Chord::char('!')],
        "F10 !",
        Intent::Show(Screen::Sentinel),
        "",
        "Sentinel: what could go wrong, and what did",
    ),
    row(&[Chord::char('?'), Chord::key(KeyCode::F(1))], "?", Intent::Help, "help", "this help"),
    row(&[Chord::char('q')], "q", Intent::Quit, "quit", "stop the engine, write a checkpoint, leave"),
    row(
        &[Chord::char('Q')],
        "Q",
        Intent::StopRun,
        "",
        "end the run, also one of another process; asks first",
    ),
    row(&[Chord::char('c')], "c", Intent::Checkpoint, "checkpoint", "write a checkpoint after this step"),
    row(&[Chord::char('r')], "r", Intent::Restart, "", "start a failed engine again from its checkpoint"),
    row(
        &[Chord::char(':'), Chord::char('e')],
        ": e",
        Intent::OpenPrompt,
        "set",
        "change a hyperparameter from the next step on",
    ),
    row(&[Chord::char('$')], "$", Intent::OpenPrice, "", "price an hour for the estimate"),
    row(&[Chord::char('M')], "M", Intent::Mouse, "", "release the mouse, so that text can be selected"),
    row(&[Chord::key(KeyCode::Esc)], "Esc", Intent::Dismiss, "", "close what is open; put the message away"),
    row(&[Chord::ctrl('l')], "Ctrl+L", Intent::Redraw, "", "draw the screen anew"),
    row(&[Chord::ctrl('z')], "Ctrl+Z", Intent::Suspend, "", "back to the shell; fg returns"),
    row(&[Chord::ctrl('c')], "Ctrl+C", Intent::Interrupt, "", "as q; a second time leaves at once"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_and_every_key_is_in_the_help() {
        let rows: Vec<&KeyRow<Intent>> = LIVE_KEYS.iter().chain(GLOBAL_KEYS).collect();
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
