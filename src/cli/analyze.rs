//! `aha-lab analyze`: the reasoning behaviours of recorded completions, one JSON answer a line.

use std::{
    error::Error,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;

use super::jsonl::{ScoreInput, answer_lines, answer_opened};
use crate::{
    metrics::{
        Tally,
        figures::{CAVEAT, figures, note},
        meter::Difference,
    },
    protocol::Event,
    record::{Analysis, Problem},
    runs::{
        RunDirectory,
        source::{self, Reading},
    },
    system::{files, output},
    task::{
        self, LastBlind, NumberPuzzle, RewardRules,
        answer::Graded,
        countdown::search::{Search, Space},
    },
};

/// Find the reasoning behaviours in completions: one JSON answer per line, with byte ranges.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct AnalyzeArgs {
    /// JSON lines with `numbers`, `target` and `completion`; other fields are ignored, so a run's
    /// rollouts.jsonl will do; - or nothing reads them from standard input
    #[arg(value_name = "FILE.jsonl")]
    pub file: Option<PathBuf>,
    /// Print the figures of the Meter screen over all completions instead of an answer for each; also done if FILE is
    /// a run directory
    #[arg(long)]
    pub summary: bool,
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
    /// Also say which states the completion explored, under `search`; slower
    #[arg(long, conflicts_with_all = ["summary", "json"])]
    pub search: bool,
    /// Which answer counts if a completion states several; `first` ignores whatever follows it. A run directory
    /// records this itself
    #[arg(long, value_name = "first|last", default_value_t = Graded::default())]
    pub answer: Graded,
}

const EXAMPLES: &str = r#"Examples:
  aha-lab analyze completions.jsonl
  aha-lab analyze runs/first-aha/rollouts.jsonl > behaviours.jsonl
  aha-lab analyze runs/first-aha
  aha-lab analyze trainer_output              a run of TRL, verl or another engine
  aha-lab analyze --summary --json completions.jsonl
  aha-lab analyze --search runs/first-aha/rollouts.jsonl | jq .search
  echo '{"numbers":[4,1,16],"target":19,"completion":"16 + 4 = 20 . check : 20 is not 19 ."}' | aha-lab analyze

Every answer holds the spans found, with byte offsets into the completion, and the counts. A line that
cannot be read gets {"error":"…","line":n}; the rest is still analysed and the exit code is 1."#;

/// Analyses the lines of the file, or of `stdin`, on `stdout`, and returns the exit code: 0, or 1 if any line
/// was bad.
///
/// # Errors
/// A file that cannot be opened or read, or output that cannot be written.
pub fn run(args: &AnalyzeArgs, stdin: impl Read, stdout: impl Write) -> Result<i32, Box<dyn Error>> {
    let run = args.file.as_deref().filter(|path| path.is_dir());
    if let Some(run) = run.filter(|run| RunDirectory::open(run).is_err() && source::recognises(run)) {
        return summarize_elsewhere(run, args, stdout);
    }
    if args.summary || args.json || run.is_some() {
        let rollouts = run.map(|run| run.join("rollouts.jsonl"));
        // A run's log is a file in its directory; any other path may be a pipe.
        let opened = match &rollouts {
            Some(path) => Some((path.as_path(), files::open_unlinked(path))),
            None => {
                let given = args.file.as_deref().filter(|path| *path != Path::new("-"));
                given.map(|path| (path, files::open_stream(path)))
            }
        };
        return summarize(opened, run, args, stdin, stdout);
    }
    // The completions of one group are adjacent and share their puzzle.
    let mut known: Option<(NumberPuzzle, Space)> = None;
    let bad_lines = answer_lines(args.file.as_deref(), stdin, stdout, |input| {
        let analysis = analyze_line(&input, args.answer)?;
        Ok(match args.search {
            true => {
                if let Some(why) =
                    task::family(input.task.as_deref().unwrap_or(task::FAMILIES[0].name))?.nothing_to_search
                {
                    return Err(why.into());
                }
                Answer::Searched { analysis, search: SearchAnswer::of(&input, &mut known) }
            }
            false => Answer::Plain(analysis),
        })
    })?;
    Ok(i32::from(bad_lines > 0))
}

/// Writes the figures of the newest completions of another engine's run. Those whose puzzle is not known are not counted.
fn summarize_elsewhere(
    run: &Path,
    args: &AnalyzeArgs,
    mut stdout: impl Write,
) -> Result<i32, Box<dyn Error>> {
    let (mut tally, mut blind, mut unread) = (Tally::default(), LastBlind::default(), 0);
    for event in source::open(run, &Reading::default())?.events {
        match event {
            Event::RolloutScored(rollout) if task::reads(&rollout.problem) => {
                let Problem { task, puzzle, .. } = &rollout.problem;
                let analysis = task::analyze_graded(task, puzzle, &rollout.completion, args.answer);
                tally.add(rollout.is_right(), &analysis.unwrap_or_default(), blind.of(task, puzzle));
            }
            Event::RolloutScored(_) => unread += 1,
            Event::Warning(sentence) => output::say(output::printable(&sentence)),
            _ => {}
        }
    }
    write_summary(tally, unread, args, &mut stdout)
}

