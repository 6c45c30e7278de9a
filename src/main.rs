//! The command line.

#![warn(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)]

use std::{
    env,
    ffi::OsString,
    io::{Write, stdin},
    path::{Path, PathBuf},
    process::exit,
};

use aha_lab::{
    cli::{
        self, Failure,
        doctor::{BaseModelFacts, DoctorFacts},
    },
    device::{self, BackendRequest},
    model::{config::ModelConfig, source::hash_of},
    system::{output, platform},
    task::{BaseFiles, FAMILIES, Family},
};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

/// Training allocates and frees the same large sizes over and over; the system allocator returns them to the
/// system each time and faults the pages in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A terminal lab for watching reasoning emerge under reinforcement learning
#[derive(Parser)]
#[command(
    name = "aha-lab",
    version,
    after_help = "\
Without a command: the lab, on a new run from the embedded base model.

Examples:
  aha-lab                                    open the lab
  aha-lab open runs/first-aha                see the run that ships with the source
  aha-lab run --headless --steps 30 --seed 1
  aha-lab eval --checkpoint seed1@20

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: cli::run::RunArgs,
}

#[derive(Subcommand)]
enum Command {
    Run(cli::run::RunArgs),
    Open(cli::open::OpenArgs),
    Pretrain(cli::pretrain::PretrainArgs),
    Prime(cli::prime::PrimeArgs),
    Eval(cli::eval::EvalArgs),
    Play(cli::play::PlayArgs),
    Score(cli::score::ScoreArgs),
    Analyze(cli::analyze::AnalyzeArgs),
    Puzzles(cli::puzzles::PuzzlesArgs),
    Bench(cli::bench::BenchArgs),
    Doctor(cli::doctor::DoctorArgs),
    Export(cli::export::ExportArgs),
    Replay(cli::replay::ReplayArgs),
    Runs(cli::runs::RunsArgs),
    Compare(cli::compare::CompareArgs),
    Sweep(cli::sweep::SweepArgs),
    Cast(cli::cast::CastArgs),
    Metrics(cli::metrics::MetricsArgs),
    Config(cli::config::ConfigArgs),
    Report(cli::report::ReportArgs),
    Scale(cli::scale::ScaleArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write manual pages, one for each command
    Man {
        /// The folder they go into; it must exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// The hidden argument that starts the process which asks the graphics drivers for their adapters.
const LIST_ADAPTERS: &str = "list-adapters";

fn main() {
    platform::outlive_file_size_limit();
    if env::args_os().skip(1).eq([LIST_ADAPTERS]) {
        exit(i32::from(device::print_adapters(output::stdout()).is_err()));
    }
    if let Ok(program) = env::current_exe() {
        device::ask_in_a_process(program, LIST_ADAPTERS);
    }
    let ended = Arguments::try_parse().map_or_else(|error| usage(&error), run);
    let _ = output::stdout().flush();
    exit(match (ended, output::lost()) {
        // A reader that has seen enough (`| head`) is not a failure.
        (Err(_), Some(lost)) if lost.is_enough() => 0,
        (Ok(code), Some(lost)) if lost.is_enough() => code,
        (_, Some(lost)) => {
            output::say(lost);
            1
        }
        (Err(Failure(text)), None) => {
            output::say(text);
            1
        }
        (Ok(code), None) => code,
    });
}

/// Prints the help, the version, or what is wrong with the arguments, which may contain any bytes. Returns
/// the exit code.
fn usage(error: &clap::Error) -> Result<i32, Failure> {
    let commands_terminal = |argument: OsString| argument.to_string_lossy().chars().any(char::is_control);
    let plain = error.render().to_string();
    match (error.use_stderr(), env::args_os().any(commands_terminal)) {
        (false, true) => write!(output::stdout(), "{plain}")?,
        (true, true) => output::say(plain.trim_end()),
        // Clap prints in colour to a terminal.
        (is_wrong, false) => match error.print() {
            // An error that cannot be printed has nowhere else to go; help that cannot be printed is a
            // failure.
            Err(_) if !is_wrong => write!(output::stdout(), "{plain}")?,
            _ => {}
        },
    }
    Ok(error.exit_code())
}

fn run(arguments: Arguments) -> Result<i32, Failure> {
    let boxed = |error: Box<dyn std::error::Error>| Failure(error.to_string());
    match arguments.command {
        None => cli::run::run(&arguments.run, output::stdout()),
        Some(Command::Run(args)) => cli::run::run(&args, output::stdout()),
        Some(Command::Open(args)) => cli::open::run(&args),
        Some(Command::Pretrain(args)) => cli::pretrain::run(&args, output::stdout()),
        Some(Command::Prime(args)) => cli::prime::run(&args, output::stdout()),
        Some(Command::Eval(args)) => cli::eval::run(&args, output::stdout()),
        Some(Command::Play(args)) => cli::play::run(&args, output::stdout()),
        Some(Command::Score(args)) => cli::score::run(&args, stdin(), output::stdout()).map_err(boxed),
        Some(Command::Analyze(args)) => cli::analyze::run(&args, stdin(), output::stdout()).map_err(boxed),
        Some(Command::Puzzles(args)) => cli::puzzles::run(&args, output::stdout()).map_err(boxed),
        Some(Command::Bench(args)) => cli::bench::run(&args, output::stdout()),
        Some(Command::Doctor(args)) => cli::doctor::run(&args, &facts(), output::stdout()).map_err(boxed),
        Some(Command::Export(args)) => cli::export::run(&args, output::stdout()),
        Some(Command::Replay(args)) => cli::replay::run(&args, output::stdout()),
        Some(Command::Runs(args)) => cli::runs::run(&args, output::stdout()),
        Some(Command::Compare(args)) => cli::compare::run(&args, output::stdout()),
        Some(Command::Sweep(args)) => cli::sweep::run(&args, output::stdout()),
        Some(Command::Cast(args)) => cli::cast::run(&args),
        Some(Command::Metrics(args)) => cli::metrics::run(&args, output::stdout()),
        Some(Command::Config(args)) => cli::config::run(&args, output::stdout()),
        Some(Command::Man { folder }) => {
            clap_mangen::generate_to(Arguments::command(), &folder)
                .map_err(|error| Failure(format!("{}: {error}.", folder.display())))?;
            Ok(0)
        }
        Some(Command::Report(args)) => cli::report::run(&args, output::stdout()),
        Some(Command::Scale(args)) => cli::scale::run(&args, output::stdout()),
        Some(Command::Completions { shell }) => {
            // Into memory first: it panics if it cannot write.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "aha-lab", &mut script);
            output::stdout().write_all(&script)?;
            Ok(0)
        }
    }
}

fn facts() -> DoctorFacts {
    let model = |family: &'static Family, (level, base): (&'static str, &BaseFiles)| BaseModelFacts {
        task: family.name,
        level,
        parameters: ModelConfig::parse(base.config).map_or(0, |config| config.parameters()),
        bytes: base.weights.len(),
        sha256: hash_of(base.weights),
    };
    let models = FAMILIES.iter().flat_map(|family| family.bases().map(move |base| model(family, base)));
    DoctorFacts {
        version: env!("CARGO_PKG_VERSION").into(),
        request: BackendRequest::Auto,
        runs_root: PathBuf::from(Path::new("runs")),
        base_models: models.collect(),
    }
}
