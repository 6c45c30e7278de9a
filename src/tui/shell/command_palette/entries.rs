//! Everything that the command palette offers, and doing it.

use ratatui::crossterm::event::KeyEvent;

use crate::{
    config::Config,
    metrics::{format, registry},
    protocol::{Capability, Command},
    tui::{
        screens::{AnyScreen, Context, Subject, live::Live},
        shell::{
            app::App,
            effect::Effect,
            keys::{GLOBAL_KEYS, Intent, is_of_use, shown_key},
            message::Level,
            prompt,
            themes::Named,
            update::{perform_all, perform_intent},
        },
    },
};

/// Something that can be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Does {
    /// What a key does everywhere.
    Intent(Intent),
    /// What a key does on a screen, which comes to the front.
    Key(usize, KeyEvent),
    /// Goes to a screen.
    Screen(usize),
    /// Shows an open run.
    Run(usize),
    /// Shows or explains the metric of this name.
    Metric(&'static str),
    /// Changes the configuration key of this name, or shows it.
    Setting(&'static str),
    /// Sets a configuration key to a value.
    Set(String, String),
    /// Draws in a theme.
    Theme(Named),
}

/// A row of the palette.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// What it is: `action`, `screen`, …
    pub kind: &'static str,
    /// What it does.
    pub label: String,
    /// More words that find it, which are not shown.
    pub also: String,
    /// The key that does it without the palette; empty if none does.
    pub key: String,
    /// Which screen it belongs to, if to one.
    pub of: Option<&'static str>,
    pub does: Does,
}

impl Entry {
    fn new(kind: &'static str, label: impl Into<String>, key: impl Into<String>, does: Does) -> Self {
        Self { kind, label: label.into(), also: String::new(), key: key.into(), of: None, does }
    }
}

/// Everything, the likeliest first: what can be done here, everywhere, screens, runs, and then what can be seen and set.
pub(super) fn all(app: &App, typed: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = setting(typed).into_iter().collect();
    entries.extend(of_screen(app, app.front));
    let globals =
        GLOBAL_KEYS.iter().filter(|row| row.action != Intent::Commands && is_of_use(app, row.action));
    entries.extend(globals.map(|row| Entry {
        also: row.hint.to_owned(),
        ..Entry::new("action", row.help, row.shown, Does::Intent(row.action))
    }));
    entries.push(Entry::new("action", "write the screen to a file", "", Does::Intent(Intent::WriteScreen)));
    entries.extend(app.screens().iter().enumerate().map(|(at, screen)| {
        let label = format!("{}: {}", screen.name(), screen.about());
        Entry::new("screen", label, shown_key(at, screen.as_ref()), Does::Screen(at))
    }));
    if !app.store.is_single() {
        let named = app.store.names().into_iter().enumerate();
        entries.extend(named.map(|(at, name)| Entry::new("run", name, "", Does::Run(at))));
    }
    entries.extend(
        Named::ALL
            .map(|theme| Entry::new("theme", format!("{theme}: {}", theme.about()), "", Does::Theme(theme))),
    );
    entries.extend(Config::keys().map(|key| {
        let about = key.doc().split_inclusive(". ").next().unwrap_or_default().trim_end_matches(". ");
        let label = format!("{}: {about}", key.name);
        let also = key.short.unwrap_or_default().to_owned();
        let kind = if key.live { "key" } else { "key, fixed" };
        Entry { also, ..Entry::new(kind, label, "", Does::Setting(key.name)) }
    }));
    entries.extend(registry::ALL.iter().map(|metric| {
        Entry::new("metric", format!("{}: {}", metric.name, metric.about), "", Does::Metric(metric.name))
    }));
    let others = (0..app.screens().len()).filter(|at| *at != app.front);
    entries.extend(others.flat_map(|at| of_screen(app, at)));
    entries
}

/// What the keys of a screen do. Of two keys that do the same, one entry has both.
fn of_screen(app: &App, at: usize) -> Vec<Entry> {
    let screen = app.screens()[at].as_ref();
    let mut entries: Vec<Entry> = Vec::new();
    for row in screen.rows() {
        match entries.iter_mut().find(|entry| entry.label == row.help) {
            Some(entry) => entry.key = format!("{} {}", entry.key, row.shown),
            None => {
                let entry = Entry::new("action", row.help, row.shown, Does::Key(at, row.key));
                entries.push(Entry { of: Some(screen.name()), ..entry });
            }
        }
    }
    entries
}

/// The change that was typed: `lr 1e-4`, `learning_rate=1e-4`, with or without a colon.
fn setting(typed: &str) -> Option<Entry> {
    let (key, value) = prompt::setting(typed)?;
    let key = Config::called(key).filter(|key| key.live && !value.is_empty())?;
    // Words that happen to follow the name of a key are looked for.
    let taken = Command::Set { key: key.name.to_owned(), value: value.to_owned() }.check().is_ok();
    let label = format!("set {} to {value}, from the next step on", key.name);
    let does = Does::Set(key.name.to_owned(), value.to_owned());
    taken.then(|| Entry { also: typed.to_owned(), ..Entry::new("change", label, ":", does) })
}

