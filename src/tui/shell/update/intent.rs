//! What the keys outside a screen's own table mean.

use super::effects::perform_all;
use crate::{
    protocol::{Capability, Command, Play, StepBy, Temporality},
    tui::{
        screens::handout::Handout,
        shell::{
            app::App,
            command_palette::CommandPalette,
            effect::Effect,
            export::Form,
            help,
            keys::Intent,
            list::List,
            message::Level,
            prompt::{Asks, Prompt, STEP_PROMPT},
            question::Question,
            restart, search, stepping, tour,
        },
    },
};

pub(in crate::tui::shell) fn perform(app: &mut App, intent: Intent) -> Vec<Command> {
    match intent {
        Intent::PauseOrResume => control(app, Capability::Pause, |app| match app.run().temporality {
            Temporality::Live | Temporality::Unpausing => {
                app.run_mut().temporality = Temporality::Pausing;
                Command::Pause
            }
            Temporality::Paused | Temporality::Pausing => {
                app.run_mut().temporality = Temporality::Unpausing;
                Command::Resume
            }
        }),
        Intent::StepOne => control(app, Capability::Step, |app| {
            stepping::say_until_paused(app, "the step");
            Command::Step(StepBy::Steps(1))
        }),
        Intent::PhaseOne => control(app, Capability::Step, |app| {
            let to = match app.run().temporality {
                Temporality::Paused => app.run().next_phase().name(),
                _ => "the phase",
            };
            stepping::say_until_paused(app, to);
            Command::Step(StepBy::Phases(1))
        }),
        Intent::Checkpoint => control(app, Capability::Checkpoint, |app| {
            app.say(Level::Info, "checkpoint requested: it is written when this step ends");
            Command::Checkpoint
        }),
        Intent::Restart => {
            let effects = restart::ask(app);
            perform_all(app, effects)
        }
        Intent::Quit => quit(app),
        Intent::StopRun if app.obeys(Capability::Stop) => {
            app.question = Some(Question::end_run());
            Vec::new()
        }
        Intent::StopRun if app.run().is_ours() => quit(app),
        Intent::StopRun => control(app, Capability::Stop, |_| Command::Stop),
        Intent::Interrupt => {
            app.interrupted = true;
            quit(app)
        }
        Intent::OpenPrompt if app.run().can(Capability::Set) => {
            app.prompt = Some(Prompt::default());
            Vec::new()
        }
        Intent::OpenPrompt => control(app, Capability::Set, |_| Command::Pause),
        Intent::Copy => {
            let effect = match handout(app) {
                Some(handout) => vec![Effect::Copy { text: handout.text() }],
                None => Effect::info("there is no text under the cursor to copy"),
            };
            perform_all(app, effect)
        }
        playing if playing.is_of_playback() => play(app, playing),
        Intent::OpenPrice => perform_all(app, vec![Effect::Prompt("price_per_hour=".to_owned())]),
        other => {
            look(app, other);
            Vec::new()
        }
    }
}

/// Intents of a person who watches a record.
fn play(app: &mut App, intent: Intent) -> Vec<Command> {
    if !app.run().is_playback() {
        app.say(
            Level::Info,
            "this run is not played from its record; `aha-lab open RUN --play 10x` does that",
        );
        return Vec::new();
    }
    let wanted = match intent {
        Intent::Slower => Play::Slower,
        Intent::Faster => Play::Faster,
        Intent::Back => Play::By(-1),
        Intent::Forward => Play::By(1),
        _ => {
            app.prompt = Some(Prompt::new(STEP_PROMPT));
            return Vec::new();
        }
    };
    vec![Command::Play(wanted)]
}

