//! `aha-lab run`: a run of our own engine, on screen or headless.

use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use crossbeam_channel::RecvTimeoutError;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Failure, INTERRUPTED,
    base::{base_of, place_of},
    detached,
    farewell::{self, Leaving},
    first_start, progress_visible, remembered,
    settings::SettingArgs,
    summary::Summary,
};
use crate::{
    config::{Config, OnCollapse},
    engine::{
        self,
        setup::{EngineOptions, Start},
    },
    hub::Want,
    metrics::registry,
    protocol::{Command, Event, Temporality},
    record::Step,
    runs::{
        RunAtStep, RunDirectory,
        source::{self, Reading},
        state::TrainingState,
    },
    socket::ControlServer,
    system::{
        output::{printable, printable_within_line, say},
        platform,
    },
    tui::{self, EngineHelpers, Helpers, TuiOptions},
};

/// Train: on screen, or headless with a progress bar
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Examples:
  aha-lab run                                      the lab, from the embedded base model
  aha-lab run --headless --steps 30 --seed 1       train without a screen
  aha-lab run --detach --steps 500                 train in the background; `aha-lab open` shows it
  aha-lab run --set control=random-reward          the control: a reward that ignores the answer
  aha-lab run --task multiplication                another task, from its own base model
  aha-lab run --base HuggingFaceTB/SmolLM2-135M    from a model on the hub, which is fetched first
  aha-lab run --level tinyzero                     TinyZero's three or four numbers up to 99, from the base for it
  aha-lab run --set preset=dapo --set learning_rate=2e-4
  aha-lab run --resume seed1 --steps 60            continue to step 60
  aha-lab run --fork seed1@20 --set seed=7         a new run from a checkpoint")]
pub struct RunArgs {
    /// Train without a screen, with a progress bar on standard error
    #[arg(long)]
    pub headless: bool,
    /// Train in the background without a screen: it survives the terminal, and `aha-lab open` shows and
    /// commands it
    #[arg(long)]
    pub detach: bool,
    /// This process is the one in the background
    #[arg(long, hide = true)]
    pub in_background: bool,
    /// End after step N; without it a headless run ends after 30 steps, and the lab runs until you leave it
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// What configures it
    #[command(flatten)]
    pub given: SettingArgs,
    /// Wait before the first token until the run is resumed or stepped
    #[arg(long)]
    pub paused: bool,
    /// The base model: `embedded`, a Hugging Face folder, a GGUF file, or a model's name on the hub, as
    /// OWNER/MODEL[@REVISION][:FILE.gguf]
    #[arg(long, value_name = "DIR|NAME|embedded", default_value = "embedded")]
    pub base: String,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Resume a run from its newest checkpoint, with its own configuration; resuming from STEP removes the
    /// steps and checkpoints after it
    #[arg(long, value_name = "RUN[@STEP]", conflicts_with_all = ["fork", "base", "config", "settings", "seed", "control", "task", "level", "backend"])]
    pub resume: Option<String>,
    /// Begin a new run from a checkpoint of another
    #[arg(long, value_name = "RUN@STEP")]
    pub fork: Option<String>,
    /// Name of the new run directory, after the date
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Print a JSON summary at the end of a headless run
    #[arg(long)]
    pub json: bool,
    /// Draw with ASCII only
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
}

