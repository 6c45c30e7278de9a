//! `aha-lab score`: the reward of each completion, and why.

use std::{
    error::Error,
    io::{Read, Write},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use super::{
    jsonl::{ScoreInput, answer_lines},
    serve,
};
use crate::{
    record::Penalties,
    settings::Choice,
    task::{self, RewardRules, Score, answer::Graded},
};

/// Score completions: one JSON answer per line, the reward and why.
#[derive(Debug, Clone, Args)]
#[command(after_help = r#"A line of input:
  {"numbers":[3,7,25,4],"target":78,"completion":"... <answer>25 * 3 + 7 - 4</answer>"}
A line that cannot be scored gives {"error":"...","line":n}; the rest is still scored, and the exit code is 1.

Examples:
  aha-lab score completions.jsonl
  aha-lab score runs/first-aha/rollouts.jsonl
  aha-lab score runs/first-aha/rollouts.jsonl --answer first --explain
  echo '{"numbers":[2,3],"target":6,"completion":"<answer>2*3</answer>"}' | aha-lab score

A program that trains elsewhere keeps `aha-lab score --serve` as a child: each line is answered at once, a bad one with
its error, until standard input ends. {"analyze":true} in a line adds the reasoning found to its answer;
{"readings":true} alone asks for the means over all lines analyzed since it was last asked."#)]
pub struct ScoreArgs {
    /// JSON lines to score; - or nothing reads them from standard input
    #[arg(value_name = "FILE.jsonl")]
    pub file: Option<PathBuf>,
    /// Reward of a right answer
    #[arg(long, value_name = "REWARD", default_value_t = RewardRules::default().correct, value_parser = finite)]
    pub reward_correct: f64,
    /// Reward of a well-formed wrong answer
    #[arg(long, value_name = "REWARD", default_value_t = RewardRules::default().format, value_parser = finite)]
    pub reward_format: f64,
    /// Which answer is graded if a completion states several
    #[arg(long, value_name = "first|last", default_value_t = Graded::default())]
    pub answer: Graded,
    /// Say with each score why, in a sentence, which rule decided, and what the line says it earned
    #[arg(long, conflicts_with = "serve")]
    pub explain: bool,
    /// Answer each line at once, until standard input ends; bad lines do not change the exit code
    #[arg(long, conflicts_with = "file")]
    pub serve: bool,
    /// Serve on a Unix socket that only you can reach, several clients at a time; standard input only says when to end
    #[arg(long, value_name = "PATH", requires = "serve")]
    pub socket: Option<PathBuf>,
}

/// Scores the lines of the file, or of `stdin`, on `stdout`, and returns the exit code: 0, or 1 if any line
/// was bad.
///
/// # Errors
/// A file that cannot be opened or read, output that cannot be written, or a socket that cannot be made.
pub fn run(args: &ScoreArgs, stdin: impl Read, stdout: impl Write) -> Result<i32, Box<dyn Error>> {
    let rules = RewardRules { correct: args.reward_correct, format: args.reward_format, answer: args.answer };
    match &args.socket {
        Some(path) => return serve::on_socket(path, rules, stdin).map(|()| 0),
        None if args.serve => return Ok(serve::on_streams(rules, stdin, stdout).map(|()| 0)?),
        None => {}
    }
    if args.explain {
        let explain = |input: ScoreInput| explain_line(&input, &rules);
        return Ok(i32::from(answer_lines(args.file.as_deref(), stdin, stdout, explain)? > 0));
    }
    let bad_lines = answer_lines(args.file.as_deref(), stdin, stdout, |input| score_line(&input, &rules))?;
    Ok(i32::from(bad_lines > 0))
}

/// The reward of one completion.
///
/// # Errors
/// A sentence, if there is no such task.
pub(super) fn score_line(input: &ScoreInput, rules: &RewardRules) -> Result<Score, String> {
    Ok(task::of_record(input.task.as_deref())?.score(&input.puzzle(), &input.completion, rules))
}

/// A score, and why it is what it is.
#[derive(Debug, Serialize)]
struct Explained {
    #[serde(flatten)]
    score: Score,
    /// The first rule that it breaks; `None` where it breaks none.
    broken: Option<&'static str>,
    /// Why, in a sentence. What the line says that was taken off is taken off here too.
    explanation: String,
    /// What the line says that it earned; left out where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<f64>,
}

fn explain_line(input: &ScoreInput, rules: &RewardRules) -> Result<Explained, String> {
    let judged = task::of_record(input.task.as_deref())?.judge(&input.puzzle(), &input.completion, rules);
    let penalties: Penalties = serde_json::from_value(input.penalties.clone()).unwrap_or_default();
    Ok(Explained {
        explanation: judged.sentence(&input.completion, rules, &penalties),
        broken: judged.broken.map(Choice::name),
        score: judged.score,
        recorded: input.reward.as_f64(),
    })
}

fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    number.is_finite().then_some(number).ok_or_else(|| "it must be a finite number".into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: ScoreArgs,
    }

    fn scored(arguments: &[&str], input: &str) -> (i32, Vec<String>) {
        let cli = Cli::try_parse_from([&["score"], arguments].concat()).unwrap();
        let mut output = Vec::new();
        let code = run(&cli.args, input.as_bytes(), &mut output).unwrap();
        (code, String::from_utf8(output).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn one_answer_a_line_and_bad_lines_in_their_place() {
        let input = [
            r#"{"task":"countdown","numbers":[3,7,25,4],"target":78,"completion":"<think>..</think> <answer>25 * 3 + 7 - 4</answer>"}"#,
            "",
            &"(".repeat(10_000_000),
            r#"{"task":"chess","numbers":[3],"target":3,"completion":""}"#,
            r#"{"numbers":[2,3],"target":6,"completion":"no","reward":0.3,"token_ids":[1,2]}"#,
        ]
        .join("\n");
        let (code, lines) = scored(&["-"], &input);
        assert_eq!(code, 1);
        assert_eq!(
            lines,
            [
                r#"{"reward":1.0,"correct":true,"format":true,"answer":"25 * 3 + 7 - 4","value":"78","reason":"The answer uses every given number once and its value is 78."}"#,
                r#"{"error":"The line is longer than 8388608 bytes, which is the limit.","line":3}"#,
                r#"{"error":"There is no task `chess`; the tasks are countdown, multiplication.","line":4}"#,
                r#"{"reward":0.0,"correct":false,"format":false,"answer":null,"value":null,"reason":"The completion has no <answer>."}"#,
            ]
        );
    }

    #[test]
    fn good_lines_exit_with_zero_under_the_rewards_asked_for() {
        let input = r#"{"numbers":[2,3],"target":6,"completion":"<answer>2 + 3</answer>"}"#;
        let (code, lines) = scored(&["--reward-format", "0.25"], input);
        assert_eq!(code, 0);
        assert!(lines[0].starts_with(r#"{"reward":0.25,"#), "{}", lines[0]);
        assert_eq!(scored(&[], ""), (0, vec![]));
    }

    #[test]
    fn the_first_of_several_answers_is_graded_where_it_is_asked_for() {
        let input = r#"{"numbers":[2,3],"target":6,"completion":"<answer>2 * 3</answer> wait <answer>2 + 3</answer> <answer>"}"#;
        for (arguments, reward) in
            [(&[][..], 0.0), (&["--answer", "last"], 0.0), (&["--answer", "first"], 1.0)]
        {
            let (_, lines) = scored(arguments, input);
            assert!(lines[0].starts_with(&format!(r#"{{"reward":{reward:?},"#)), "{}", lines[0]);
        }
        assert!(Cli::try_parse_from(["score", "--answer", "best"]).is_err());
    }

    #[test]
    fn a_score_is_explained_with_the_rule_that_decided_and_what_was_recorded() {
        let input = [
            r#"{"numbers":[2,3],"target":6,"completion":"<answer>2*3</answer>","reward":0.75,"penalties":{"overlong":0.25}}"#,
            r#"{"numbers":[2,3],"target":6,"completion":"<answer>2*2</answer>","reward":"much","penalties":7}"#,
        ]
        .join("\n");
        let (code, lines) = scored(&["--explain"], &input);
        assert_eq!(
            (code, lines),
            (
                0,
                vec![
                    r#"{"reward":1.0,"correct":true,"format":true,"answer":"2*3","value":"6","reason":"The answer uses every given number once and its value is 6.","broken":null,"explanation":"It earns 0.75 (reward_correct 1, less 0.25 for overlong): the answer uses every given number once and its value is 6.","recorded":0.75}"#.to_owned(),
                    r#"{"reward":0.1,"correct":false,"format":true,"answer":"2*2","value":"4","reason":"The answer uses 2 too often: twice, not once.","broken":"not_too_often","explanation":"It earns 0.1 (reward_format): the answer uses 2 too often: twice, not once."}"#.to_owned(),
                ]
            )
        );
        assert!(Cli::try_parse_from(["score", "--explain", "--serve"]).is_err());
    }

    #[test]
    fn rewards_must_be_finite() {
        assert!(Cli::try_parse_from(["score", "--reward-correct", "nan"]).is_err());
    }
}
