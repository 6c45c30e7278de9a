//! The Settings screen: every configuration key with its value in this run, and what it does.

mod view;

use ratatui::{
    Frame,
    crossterm::event::KeyCode,
    layout::{Position, Rect},
};

use super::{Context, Gesture, Pointer, Scene, Screen, Subject, listing::Needle};
use crate::{
    config::{Allowed, Config},
    protocol::{Capability, OUR_ENGINE},
    tui::{
        shell::{
            effect::Effect,
            grammar::{Meaning, meant},
            keys::{Chord, KeyRow, row},
        },
        store::Run,
    },
};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One key up.
    Up,
    /// One key down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first key.
    First,
    /// To the last key.
    Last,
    /// The next choice of keys: all, those that are not at their default, those that may change during a run.
    Filter,
    /// Open the prompt with the key under the cursor.
    Set,
    /// Take back the last change.
    Undo,
    /// Copy the command of a fork with this key changed.
    Fork,
    /// A click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
}

/// The keys of this screen.
pub static KEYS: &[KeyRow<Action>] = &[
    meant(Meaning::Open, Action::Set, "set", "change this key, if it can change now"),
    meant(Meaning::Undo, Action::Undo, "undo", "take back the last change, from the next step on"),
    meant(
        Meaning::Copy,
        Action::Fork,
        "fork",
        "copy the command that starts a fork of this run with this key changed",
    ),
    meant(
        Meaning::Choice,
        Action::Filter,
        "filter",
        "all keys, those not at their default, those that may change during a run",
    ),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "next", "next key"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "previous key"),
    row(&[Chord::key(KeyCode::PageDown)], "PgDn", Action::PageDown, "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp)], "PgUp", Action::PageUp, "", "a page up"),
    meant(Meaning::First, Action::First, "", "first key"),
    meant(Meaning::Last, Action::Last, "", "last key"),
];

/// The Settings screen.
#[derive(Debug, Default)]
pub struct Settings {
    cursor: usize,
    top: usize,
    shown: Shown,
}

/// Which keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shown {
    /// All of them.
    #[default]
    All,
    /// Those that are known to differ from their default.
    Changed,
    /// Those that may change during a run.
    Live,
}

impl Shown {
    fn next(self) -> Self {
        match self {
            Self::All => Self::Changed,
            Self::Changed => Self::Live,
            Self::Live => Self::All,
        }
    }

    fn has(self, setting: &Setting) -> bool {
        match self {
            Self::All => true,
            Self::Changed => setting.is_changed(),
            Self::Live => setting.live,
        }
    }
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    /// The rows of the keys.
    list: Rect,
    /// The first key shown.
    top: usize,
}

/// A key as it stands in the run.
#[derive(Debug)]
struct Setting {
    name: &'static str,
    /// Whether it may change during a run.
    live: bool,
    /// `None` if the run's engine did not report its configuration.
    value: Option<String>,
    default: String,
    doc: String,
    allowed: Allowed,
}

impl Setting {
    /// Whether it is known to differ from the default.
    fn is_changed(&self) -> bool {
        self.value.as_ref().is_some_and(|value| *value != self.default)
    }
}

/// Every key with its value. Before a run has begun, those are the defaults.
fn settings(store: &Run) -> Vec<Setting> {
    let default = Config::default();
    let config = store.config().or(store.started.is_none().then_some(&default));
    let value = |config: &Config, name| config.get(name).unwrap_or_default();
    let keys = Config::keys().map(|key| Setting {
        name: key.name,
        live: key.live,
        value: config.filter(|_| store.told(key.name)).map(|config| value(config, key.name)),
        default: value(&default, key.name),
        doc: key.doc().to_owned(),
        allowed: key.allowed(),
    });
    keys.collect()
}

impl Settings {
    fn listed(&self, store: &Run) -> Vec<Setting> {
        let mut all = settings(store);
        all.retain(|setting| self.shown.has(setting));
        all
    }
}