/// Steps of a headless run that was not told how many.
const HEADLESS_STEPS: u64 = 30;
/// How long a stopped engine may take to write its last checkpoint.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Runs the command and returns the exit code.
///
/// # Errors
/// A sentence about what is wrong with the arguments or the terminal.
pub fn run(args: &RunArgs, stdout: impl Write) -> Result<i32, Failure> {
    if args.detach && !args.in_background {
        // Fetched here, where a person sees it; the process in the background then finds it.
        if !args.base.eq("embedded") {
            place_of(&args.base, Want::Model)?;
        }
        return detached::start(args.json, stdout);
    }
    if args.in_background {
        platform::begin_session()?;
    }
    let options = options(args)?;
    if args.headless || args.detach {
        return headless(args, options, stdout);
    }
    super::require_terminal()?;
    let (source, mut thread) = engine::spawn(options.clone())?;
    let mut restarter = |run: &Path| {
        let again = EngineOptions {
            start: Start::Resume(RunDirectory::open(run).map_err(io::Error::other)?, None),
            paused: false,
            ..options.clone()
        };
        let (source, next) = engine::spawn(again)?;
        // The failed engine has sent its last event.
        let _ = std::mem::replace(&mut thread, next).join();
        Ok(source)
    };
    let helpers = Helpers {
        engine: Some(EngineHelpers { restart: &mut restarter, past: &mut source::before }),
        open: &mut |run| {
            super::open::watch(run, &Reading::following()).map_err(|failure| failure.to_string())
        },
        fork: &mut |fork| detached::fork(&args.runs, fork),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| tui::run(source, Vec::new(), screen(args), helpers)));
    if !matches!(&outcome, Ok(Ok(outcome)) if !outcome.engine_ended) {
        // It has sent its last event, or the screen was lost and with it the source, which ends the engine
        // like a stop; its files close with its thread.
        let _ = thread.join();
    }
    finish_screen(&outcome.unwrap_or_else(|panic| resume_unwind(panic))?)
}

fn screen(args: &RunArgs) -> TuiOptions {
    let welcome = first_start::is_first();
    let mut options = TuiOptions { mouse: !args.no_mouse, welcome, ..TuiOptions::default() };
    options.theme.ascii |= args.ascii;
    options.runs.clone_from(&args.runs);
    remembered::recall(&mut options);
    options
}

fn finish_screen(outcome: &tui::TuiOutcome) -> Result<i32, Failure> {
    remembered::keep(&outcome.remembered);
    if let Some(tui::Seen { run: Some(run), price_per_hour, .. }) = outcome.runs.first() {
        let price_per_hour = Some(*price_per_hour);
        farewell::say(run, Leaving { price_per_hour, accuracy_is_told: false, engine_is_ours: true });
    }
    match &outcome.failed {
        Some(reason) => Err(Failure(reason.clone())),
        None => Ok(if outcome.interrupted { INTERRUPTED } else { 0 }),
    }
}

/// The arguments as the engine's options.
fn options(args: &RunArgs) -> Result<EngineOptions, Failure> {
    let fork = match &args.fork {
        Some(at) => {
            let at: RunAtStep = at.parse()?;
            Some((RunDirectory::find(&args.runs, &at.run)?, at.step))
        }
        None => None,
    };
    let parent = match &fork {
        Some((run, step)) => {
            let checkpoint = run.checkpoint(*step)?;
            let name = args.fork.clone().unwrap_or_default();
            Some((name, TrainingState::load(&checkpoint.path)?.config))
        }
        None => None,
    };
    // A resumed run has its own configuration.
    let config = match &args.resume {
        Some(_) => Config::default(),
        None => args.given.layers(parent)?.config,
    };
    let start = match (&args.resume, fork) {
        (Some(name), _) => {
            // If a run has an @ in its name, the whole text is its name.
            let at = name.parse().unwrap_or_else(|_| RunAtStep { run: name.clone(), step: None });
            Start::Resume(RunDirectory::find(&args.runs, &at.run)?, at.step)
        }
        (None, Some((run, step))) => Start::Fork(run, step),
        (None, None) => Start::New(base_of(&args.base)?),
    };
    Ok(EngineOptions {
        config,
        start,
        runs_root: args.runs.clone(),
        name: args.name.clone(),
        last_step: args.steps.or((args.headless || args.detach).then_some(HEADLESS_STEPS)),
        // A detached run can be resumed through its socket.
        paused: args.paused && (args.detach || !args.headless),
    })
}