/// Intents that change only what is shown.
fn look(app: &mut App, intent: Intent) {
    match intent {
        Intent::NextScreen => app.front = (app.front + 1) % app.screens().len(),
        Intent::PreviousScreen => app.front = (app.front + app.screens().len() - 1) % app.screens().len(),
        Intent::Screens => app.list = Some(List::of_screens(app)),
        several if several.is_of_several_runs() && app.store.is_single() => {
            app.say(Level::Info, "no other run is open; `aha-lab open A B` opens several");
        }
        Intent::NextRun => app.show_run(app.store.beside(1)),
        Intent::PreviousRun => app.show_run(app.store.beside(-1)),
        Intent::Runs => app.list = Some(List::of_runs(app)),
        Intent::Others => show_others(app),
        Intent::Tour => tour::begin(app),
        Intent::Help => help::open(app),
        Intent::Suspend => app.effects.push(Effect::Suspend),
        Intent::Redraw => app.effects.push(Effect::Redraw),
        Intent::Mouse => {
            app.mouse = !app.mouse;
            app.say(
                Level::Info,
                if app.mouse {
                    "the mouse scrolls and clicks again"
                } else {
                    "the mouse is released: select text with it; M takes it back"
                },
            );
        }
        Intent::GoBack => back(app),
        Intent::Commands => app.commands = Some(CommandPalette::default()),
        Intent::Search => search::begin(app),
        Intent::NextMatch => search::turn(app, true),
        Intent::PreviousMatch => search::turn(app, false),
        Intent::NextTheme => app.set_theme(app.named.next()),
        Intent::Write => match handout(app) {
            Some(handout) => {
                let name = format!("{}{}", handout.name(), Form::Markdown.ending());
                app.prompt = Some(Prompt::asking(Asks::Text, &name));
            }
            None => write_screen(app),
        },
        Intent::WriteScreen => write_screen(app),
        _ => {}
    }
}

/// Puts away the message, then the search, and then goes back to the screen before.
pub(super) fn back(app: &mut App) {
    if app.message.take().is_some() || app.needle.take().is_some() {
        return;
    }
    if let Some(before) = app.trail.pop().filter(|before| *before < app.screens().len()) {
        app.going_back = app.front != before;
        app.front = before;
    }
}

/// The text under the cursor of the screen in front.
pub(super) fn handout(app: &App) -> Option<Handout> {
    app.in_front().under_cursor(&app.scene())
}

/// Opens the prompt for the file that the screen is written to.
fn write_screen(app: &mut App) {
    let name = format!("aha-{}{}", app.in_front().name().to_lowercase(), Form::Svg.ending());
    app.prompt = Some(Prompt::asking(Asks::Screen, &name));
}

fn show_others(app: &mut App) {
    app.looks.others = !app.looks.others;
    app.say(
        Level::Info,
        if app.looks.others {
            "dotted curves are those of the other open runs, each with its number"
        } else {
            "the charts show this run alone"
        },
    );
}

/// Runs `ask` where the run can do what is needed, and otherwise says why it cannot.
pub(super) fn control(
    app: &mut App,
    needed: Capability,
    ask: impl FnOnce(&mut App) -> Command,
) -> Vec<Command> {
    control_all(app, needed, |app| vec![ask(app)])
}

/// The same for several commands.
pub(super) fn control_all(
    app: &mut App,
    needed: Capability,
    ask: impl FnOnce(&mut App) -> Vec<Command>,
) -> Vec<Command> {
    let ending = app.quitting.map(|_| "stopping; q again quits at once");
    let Some(refusal) = app.run().refusal(needed).or(ending) else { return ask(app) };
    app.say(Level::Info, refusal);
    Vec::new()
}

/// Asks the run to set these keys from its next step on.
pub(super) fn set(app: &mut App, keys: Vec<(String, String)>) -> Vec<Command> {
    control_all(app, Capability::Set, |app| {
        let each: Vec<String> = keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let applies = if keys.len() == 1 { "it applies" } else { "they apply" };
        app.say(Level::Info, format!("requested {}; {applies} from the next step on", each.join(", ")));
        keys.into_iter().map(|(key, value)| Command::Set { key, value }).collect()
    })
}

pub(in crate::tui::shell) fn quit(app: &mut App) -> Vec<Command> {
    app.dirty = true;
    // A run of another process continues without us.
    let Some(own) = app.store.own_in_hand().filter(|_| app.quitting.is_none()) else {
        app.leave = true;
        return Vec::new();
    };
    // A person sees how the run ends that they end.
    app.show_run(own);
    app.quitting = Some(app.run().now);
    app.say(
        Level::Warning,
        "stopping: the engine finishes its token and writes a checkpoint; q again quits at once",
    );
    vec![Command::Stop]
}
