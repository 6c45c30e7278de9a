//! `aha-lab scale`: a project that an engine for many GPUs runs as it is.

mod base;
mod dataset;
mod engine;
mod machine;
mod needs;
mod plan;
mod readme;
mod trl;
mod verl;
mod yaml;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use self::{machine::Gpu, plan::Plan};
use super::{Failure, export::write_folder};
use crate::{
    system::{files, output},
    task,
};

/// Write a project that trains the same task with TRL or verl on many GPUs
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The project holds the puzzles (parquet), the reward, the engine's configuration, a launch script and a README that says
what it will take of memory and time, by which formula, and how the lab shows it. No weights are read.

Examples:
  aha-lab scale --engine trl ./qwen3b --base Qwen/Qwen2.5-3B --gpus 4
  aha-lab scale --engine verl ./qwen7b --base Qwen/Qwen2.5-7B --gpus 8 --nodes 2 --algorithm dapo --price 2.5
  aha-lab scale --engine trl ./small --base ./my-model --gpus 2 --set lora_rank=32 --set max_new_tokens=512")]
pub struct ScaleArgs {
    /// The folder to write; it must be new or empty
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// trl or verl
    #[arg(long, value_name = "NAME")]
    pub engine: String,
    /// A model's name on the hub, or its folder
    #[arg(long, value_name = "DIR|org/name")]
    pub base: String,
    /// GPUs of each node
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub gpus: u32,
    /// Nodes
    #[arg(long, value_name = "M", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub nodes: u32,
    /// What the GPUs are, for memory and cost: a100-40, a100, h100, h200, b200, l40s, a10g or rtx4090
    #[arg(long, value_name = "NAME", default_value = "h100")]
    pub gpu: String,
    /// A preset of the lab: grpo, dapo, dr_grpo, ... (docs/algorithms.md)
    #[arg(long, value_name = "PRESET", default_value = "grpo")]
    pub algorithm: String,
    /// Steps to train: rounds of sampling
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub steps: u64,
    /// Any key of the lab's configuration; keys without a counterpart in the engine are refused
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Weights of the model, such as 7.6e9, if they cannot be told from its config.json or name
    #[arg(long, value_name = "COUNT")]
    pub parameters: Option<f64>,
    /// Dollars that you pay for an hour of one GPU
    #[arg(long, value_name = "DOLLARS")]
    pub price: Option<f64>,
}

/// Writes the project and returns the exit code.
///
/// # Errors
/// A sentence that says what cannot be done, or what is in the way.
pub fn run(args: &ScaleArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let engine = engine::named(&args.engine)?;
    let gpu = Gpu::named(&args.gpu)?;
    check_folder(&args.folder)?;
    let price = args.price.map(checked_price).transpose()?;
    let plan = Plan::of(args, engine, gpu)?;
    let mut files = engine.files(&plan);
    let needs = needs::Needs::of(&plan);
    files.push(("README.md".to_owned(), readme::text(engine, &plan, &needs, price).into_bytes()));
    write_folder(&args.folder, &files)?;
    make_executable(&args.folder.join("launch.sh"))?;
    write_puzzles(&plan, &args.folder.join("data"))?;
    plan.notes.iter().for_each(output::say);
    needs.problem(&plan).iter().for_each(output::say);
    writeln!(stdout, "{}", args.folder.display())?;
    Ok(0)
}

fn check_folder(folder: &Path) -> Result<(), Failure> {
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    match taken {
        true => {
            Err(Failure(format!("{} is no empty folder; choose another for the project.", folder.display())))
        }
        false => Ok(()),
    }
}

fn checked_price(price: f64) -> Result<f64, Failure> {
    match price.is_finite() && price >= 0.0 {
        true => Ok(price),
        false => Err(Failure("--price must be a number of dollars, 0 or more.".into())),
    }
}

fn write_puzzles(plan: &Plan, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure(format!("{}: {e}.", folder.display())))?;
    for (split, name, count) in
        [(task::Split::Train, "train", plan.puzzles()), (task::Split::Heldout, "heldout", plan.held_out())]
    {
        let path = folder.join(format!("{name}.parquet"));
        let failed = |e: String| Failure(format!("{}: {e}.", path.display()));
        let rows = plan.rows(split, count)?;
        let file = files::create(&path).map_err(|e| failed(e.to_string()))?;
        dataset::write(&rows, plan.config.puzzles.task.name, name, file)
            .map_err(|e| failed(e.to_string()))?;
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests;