/// Runs without a screen. Long because it is one loop: every event, and what it means for a run that nobody watches.
fn headless(args: &RunArgs, options: EngineOptions, mut stdout: impl Write) -> Result<i32, Failure> {
    let last = options.last_step.unwrap_or(HEADLESS_STEPS);
    let shown = progress_visible() && !args.detach;
    let bar = progress_bar(last, shown);
    let interrupts = platform::interrupts()?;
    let (source, thread) = engine::spawn(options)?;
    let mut control: Option<ControlServer> = None;
    let mut summary = Summary::default();
    let mut interrupted: Option<Instant> = None;
    // Whether the run paused itself since its last finished step.
    let mut troubled = false;
    // Whether a run that paused itself stays paused.
    let mut halts = false;
    let mut warned = String::new();
    let started = Instant::now();
    let end = loop {
        if interrupts.try_recv().is_ok() && interrupted.is_none() {
            interrupted = Some(Instant::now());
            source.command(Command::Stop);
        }
        let event = source.events.recv_timeout(Duration::from_millis(100));
        if let (Some(control), Ok(event)) = (&control, &event) {
            control.tell(event);
        }
        match event {
            Ok(Event::Started(told)) => {
                halts = told.config.watch.sentinel == OnCollapse::Pause;
                let run = printable_within_line(&told.run.display().to_string());
                bar.println(printable(&format!("{run} on {}: {}", told.backend, told.backend_reason)));
                bar.set_position(told.step);
                match source.commands.clone().map(|commands| ControlServer::start(&told.run, commands)) {
                    Some(Ok(serving)) => control = Some(serving),
                    Some(Err(error)) if args.detach => {
                        say(format!("{error} The run continues, but takes no commands."));
                    }
                    _ => {}
                }
                if args.in_background {
                    detached::report(&told.run, &mut stdout);
                }
            }
            Ok(Event::StepDone(metrics)) => {
                bar.set_position(metrics.step);
                bar.set_message(step_in_words(&metrics));
                summary.take_in(*metrics);
                troubled = false;
            }
            Ok(Event::Warning(text)) if text != warned => {
                match shown {
                    true => bar.println(printable(&text)),
                    false => say(&text),
                }
                warned = text;
            }
            Ok(Event::Temporality(Temporality::Pausing))
                if control.as_ref().is_some_and(ControlServer::pause_is_wanted) => {}
            // A detached run that is in trouble again waits, paused, for its disk or for someone to open it.
            Ok(Event::Temporality(Temporality::Pausing)) if args.detach && (troubled || halts) => {}
            Ok(Event::Temporality(Temporality::Pausing)) => {
                // Nobody is there to resume a run that paused itself: it retries once, and ends if that does
                // not help (the disk is still full). With `sentinel=pause` the user wants to look first.
                source.command(if troubled || halts { Command::Stop } else { Command::TryAgain });
                troubled = true;
            }
            Ok(Event::Failed(reason)) => {
                bar.abandon();
                return Err(Failure(reason));
            }
            Ok(Event::Finished { steps, run }) => break Some((steps, run)),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout)
                if interrupted.is_some_and(|since| since.elapsed() > LAST_WORDS) =>
            {
                break None;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    bar.finish_and_clear();
    if end.is_some() {
        // It has sent its last event; its files close and the run's lock is released with its thread. Only
        // then is the socket removed, so a run without a socket is never still held by another process.
        let _ = thread.join();
    }
    // Watchers were told of the end.
    drop(control);
    let Some((done, run)) = end else {
        return Err(Failure(
            "The engine ended without giving a reason; everything journalled is safe.".into(),
        ));
    };
    summary.print(&run, done, args.json, started.elapsed(), stdout)?;
    let leaving = Leaving { price_per_hour: None, accuracy_is_told: !args.json, engine_is_ours: true };
    farewell::say(&run, leaving);
    Ok(if interrupted.is_some() { INTERRUPTED } else { 0 })
}

/// What the progress bar says of a step.
fn step_in_words(metrics: &Step) -> String {
    format!(
        "reward {:.3}  accuracy {:.3}  length {:.0}  checks {:.2}  {:.1} s",
        metrics.get(&registry::REWARD),
        metrics.get(&registry::ACCURACY),
        metrics.get(&registry::MEAN_LENGTH),
        metrics.get(&registry::CHECKS),
        metrics.get(&registry::STEP_TIME)
    )
}

fn progress_bar(steps: u64, shown: bool) -> ProgressBar {
    let bar = if shown { ProgressBar::new(steps) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} step {pos}/{len}  {msg}  {elapsed} (left {eta})")
    {
        bar.set_style(style);
    }
    bar
}