impl Screen for Settings {
    const NAME: &'static str = "Settings";
    const ABOUT: &'static str = "every configuration key, its value and meaning";

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, _: &Hits) -> bool {
        let listed = self.listed(scene.store);
        let here = listed.get(self.cursor);
        match action {
            Action::Set => scene.obeyed && here.is_some_and(|setting| setting.live),
            Action::Undo => scene.obeyed && scene.store.changes.last().is_some(),
            Action::Fork => here.and_then(|setting| fork(setting, scene.store)).is_some(),
            _ => true,
        }
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
        self.top = hits.top;
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let listed = self.listed(context.store);
        let (last, page) = (listed.len().saturating_sub(1), usize::from(hits.list.height).max(2) - 1);
        let here = self.cursor.min(last);
        self.cursor = match action {
            Action::Up => here.saturating_sub(1),
            Action::Down => (here + 1).min(last),
            Action::PageUp => here.saturating_sub(page),
            Action::PageDown => (here + page).min(last),
            Action::First => 0,
            Action::Last => last,
            Action::Click { column, row } if hits.list.contains(Position { x: column, y: row }) => {
                (hits.top + usize::from(row - hits.list.y)).min(last)
            }
            Action::Click { .. } | Action::Set | Action::Undo | Action::Fork => here,
            Action::Filter => {
                self.shown = self.shown.next();
                let name = listed.get(here).map(|setting| setting.name);
                let again = self.listed(context.store);
                again.iter().position(|setting| Some(setting.name) == name).unwrap_or(0)
            }
        };
        match (action, listed.get(self.cursor)) {
            (Action::Set, Some(setting)) => set(setting, context.store),
            (Action::Fork, Some(setting)) => match fork(setting, context.store) {
                Some(text) => vec![Effect::Copy { text }],
                None => Effect::info("only a run of this program that has begun can be forked"),
            },
            (Action::Undo, _) => undo(context.store),
            _ => Vec::new(),
        }
    }

    fn show_subject(&mut self, subject: Subject, context: &mut Context<'_>) -> bool {
        let Subject::Setting(name) = subject else { return false };
        self.shown = Shown::All;
        let place = self.listed(context.store).iter().position(|setting| setting.name == name);
        self.cursor = place.unwrap_or(self.cursor);
        place.is_some()
    }

    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>, _: &Hits) -> bool {
        let listed = self.listed(context.store);
        let has = |at: &usize| {
            let Setting { name, doc, value, .. } = &listed[*at];
            needle.is_in(name) || needle.is_in(doc) || value.as_ref().is_some_and(|value| needle.is_in(value))
        };
        let here = self.cursor.min(listed.len().saturating_sub(1));
        let found = match forward {
            true => (here + 1..listed.len()).chain(0..here).find(has),
            false => (0..here).rev().chain((here + 1..listed.len()).rev()).find(has),
        };
        self.cursor = found.unwrap_or(here);
        found.is_some()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        view::draw(frame.buffer_mut(), area, self, scene)
    }
}

/// Opens the prompt, or says why the key cannot change.
fn set(setting: &Setting, store: &Run) -> Vec<Effect> {
    match store.refusal(Capability::Set) {
        _ if !setting.live => Effect::info(match fork(setting, store) {
            Some(_) => format!("{} is fixed for the whole run; y copies the command of a fork", setting.name),
            None => format!("{} is fixed for the whole run; start another run to change it", setting.name),
        }),
        Some(refusal) => Effect::info(refusal),
        None => vec![Effect::Prompt(format!("{}=", setting.name))],
    }
}

/// Takes back the last change that stands.
fn undo(store: &Run) -> Vec<Effect> {
    match (store.refusal(Capability::Set), store.changes.last()) {
        (Some(refusal), _) => Effect::info(refusal),
        (None, None) => Effect::info("nothing was changed that could be undone"),
        (None, Some(last)) => vec![Effect::Set(vec![(last.key.clone(), last.before.clone())])],
    }
}

/// The command that starts a fork of the run, from its last checkpoint, with another value of a key; `None` where the run
/// cannot be forked.
fn fork(setting: &Setting, store: &Run) -> Option<String> {
    let run = store.path().filter(|_| store.facts.engine == OUR_ENGINE && store.config().is_some())?;
    let now = setting.value.as_deref().unwrap_or(&setting.default);
    let value = match &setting.allowed {
        Allowed::OneOf(words) => words.iter().map(|word| word.name).find(|word| *word != now)?.to_owned(),
        Allowed::Flag => (now != "true").to_string(),
        _ => "VALUE".to_owned(),
    };
    let run = run.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let run = if run.chars().all(is_plain) { run } else { format!("'{}'", run.replace('\'', "'\\''")) };
    Some(format!("aha-lab run --fork {run} --set {}={value}", setting.name))
}
