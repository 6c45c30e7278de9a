//! `aha-lab puzzles`: seeded puzzles as JSON lines.

use std::{
    error::Error,
    io::{self, BufWriter, Write},
};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::jsonl::{LineProgress, write_json_line};
use crate::task::{
    self, FAMILIES, Puzzle, Split, Task,
    countdown::{Countdown, puzzle::Level, solver},
};

/// Print puzzles, one JSON object per line.
///
/// A seed gives the same puzzles every time; a larger count only adds to them. They are drawn as in training,
/// so one may come twice.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  aha-lab puzzles --count 500 --split heldout --seed 1 > heldout.jsonl
  aha-lab puzzles --count 10 --level tinyzero --solutions
  aha-lab puzzles --count 10 --numbers 5 --max-number 50 --max-target 200")]
pub struct PuzzlesArgs {
    /// How many puzzles
    #[arg(long, value_name = "N")]
    pub count: u64,
    /// The task
    #[arg(long, value_name = "NAME", default_value = FAMILIES[0].name)]
    pub task: String,
    /// A named level [default: the task's first]: 3x20 (of 3x20, 4x20, tinyzero) for countdown, 2x2 (of 2x2,
    /// 2x1, 3x2) for multiplication
    #[arg(long, value_name = "LEVEL", conflicts_with_all = ["numbers", "max_number", "max_target"])]
    pub level: Option<String>,
    /// A Countdown level of your own: how many numbers are given, 2 to 6 [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=solver::MAX_NUMBERS as i64))]
    pub numbers: Option<u8>,
    /// A Countdown level of your own: the numbers are drawn from 1 to this [default: 20]
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(i64).range(1..))]
    pub max_number: Option<i64>,
    /// A Countdown level of your own: the largest target [default: 99]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(i64).range(1..))]
    pub max_target: Option<i64>,
    /// Which side of the held-out split
    #[arg(long, default_value = "train", value_parser = split_parser())]
    pub split: Split,
    /// Seed of the draws
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Add every distinct solution of each puzzle, shortest first; for multiplication, the ways to decompose it
    #[arg(long)]
    pub solutions: bool,
}

#[derive(Serialize)]
struct PuzzleLine<'a> {
    task: &'static str,
    #[serde(flatten)]
    puzzle: &'a Puzzle,
    split: Split,
    #[serde(skip_serializing_if = "Option::is_none")]
    solutions: Option<Vec<String>>,
}

/// Prints the puzzles on `stdout` and returns the exit code.
///
/// # Errors
/// A level without puzzles, or output that cannot be written.
pub fn run(args: &PuzzlesArgs, stdout: impl Write) -> Result<i32, Box<dyn Error>> {
    let task = task_of(args)?;
    let mut output = BufWriter::new(stdout);
    let mut progress = LineProgress::new(Some(args.count));
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    for _ in 0..args.count {
        let puzzle = task.draw(args.split, &mut rng);
        let solutions = if args.solutions { Some(task.solutions(&puzzle)?) } else { None };
        let line = PuzzleLine { task: task.name(), puzzle: &puzzle, split: args.split, solutions };
        if let Err(error) = write_json_line(&mut output, &line) {
            return ended_output(&error);
        }
        progress.advance();
    }
    output.flush().map_or_else(|error| ended_output(&error), |()| Ok(0))
}

/// A reader that has seen enough (`| head`) is not a failure.
fn ended_output(error: &io::Error) -> Result<i32, Box<dyn Error>> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(0);
    }
    Err(format!("Cannot write the puzzles: {error}.").into())
}

fn task_of(args: &PuzzlesArgs) -> Result<Box<dyn Task>, Box<dyn Error>> {
    let family = task::family(&args.task)?;
    if (args.numbers, args.max_number, args.max_target) == (None, None, None) {
        let level = args.level.as_deref().unwrap_or(family.levels[0]);
        return Ok((family.at)(level)?);
    }
    if family.name != FAMILIES[0].name {
        let message = format!(
            "--numbers, --max-number and --max-target make a level of {}; {} has {}.",
            FAMILIES[0].name,
            family.name,
            family.levels.join(", ")
        );
        return Err(message.into());
    }
    Ok(Box::new(Countdown { level: own_level(args)? }))
}

