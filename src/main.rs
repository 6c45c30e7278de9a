//! The command line.

#![warn(clippy::disallowed_methods)]

use std::{
    io::{Write, stderr, stdin, stdout},
    path::{Path, PathBuf},
    process::exit,
};

use aha_lab::{
    command::{
        self, Failure,
        doctor::{BaseModelFacts, DoctorFacts},
    },
    device::BackendRequest,
    model::{config::ModelConfig, embedded},
    task::{FAMILIES, Family},
};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

/// Training allocates and frees the same large sizes over and over; the system's allocator gives them back each
/// time and faults the pages in again.
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
    run: command::run::RunArgs,
}

#[derive(Subcommand)]
enum Command {
    Run(command::run::RunArgs),
    Open(command::open::OpenArgs),
    Pretrain(command::pretrain::PretrainArgs),
    Eval(command::eval::EvalArgs),
    Play(command::play::PlayArgs),
    Score(command::score::ScoreArgs),
    Analyze(command::analyze::AnalyzeArgs),
    Puzzles(command::puzzles::PuzzlesArgs),
    Bench(command::bench::BenchArgs),
    Doctor(command::doctor::DoctorArgs),
    Export(command::export::ExportArgs),
    Replay(command::replay::ReplayArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

fn main() {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => exit(code),
        // A reader that has seen enough (`| head`) is no failure.
        Err(Failure(text)) if text.contains("Broken pipe") => exit(0),
        Err(Failure(text)) => {
            // Not `eprintln!`, which panics where the terminal is gone.
            let _ = writeln!(stderr(), "{}", command::printable(&text));
            exit(1);
        }
    }
}

fn run(arguments: Arguments) -> Result<i32, Failure> {
    let boxed = |error: Box<dyn std::error::Error>| Failure(error.to_string());
    match arguments.command {
        None => command::run::run(&arguments.run, stdout()),
        Some(Command::Run(args)) => command::run::run(&args, stdout()),
        Some(Command::Open(args)) => command::open::run(&args),
        Some(Command::Pretrain(args)) => command::pretrain::run(&args, stdout()),
        Some(Command::Eval(args)) => command::eval::run(&args, stdout()),
        Some(Command::Play(args)) => command::play::run(&args, stdout()),
        Some(Command::Score(args)) => command::score::run(&args, stdin(), stdout()).map_err(boxed),
        Some(Command::Analyze(args)) => command::analyze::run(&args, stdin(), stdout()).map_err(boxed),
        Some(Command::Puzzles(args)) => command::puzzles::run(&args, stdout()).map_err(boxed),
        Some(Command::Bench(args)) => command::bench::run(&args, stdout()),
        Some(Command::Doctor(args)) => command::doctor::run(&args, &facts(), stdout()).map_err(boxed),
        Some(Command::Export(args)) => command::export::run(&args, stdout()),
        Some(Command::Replay(args)) => command::replay::run(&args, stdout()),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Arguments::command(), "aha-lab", &mut stdout());
            Ok(0)
        }
    }
}

fn facts() -> DoctorFacts {
    let model = |family: &&Family| BaseModelFacts {
        task: family.name,
        parameters: ModelConfig::parse(family.base.config).map_or(0, |config| config.parameters()),
        bytes: family.base.weights.len(),
        sha256: embedded::hash_of(family.base.weights),
    };
    DoctorFacts {
        version: env!("CARGO_PKG_VERSION").into(),
        request: BackendRequest::Auto,
        runs_root: PathBuf::from(Path::new("runs")),
        base_models: FAMILIES.iter().map(model).collect(),
    }
}
