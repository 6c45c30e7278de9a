//! Restarts a failed engine from its run's last checkpoint; the screen keeps its contents.

use std::{io, path::Path};

use super::{
    app::{App, Ended},
    effect::Effect,
    message::Level,
};
use crate::{
    protocol::{Capability, RunSource},
    tui::store::Run,
};

/// Starts an engine that resumes the run in this directory from its last checkpoint.
pub(crate) type Restarter<'a> = dyn FnMut(&Path) -> io::Result<RunSource> + 'a;

/// Whether a restart is possible: the engine is ours, has failed, and had begun a run.
pub fn is_offered(app: &App) -> bool {
    let failed = matches!(app.run().ended, Some(Ended::Failed(_)));
    let ours = app.run().has(Capability::Restart) && app.run().started.is_some();
    failed && ours && app.quitting.is_none()
}

/// The key was pressed.
pub(super) fn ask(app: &App) -> Vec<Effect> {
    if is_offered(app) {
        vec![Effect::Restart]
    } else if app.run().in_control() {
        Effect::info("the engine is running; it can be restarted only after a failure")
    } else {
        Effect::info("there is no failed engine to restart")
    }
}

/// The engine has failed; every screen says so, and what can be done.
pub(super) fn offer(app: &mut App) {
    if is_offered(app) {
        app.say(Level::Error, "the engine failed; r restarts it from its last checkpoint");
    }
}

/// Another engine starts; it will report its step.
pub(super) fn begun(app: &mut App) {
    let Some(own) = app.store.own() else { return };
    app.store.get_mut(own).into_iter().for_each(Run::restart);
    app.visits[own].inspecting = None;
    app.say(Level::Info, "the engine restarts from its last checkpoint");
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::{
        engine::scripted::Script,
        protocol::{Event, RunFacts},
        tui::shell::{app::Action, theme::Theme, update::update},
    };

    /// The events of a run with this many steps.
    fn told(app: &mut App, from: u64, to: u64) {
        let script = Script::new(3);
        let mut tell = |event| drop(update(app, Action::Engine(0, event)));
        tell(Event::Started(Box::new(script.started("runs/x".into(), from))));
        for step in from + 1..=to {
            script.group(step, 0).into_iter().for_each(|r| tell(Event::RolloutScored(Box::new(r))));
            tell(Event::StepDone(Box::new(script.metrics(step))));
            script.pins(step).into_iter().for_each(|a| tell(Event::PinnedAnswered(Box::new(a))));
        }
    }

    fn press_r(app: &mut App) -> bool {
        update(app, Action::Key(KeyEvent::new(KeyCode::Char('r'), KeyModifiers::NONE)));
        std::mem::take(&mut app.effects).contains(&Effect::Restart)
    }

    #[test]
    fn it_is_offered_for_a_failed_engine_of_ours_that_had_begun_and_for_no_other() {
        for (facts, can_restart, begun, failed, offered) in [
            (RunFacts::of_our_engine(), true, true, true, true),
            (RunFacts::of_our_engine(), true, true, false, false),
            (RunFacts::of_our_engine(), true, false, true, false),
            (RunFacts::of_our_engine(), false, true, true, false),
            (RunFacts::of_another_process(), true, true, true, false),
            (RunFacts::of_our_files(true), true, true, true, false),
            (RunFacts::of_our_files(false), true, true, true, false),
        ] {
            let facts = if can_restart { facts } else { facts.without(Capability::Restart) };
            let mut app = App::new(Theme::plain(), facts);
            if begun {
                told(&mut app, 0, 1);
            }
            if failed {
                update(&mut app, Action::Engine(0, Event::Failed("It broke.".into())));
            }
            assert_eq!(press_r(&mut app), offered, "{facts:?} {can_restart} {begun} {failed}");
        }
    }

    #[test]
    fn what_came_after_the_checkpoint_goes_and_what_came_before_stays() {
        let mut app = App::new(Theme::plain(), RunFacts::of_our_engine());
        told(&mut app, 0, 8);
        update(
            &mut app,
            Action::Engine(0, Event::EvalDone { step: 2, accuracy: 0.1, pass_at_k: None, puzzles: 1 }),
        );
        update(
            &mut app,
            Action::Engine(0, Event::EvalDone { step: 8, accuracy: 0.2, pass_at_k: None, puzzles: 1 }),
        );
        update(&mut app, Action::Engine(0, Event::Failed("It broke.".into())));
        assert!(press_r(&mut app));
        begun(&mut app);
        assert_eq!(
            (app.run().history.last().unwrap().step, app.run().completions.len()),
            (8, 64),
            "nothing goes before it tells"
        );
        told(&mut app, 5, 5);
        assert_eq!((app.run().history.last().unwrap().step, app.run().completions.len()), (5, 40));
        assert_eq!(app.run().counts.meter.window_range(None), Some((1, 5)));
        assert_eq!(app.run().evaluations.iter().map(|found| found.step).collect::<Vec<_>>(), [2]);
        let answers = app.run().pins.all().iter().flat_map(|pinned| pinned.answers.keys());
        assert!(answers.copied().all(|step| step <= 5));
        let mut undisturbed = App::new(Theme::plain(), RunFacts::of_our_engine());
        told(&mut undisturbed, 0, 8);
        told(&mut app, 5, 8);
        assert_eq!(app.run().counts.meter, undisturbed.run().counts.meter);
        assert_eq!(app.run().history.steps(), undisturbed.run().history.steps());
        assert_eq!(app.run().completions.len(), undisturbed.run().completions.len());
        // A second beginning without a failure cuts nothing.
        told(&mut app, 2, 2);
        assert_eq!(app.run().history.last().unwrap().step, 8);
    }
}