/// Does it; the commands for the engine.
pub(super) fn perform(app: &mut App, does: Does) -> Vec<Command> {
    match does {
        Does::Intent(intent) => perform_intent(app, intent),
        Does::Key(screen, key) => {
            app.front = screen;
            // What it does may depend on the place where it was left.
            let effects = app.front_does(|screen, context| {
                let mut effects = screen.enter(context);
                screen.refresh(context);
                // Where something is being typed there, the key would be text.
                if !screen.captures_text() {
                    effects.extend(screen.key(&key, context).unwrap_or_default());
                }
                effects
            });
            perform_all(app, effects)
        }
        Does::Screen(place) => {
            app.front = place;
            Vec::new()
        }
        Does::Run(place) => {
            app.show_run(place);
            Vec::new()
        }
        Does::Theme(theme) => {
            app.set_theme(theme);
            Vec::new()
        }
        Does::Set(key, value) => perform_all(app, vec![Effect::Set(vec![(key, value)])]),
        Does::Setting(key) => change(app, key),
        Does::Metric(metric) => {
            show(app, metric);
            Vec::new()
        }
    }
}

/// Opens the prompt with a key; one that cannot change now is shown where it stands, with the reason.
fn change(app: &mut App, name: &'static str) -> Vec<Command> {
    let Ok(key) = Config::key(name) else { return Vec::new() };
    let refusal = app.run().refusal(Capability::Set);
    if key.live && refusal.is_none() {
        return perform_all(app, vec![Effect::Prompt(format!("{}=", key.name))]);
    }
    bring(app, Subject::Setting(key.name));
    let why = match refusal.filter(|_| key.live) {
        Some(refusal) => refusal.to_owned(),
        None => format!("{} is fixed for the whole run; a fork may have another", key.name),
    };
    app.say(Level::Info, why);
    Vec::new()
}

/// Goes to where a metric is drawn, and says what it means.
fn show(app: &mut App, name: &'static str) {
    let Some(metric) = registry::ALL.iter().find(|metric| metric.name == name) else { return };
    if !bring(app, Subject::Metric(metric.name)) && !metric.charts.is_empty() {
        app.bring::<Live>();
    }
    let value = app.run().history.last().and_then(|step| step.known(metric));
    let now =
        value.map_or_else(|| "not known yet".to_owned(), |value| format!("now {}", format::value(value)));
    app.say(Level::Info, format!("{} ({}), {now}: {}", metric.name, metric.unit.words(), metric.about));
}

/// Brings the screen to the front that shows a subject; `false` if none does.
fn bring(app: &mut App, subject: Subject) -> bool {
    let shows = |screens: &mut [Box<dyn AnyScreen>], context: &mut Context<'_>| {
        screens.iter_mut().position(|screen| screen.show_subject(subject, context))
    };
    let place = app.screens_do(shows);
    app.front = place.unwrap_or(app.front);
    place.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::RunFacts, tui::shell::theme::Theme};

    #[test]
    fn every_action_screen_metric_key_and_theme_is_there() {
        let app = App::new(Theme::colored(), RunFacts::of_our_engine());
        let entries = all(&app, "");
        let has = |does: &Does| entries.iter().any(|entry| entry.does == *does);
        for (at, screen) in app.screens().iter().enumerate() {
            assert!(has(&Does::Screen(at)));
            for row in screen.rows() {
                let of = |entry: &&Entry| entry.of == Some(screen.name()) && entry.label == row.help;
                let shown = entries.iter().find(of).is_some_and(|entry| entry.key.contains(row.shown));
                assert!(shown, "{}: {}", screen.name(), row.help);
            }
        }
        assert!(registry::ALL.iter().all(|metric| has(&Does::Metric(metric.name))));
        assert!(Config::keys().all(|key| has(&Does::Setting(key.name))));
        assert!(Named::ALL.into_iter().all(|theme| has(&Does::Theme(theme))));
        assert!(entries.iter().all(|entry| !entry.label.is_empty()));
    }

    #[test]
    fn a_change_is_offered_as_it_is_typed_and_only_where_the_key_takes_it() {
        let set = |typed: &str| setting(typed).map(|entry| entry.does);
        let expected = Some(Does::Set("learning_rate".into(), "1e-4".into()));
        for typed in ["lr 1e-4", ":lr 1e-4", "lr=1e-4", "learning_rate = 1e-4"] {
            assert_eq!(set(typed), expected, "{typed}");
        }
        for typed in ["lr", "lr much", "seed 3", "next false", ""] {
            assert_eq!(set(typed), None, "{typed}");
        }
    }
}
