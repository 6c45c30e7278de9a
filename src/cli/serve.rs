//! `aha-lab score --serve`: a server of rewards for programs that train elsewhere. JSON lines come in, and each is
//! answered before the next is read, with what `score` prints for it.

use std::{
    error::Error,
    io::{self, BufReader, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    jsonl::{LineError, for_each_text, parse_line, write_json_line},
    score::score_line,
};
use crate::{
    metrics::readings::Readings,
    reasoning::RULES,
    record::{Analysis, Score, Step},
    task::{self, RewardRules},
};

/// What a line may ask for beside its score.
#[derive(Debug, Default, Deserialize)]
struct Wishes {
    /// The reasoning found in the completion.
    #[serde(default)]
    analyze: bool,
    /// Instead of a score: the means over the completions analyzed since this was last asked.
    #[serde(default)]
    readings: bool,
}

/// One answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Score(Score),
    Analyzed {
        #[serde(flatten)]
        score: Score,
        analysis: Box<Analysis>,
    },
    Readings {
        /// By the names of `metrics.jsonl`; empty if nothing was analyzed.
        readings: Map<String, Value>,
        /// Which rules analyzed, for `[provenance]` of a run.
        rules: &'static str,
    },
}

/// One client.
struct Client {
    rules: RewardRules,
    readings: Readings,
}

impl Client {
    fn new(rules: RewardRules) -> Self {
        Self { rules, readings: Readings::default() }
    }

    fn answer(&mut self, text: &[u8]) -> Result<Answer, String> {
        // A line that is no object of wishes is refused below, with the reason.
        let wishes: Wishes = serde_json::from_slice(text).unwrap_or_default();
        if wishes.readings {
            return Ok(Answer::Readings {
                readings: measured(&std::mem::take(&mut self.readings)),
                rules: RULES,
            });
        }
        let input = parse_line(text)?;
        let score = score_line(&input, &self.rules)?;
        if !wishes.analyze {
            return Ok(Answer::Score(score));
        }
        let task = task::of_record(input.task.as_deref())?;
        let analysis = task.analyze_graded(&input.puzzle(), &input.completion, self.rules.answer);
        self.readings.add(score.correct, &analysis);
        Ok(Answer::Analyzed { score, analysis: Box::new(analysis) })
    }

    /// Answers lines until there are no more, or nobody reads the answers.
    fn serve(&mut self, reader: impl Read, mut writer: impl Write) -> io::Result<()> {
        let served = for_each_text(BufReader::new(reader), |line, text| {
            let mut said = Vec::new();
            match text.and_then(|text| self.answer(text)) {
                Ok(answer) => write_json_line(&mut said, &answer)?,
                Err(error) => write_json_line(&mut said, &LineError { error: &error, line })?,
            }
            writer.write_all(&said)?;
            writer.flush()
        });
        match served {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

fn measured(readings: &Readings) -> Map<String, Value> {
    let mut step = Step::new(0);
    readings.put(&mut step);
    let mut fields = match serde_json::to_value(&step) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    fields.remove("step");
    fields
}

/// Serves one client on these streams, until `stdin` ends.
///
/// # Errors
/// Input that cannot be read or output that cannot be written, as a sentence.
pub(super) fn on_streams(rules: RewardRules, stdin: impl Read, stdout: impl Write) -> Result<(), String> {
    Client::new(rules).serve(stdin, stdout).map_err(|error| format!("The connection has failed: {error}."))
}

/// Serves any number of clients on a socket, until `stdin` ends.
///
/// # Errors
/// If there is no such socket on this system, or it cannot be made.
#[cfg(unix)]
pub(super) fn on_socket(path: &Path, rules: RewardRules, mut stdin: impl Read) -> Result<(), Box<dyn Error>> {
    use std::{fs, thread};

    /// Clients at a time; one more finds its connection closed.
    const MOST_CLIENTS: usize = 256;
    /// As much as the main thread has: a hostile answer is as deep here as there.
    const STACK: usize = 8 << 20;

    let failed = |error: io::Error| format!("Cannot make the socket {}: {error}.", path.display());
    let listener = crate::socket::listen_privately(path).map_err(failed)?;
    thread::Builder::new()
        .name("clients".into())
        .spawn(move || {
            let clients = std::sync::Arc::new(());
            for stream in listener.incoming().flatten() {
                let counted = clients.clone();
                if std::sync::Arc::strong_count(&clients) > MOST_CLIENTS + 1 {
                    continue;
                }
                let serve = move || {
                    // A client that goes away is not an error.
                    let _ = Client::new(rules).serve(&stream, &stream);
                    drop(counted);
                };
                let _ = thread::Builder::new().name("client".into()).stack_size(STACK).spawn(serve);
            }
        })
        .map_err(failed)?;
    // The process ends with its input, and its threads with the process.
    let ended = io::copy(&mut stdin, &mut io::sink());
    let _ = fs::remove_file(path);
    ended.map_err(|error| format!("Cannot read standard input: {error}."))?;
    Ok(())
}

/// Refuses.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(super) fn on_socket(_: &Path, _: RewardRules, _: impl Read) -> Result<(), Box<dyn Error>> {
    Err("This system has no Unix sockets: use --serve alone, over standard input and output.".into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn served(input: &str) -> Vec<Value> {
        let mut output = Vec::new();
        on_streams(RewardRules::default(), input.as_bytes(), &mut output).unwrap();
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_readings_are_those_of_the_lines_analyzed_since() {
        let right = r#""numbers":[2,3],"target":6,"completion":"<think>2 * 3 = 6 . check : 6 = 6 , yes .</think> <answer>2 * 3</answer>"}"#;
        let told = served(&format!(
            "{{\"analyze\":true,{right}\n{{{right}\n{{\"analyze\":3,{right}\n{{\"readings\":true}}\n{{\"readings\":true}}\n"
        ));
        assert_eq!(told[0]["analysis"]["checks"], 1, "{}", told[0]);
        assert_eq!((&told[0]["reward"], &told[1]["reward"]), (&told[1]["reward"], &told[2]["reward"]));
        assert!(told[1].get("analysis").is_none());
        assert_eq!(told[3]["readings"]["reasoning/checks"], 1.0);
        assert_eq!(
            (&told[3]["rules"], told[4]["readings"].as_object().unwrap().len()),
            (&Value::from(RULES), 0)
        );
    }
}
