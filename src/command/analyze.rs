//! `aha-lab analyze`: the reasoning behaviours of recorded completions, one JSON answer a line.

use std::{
    error::Error,
    io::{Read, Write},
    path::PathBuf,
};

use clap::Args;

use super::jsonl::{ScoreInput, answer_lines};
use crate::reasoning::{Analysis, analyze};

/// Find the reasoning behaviours in completions: one JSON answer a line, with byte ranges.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct AnalyzeArgs {
    /// JSON lines with `numbers`, `target` and `completion`; other fields are ignored, so a run's
    /// rollouts.jsonl will do; - or nothing reads them from standard input
    #[arg(value_name = "FILE.jsonl")]
    pub file: Option<PathBuf>,
}

const EXAMPLES: &str = r#"Examples:
  aha-lab analyze completions.jsonl
  aha-lab analyze runs/first-aha/rollouts.jsonl > behaviours.jsonl
  echo '{"numbers":[4,1,16],"target":19,"completion":"16 + 4 = 20 . check : 20 is not 19 ."}' | aha-lab analyze

Every answer holds the spans found, with byte offsets into the completion, and the counts. A line that
cannot be read is answered with {"error":"…","line":n}; the rest is still analysed and the exit status is 1."#;

/// Analyses the lines of the file, or of `stdin`, on `stdout`, and returns the exit code: 0, or 1 if any line
/// was bad.
///
/// # Errors
/// A file that cannot be opened or read, or output that cannot be written.
pub fn run(args: &AnalyzeArgs, stdin: impl Read, stdout: impl Write) -> Result<i32, Box<dyn Error>> {
    let bad_lines = answer_lines(args.file.as_deref(), stdin, stdout, |input| analyze_line(&input))?;
    Ok(i32::from(bad_lines > 0))
}

fn analyze_line(input: &ScoreInput) -> Result<Analysis, String> {
    match input.task.as_deref() {
        None | Some("countdown") => Ok(analyze(&input.puzzle(), &input.completion)),
        Some(other) => Err(format!("There is no task `{other}` to analyse; the only one is `countdown`.")),
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
        let code = run(&AnalyzeArgs { file: None }, input.as_bytes(), &mut output).unwrap();
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
    }
}