/// Writes the figures of all completions of `file`, or of `stdin`, graded as their `run` graded them.
fn summarize(
    file: Option<(&Path, io::Result<File>)>,
    run: Option<&Path>,
    args: &AnalyzeArgs,
    stdin: impl Read,
    mut stdout: impl Write,
) -> Result<i32, Box<dyn Error>> {
    let (mut tally, mut blind) = (Tally::default(), LastBlind::default());
    let rules = run.and_then(|run| RunDirectory::open(run).ok()?.config().ok());
    let rules = rules.map_or_else(
        || RewardRules { answer: args.answer, ..RewardRules::default() },
        |file| file.config.reward.rules(),
    );
    let bad_lines = answer_opened(file, stdin, io::sink(), |input| {
        let analysis = analyze_line(&input, rules.answer)?;
        let task = task::of_record(input.task.as_deref())?;
        let blind = blind.of(task.name(), &input.puzzle());
        tally.add(task.score(&input.puzzle(), &input.completion, &rules).correct, &analysis, blind);
        Ok(())
    })?;
    write_summary(tally, bad_lines, args, &mut stdout)
}

fn write_summary(
    tally: Tally,
    bad_lines: u64,
    args: &AnalyzeArgs,
    stdout: &mut impl Write,
) -> Result<i32, Box<dyn Error>> {
    if args.json {
        let worth = tally.worth_of_checking();
        let summary = Summary { tally, worth_of_checking: worth, interval: "Newcombe, 95 %", bad_lines };
        writeln!(stdout, "{}", serde_json::to_string(&summary)?)?;
    } else {
        writeln!(stdout, "{:<22}{}", "completions", tally.completions)?;
        for (name, value, _) in figures(&tally) {
            writeln!(stdout, "{name:<22}{value}")?;
        }
        writeln!(stdout, "{:<22}{}", "self-corrections", tally.self_corrections)?;
        if bad_lines > 0 {
            writeln!(stdout, "{:<22}{bad_lines} (skipped)", "bad lines")?;
        }
        writeln!(stdout, "The difference is {CAVEAT}. {}", note(&tally))?;
    }
    Ok(i32::from(bad_lines > 0))
}

/// The figures as JSON.
#[derive(Debug, Serialize)]
struct Summary {
    #[serde(flatten)]
    tally: Tally,
    /// P(correct | checked) - P(correct | not checked).
    worth_of_checking: Option<Difference>,
    interval: &'static str,
    bad_lines: u64,
}

fn analyze_line(input: &ScoreInput, graded: Graded) -> Result<Analysis, String> {
    let task = task::of_record(input.task.as_deref())?;
    Ok(task.analyze_graded(&input.puzzle(), &input.completion, graded))
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Plain(Analysis),
    Searched {
        #[serde(flatten)]
        analysis: Analysis,
        search: SearchAnswer,
    },
}

/// The figures of [`Search`] without node numbers.
#[derive(Serialize)]
struct SearchAnswer {
    states_visited: usize,
    /// A lower bound if `states_exact` is false.
    states_reachable: usize,
    states_exact: bool,
    moves: usize,
    revisits: usize,
    wrong_arithmetic: usize,
    not_in_hand: usize,
    near_misses: Vec<NearMissAnswer>,
    passed_by: usize,
    passed_by_one_step_away: usize,
    solved: bool,
}

#[derive(Serialize)]
struct NearMissAnswer {
    value: String,
    distance: String,
    left_over: usize,
}