fn own_level(args: &PuzzlesArgs) -> Result<Level, Box<dyn Error>> {
    let count = usize::from(args.numbers.unwrap_or(3));
    let max_number = args.max_number.unwrap_or(20);
    let largest = solver::largest_number(count);
    if max_number > largest {
        let message =
            format!("--max-number {max_number} is too large: for {count} numbers at most {largest}.");
        return Err(message.into());
    }
    let level = Level::custom(count..=count, max_number, args.max_target.unwrap_or(99), false);
    if !has_puzzles(&level, args.split) {
        let message = format!(
            "{PROBES} draws of {count} numbers from 1 to {max_number} gave no puzzle with a target of {} to {} \
             on this side of the split. Allow larger numbers or targets.",
            level.min_target, level.max_target
        );
        return Err(message.into());
    }
    Ok(level)
}

const PROBES: u32 = 2_000;

/// Whether drawing from the level terminates. Uses its own seed, so that the draws stay the same.
fn has_puzzles(level: &Level, split: Split) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    (0..PROBES).any(|_| {
        let count = *level.counts.start();
        let numbers: Vec<i64> = (0..count).map(|_| rng.random_range(1..=level.max_number)).collect();
        let targets = solver::reachable_integers(&numbers, level.min_target..=level.max_target);
        Split::of_numbers(&numbers) == split && targets.into_iter().any(|target| !numbers.contains(&target))
    })
}

fn split_parser() -> impl TypedValueParser<Value = Split> {
    PossibleValuesParser::new(["train", "heldout"]).map(|name| match name.as_str() {
        "heldout" => Split::Heldout,
        _ => Split::Train,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: PuzzlesArgs,
    }

    fn printed(arguments: &str) -> Vec<serde_json::Value> {
        let cli = Cli::try_parse_from(["puzzles"].into_iter().chain(arguments.split(' '))).unwrap();
        let mut output = Vec::new();
        assert_eq!(run(&cli.args, &mut output).unwrap(), 0);
        let text = String::from_utf8(output).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn refusal(arguments: &str) -> String {
        match Cli::try_parse_from(["puzzles"].into_iter().chain(arguments.split(' '))) {
            Ok(cli) => run(&cli.args, io::sink()).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_seed_gives_the_same_puzzles_and_more_begin_with_the_fewer() {
        let few = printed("--count 5 --seed 3");
        assert_eq!(few.len(), 5);
        assert_eq!(printed("--count 20 --seed 3")[..5], few[..]);
        assert_ne!(printed("--count 5 --seed 4"), few);
        assert_eq!(printed("--count 5 --seed 3 --level 3x20"), few);
        assert_eq!(few[0]["task"], "countdown");
        assert_eq!(few[0]["split"], "train");
        assert!(few[0].get("solutions").is_none());
    }

    #[test]
    fn another_task_prints_its_own_puzzles_and_ways() {
        for line in printed("--count 20 --task multiplication --solutions") {
            assert_eq!(line["task"], "multiplication");
            let factors: Vec<i64> = serde_json::from_value(line["numbers"].clone()).unwrap();
            assert_eq!(line["target"].as_i64().unwrap(), factors.iter().product::<i64>());
            assert!(line["solutions"].as_array().unwrap().len() >= 3);
        }
    }

    #[test]
    fn a_level_of_ones_own_holds_its_bounds() {
        for line in
            printed("--count 40 --numbers 4 --max-number 7 --max-target 30 --split heldout --solutions")
        {
            let numbers: Vec<i64> = serde_json::from_value(line["numbers"].clone()).unwrap();
            assert_eq!(numbers.len(), 4);
            assert!(numbers.iter().all(|number| (1..=7).contains(number)));
            assert!((10..=30).contains(&line["target"].as_i64().unwrap()));
            assert_eq!(line["split"], "heldout");
            assert!(!line["solutions"].as_array().unwrap().is_empty());
        }
    }

    #[test]
    fn impossible_wishes_are_refused_in_words() {
        for (arguments, words) in [
            ("--seed 1", "--count"),
            ("--count 1 --level 9x9", "the levels are 3x20, 4x20, tinyzero"),
            ("--count 1 --level 3x20 --numbers 4", "cannot be used with"),
            ("--count 1 --numbers 7", "7 is not in 2..=6"),
            ("--count 1 --numbers 1", "1 is not in 2..=6"),
            ("--count 1 --max-target 0", "0 is not in 1.."),
            ("--count 1 --task chess", "the tasks are countdown, multiplication"),
            ("--count 1 --task multiplication --level 3x20", "the levels are 2x2, 2x1, 3x2"),
            ("--count 1 --task multiplication --numbers 3", "make a level of countdown"),
            ("--count 1 --split both", "train, heldout"),
            ("--count 1 --numbers 2 --max-number 1", "gave no puzzle with a target of 10 to 99"),
            ("--count 1 --numbers 6 --max-number 100000", "for 6 numbers at most"),
        ] {
            let message = refusal(arguments);
            assert!(message.contains(words), "{arguments}: {message}");
        }
    }
}
