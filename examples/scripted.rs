//! The lab on a made-up run: no model, and the same run each time. The tests of the terminal run it, and it shows every
//! screen within seconds: `cargo run --release --example scripted -- --pace 5`

use std::{path::Path, process::exit, time::Duration};

use aha_lab::{
    engine::scripted::{self, ScriptedOptions},
    system::output,
    tui::{self, EngineHelpers, Helpers, TuiOptions},
};
use clap::Parser;

/// As in the lab itself, so that its memory can be measured here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Play a made-up run on screen
#[derive(Parser)]
struct Arguments {
    /// Milliseconds between two decoded positions; 0 plays as fast as it can
    #[arg(long, default_value_t = 25)]
    pace: u64,
    /// The run fails in this step
    #[arg(long)]
    failure: Option<u64>,
}

fn main() {
    exit(match play(&Arguments::parse()) {
        Ok(code) => code,
        Err(said) => {
            output::say(said);
            1
        }
    });
}

/// The exit code, as the lab's own: 130 after an interrupt. A run that failed and is restarted begins before its last
/// finished step, as from a checkpoint.
fn play(arguments: &Arguments) -> Result<i32, String> {
    let options = ScriptedOptions {
        position: Duration::from_millis(arguments.pace),
        fail_at: arguments.failure,
        ..ScriptedOptions::default()
    };
    let source = scripted::start(options.clone()).map_err(|error| error.to_string())?;
    let mut restart = |_: &Path| {
        let first_step = arguments.failure.map_or(1, |failed| failed.saturating_sub(1).max(1));
        scripted::start(ScriptedOptions { fail_at: None, first_step, ..options.clone() })
    };
    let helpers = Helpers {
        engine: Some(EngineHelpers { restart: &mut restart, past: &mut |_| None }),
        open: &mut |_| Err("Nothing is opened here: the run is made up.".into()),
        fork: &mut |_| Err("Nothing is forked here: the run is made up.".into()),
    };
    let outcome =
        tui::run(source, Vec::new(), TuiOptions::default(), helpers).map_err(|error| error.to_string())?;
    match outcome.failed {
        Some(reason) => Err(reason),
        None if outcome.interrupted => Ok(130),
        None => Ok(0),
    }
}