impl SearchAnswer {
    fn of(input: &ScoreInput, known: &mut Option<(NumberPuzzle, Space)>) -> Self {
        let puzzle = input.numbers();
        let (_, space) = match known {
            Some(known) if known.0 == puzzle => known,
            other => other.insert((puzzle.clone(), Space::new(&puzzle))),
        };
        let figures = Search::new(&puzzle, &input.completion, space).figures;
        let near = figures.near_misses.iter().map(|near| NearMissAnswer {
            value: near.value.to_string(),
            distance: near.distance.to_string(),
            left_over: near.left_over,
        });
        Self {
            states_visited: figures.coverage.visited,
            states_reachable: figures.coverage.reachable,
            states_exact: figures.coverage.exact,
            moves: figures.moves,
            revisits: figures.revisits,
            wrong_arithmetic: figures.wrong_arithmetic,
            not_in_hand: figures.not_in_hand,
            near_misses: near.collect(),
            passed_by: figures.passed_by.len(),
            passed_by_one_step_away: figures.passed_by.iter().filter(|p| p.operations_left == 1).count(),
            solved: figures.solved,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_answered_and_bad_ones_are_named() {
        let input = concat!(
            r#"{"numbers":[4,1,16],"target":19,"completion":" 4 * 16 = 64 . check : 64 is not 19 ."}"#,
            "\nnonsense\n",
            r#"{"task":"chess","numbers":[1],"target":1,"completion":""}"#,
            "\n",
            r#"{"task":"countdown","numbers":[4,1,16],"target":19,"completion":"<answer> é </answer>"}"#,
        );
        let mut output = Vec::new();
        let args =
            AnalyzeArgs { file: None, summary: false, json: false, search: false, answer: Graded::Last };
        let code = run(&args, input.as_bytes(), &mut output).unwrap();
        assert_eq!(code, 1);
        let lines: Vec<serde_json::Value> = str::from_utf8(&output)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["attempts"], 1);
        assert_eq!(lines[0]["true_checks"], 1);
        let span = serde_json::json!(
            {"kind": "verification", "start": 15, "end": 35, "claim": "64 is not 19", "verdict": "true"}
        );
        assert_eq!(lines[0]["spans"][0], span);
        assert_eq!(lines[1]["line"], 2);
        assert_eq!(lines[2]["line"], 3);
        assert!(lines[2]["error"].as_str().unwrap().contains("`chess`"));
        let span =
            serde_json::json!({"kind": "answer", "start": 9, "end": 11, "claim": null, "verdict": null});
        assert_eq!(lines[3]["spans"][0], span);
        assert!(lines[0].get("search").is_none(), "only where it is asked for");
    }

    #[test]
    fn the_search_stands_beside_the_analysis_where_it_is_asked_for() {
        let line = r#"{"numbers":[4,1,16],"target":19,"completion":"16 + 4 = 20 , 20 + 1 = 21 . check : 21 is not 19 ."}"#;
        let mut output = Vec::new();
        run(
            &AnalyzeArgs { file: None, summary: false, json: false, search: true, answer: Graded::Last },
            line.as_bytes(),
            &mut output,
        )
        .unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output).unwrap();
        assert_eq!(answer["true_checks"], 1);
        let found = |key: &str| answer["search"][key].clone();
        assert_eq!((found("states_visited"), found("states_exact")), (2.into(), true.into()));
        assert_eq!((found("passed_by"), found("passed_by_one_step_away")), (1.into(), 1.into()));
        let near = serde_json::json!([{"value": "21", "distance": "2", "left_over": 0}]);
        assert_eq!((found("near_misses"), found("solved")), (near, false.into()));
    }

    #[test]
    fn with_the_first_answer_graded_the_mark_is_on_it_and_nothing_behind_it_is_read() {
        let line = r#"{"numbers":[4,1,16],"target":19,"completion":"16 + 4 = 20 , 20 - 1 = 19 .<answer>16 + 4 - 1</answer> 20 is not 19 .<answer>4 * 16</answer>"}"#;
        let of = |answer| -> Analysis {
            let args = AnalyzeArgs { file: None, summary: false, json: false, search: false, answer };
            let mut output = Vec::new();
            run(&args, line.as_bytes(), &mut output).unwrap();
            serde_json::from_slice(&output).unwrap()
        };
        let (first, last) = (of(Graded::First), of(Graded::Last));
        assert_eq!((first.spans.last().unwrap().start, first.faithful), (35, Some(true)));
        assert_eq!((first.checks, last.checks), (0, 1));
        assert!(last.spans.last().unwrap().start > 60);
        assert_eq!(last.faithful, Some(false));
    }

    #[test]
    fn a_summary_counts_all_completions_and_says_how_many_lines_were_bad() {
        let input = concat!(
            r#"{"numbers":[4,1,16],"target":19,"completion":" 16 + 4 = 20 , 20 - 1 = 19 . check : 19 = 19 , yes . </think> <answer> 16 + 4 - 1 </answer>"}"#,
            "\nnonsense\n",
            r#"{"numbers":[4,1,16],"target":19,"completion":" 4 * 16 = 64 . </think> <answer> 4 * 16 </answer>"}"#,
        );
        let summary = |json| {
            let mut output = Vec::new();
            let args = AnalyzeArgs { file: None, summary: true, json, search: false, answer: Graded::Last };
            assert_eq!(run(&args, input.as_bytes(), &mut output).unwrap(), 1);
            String::from_utf8(output).unwrap()
        };
        let json: serde_json::Value = serde_json::from_str(&summary(true)).unwrap();
        assert_eq!((json["completions"].as_u64(), json["checked"].as_u64()), (Some(2), Some(1)));
        assert_eq!((json["checked_right"].as_u64(), json["bad_lines"].as_u64()), (Some(1), Some(1)));
        assert_eq!(json["worth_of_checking"]["value"], 1.0);
        let text = summary(false);
        assert!(text.contains("right if checked      100.0 % (1 of 1)"), "{text}");
        assert!(text.contains("bad lines             1 (skipped)"), "{text}");
    }
}
