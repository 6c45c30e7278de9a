//! The lines of `events.jsonl`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ForkPoint, Puzzle};

/// One line of `events.jsonl`: what the user or the program did, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Line")]
pub struct EventRecord {
    /// UTC, RFC 3339.
    pub time: String,
    /// The step during or after which it happened.
    pub step: u64,
    /// What happened (its name and its fields stand beside the others).
    #[serde(flatten)]
    pub event: RunEvent,
    /// The same in words, for people; no program reads it.
    pub detail: String,
}

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum RunEvent {
    /// It began.
    Started {
        /// The folder of its first weights; `None` for those inside the program.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<String>,
    },
    /// It began from a checkpoint of another run.
    Forked {
        /// The other run.
        run: String,
        /// The last step that both have.
        at: u64,
    },
    /// It was paused.
    Paused,
    /// It went on.
    Resumed {
        /// In a new process, after this step; `None` after a pause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// It continued, to pause again after this many phases or steps.
    Stepped {
        /// Phases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phases: Option<u32>,
        /// Steps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        steps: Option<u32>,
    },
    /// A live hyperparameter was changed.
    Set(Edit),
    /// A checkpoint was written.
    Checkpoint,
    /// A warning for the user.
    Warning,
    /// It ended with an error.
    Failed,
    /// It ended as asked.
    Finished,
    /// A puzzle was pinned.
    Pinned {
        /// Which; lines of older versions have it in words only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        puzzle: Option<Puzzle>,
    },
    /// A puzzle is pinned no more.
    Unpinned {
        /// Which; lines of older versions have it in words only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        puzzle: Option<Puzzle>,
    },
    /// What this program does not know.
    #[serde(untagged)]
    Other(Unknown),
}

/// An event that this program does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unknown {
    /// Its name.
    pub event: String,
    /// Its fields.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// A change of one live hyperparameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The configuration key.
    pub key: String,
    /// Its value, as one would write it after `--set key=`.
    pub value: String,
    /// What it was.
    pub before: String,
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} (was {})", self.key, self.value, self.before)
    }
}

/// A line as it is written.
#[derive(Deserialize)]
struct Line {
    time: String,
    step: u64,
    #[serde(flatten)]
    event: RunEvent,
    #[serde(default)]
    detail: String,
}

impl From<Line> for EventRecord {
    fn from(Line { time, step, event, detail }: Line) -> Self {
        let event = match event {
            RunEvent::Other(unknown) => {
                told_in_words(&unknown.event, &detail).unwrap_or(RunEvent::Other(unknown))
            }
            known => known,
        };
        Self { time, step, event, detail }
    }
}

/// Before events had fields, these said what happened in words alone.
fn told_in_words(event: &str, detail: &str) -> Option<RunEvent> {
    match event {
        "set" => {
            let (key, rest) = detail.split_once(" = ")?;
            let (value, before) = rest.strip_suffix(')')?.rsplit_once(" (was ")?;
            Some(RunEvent::Set(Edit { key: key.into(), value: value.into(), before: before.into() }))
        }
        "forked" => {
            let (run, step) = detail.strip_prefix("from ")?.rsplit_once('@')?;
            Some(RunEvent::Forked { run: run.into(), at: step.parse().ok()? })
        }
        _ => None,
    }
}

impl RunEvent {
    /// A fork of another run.
    pub fn forked(from: ForkPoint) -> Self {
        Self::Forked { run: from.run, at: from.step }
    }

    /// Its name in the line.
    pub fn name(&self) -> &str {
        match self {
            Self::Started { .. } => "started",
            Self::Forked { .. } => "forked",
            Self::Paused => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Stepped { .. } => "stepped",
            Self::Set(_) => "set",
            Self::Checkpoint => "checkpoint",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Finished => "finished",
            Self::Pinned { .. } => "pinned",
            Self::Unpinned { .. } => "unpinned",
            Self::Other(unknown) => &unknown.event,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(event: &str) -> EventRecord {
        serde_json::from_str(&format!(r#"{{"time":"t","step":3,{event}}}"#)).unwrap()
    }

    fn edit() -> Edit {
        Edit { key: "kl_coef".into(), value: "0.1".into(), before: "0".into() }
    }

    #[test]
    fn fields_are_written_beside_the_words_and_read_back() {
        for (event, line) in [
            (RunEvent::Set(edit()), r#""event":"set","key":"kl_coef","value":"0.1","before":"0""#),
            (RunEvent::Started { folder: None }, r#""event":"started""#),
            (
                RunEvent::forked(ForkPoint { run: "a@b".into(), step: 7 }),
                r#""event":"forked","run":"a@b","at":7"#,
            ),
            (RunEvent::Resumed { after: Some(2) }, r#""event":"resumed","after":2"#),
            (RunEvent::Paused, r#""event":"paused""#),
        ] {
            let record = EventRecord { time: "t".into(), step: 3, event, detail: "in words".into() };
            let written = serde_json::to_string(&record).unwrap();
            assert_eq!(written, format!(r#"{{"time":"t","step":3,{line},"detail":"in words"}}"#));
            assert_eq!(serde_json::from_str::<EventRecord>(&written).unwrap(), record);
            assert!(line.starts_with(&format!(r#""event":"{}""#, record.event.name())));
        }
    }

    #[test]
    fn lines_of_older_versions_say_it_in_words() {
        let set = |detail| read(&format!(r#""event":"set","detail":"{detail}""#)).event;
        assert_eq!(set("kl_coef = 0.1 (was 0)"), RunEvent::Set(edit()));
        assert_eq!(set("nonsense").name(), "set");
        assert!(matches!(set("nonsense"), RunEvent::Other(_)));
        let forked = read(r#""event":"forked","detail":"from a@b@20""#).event;
        assert_eq!(forked, RunEvent::Forked { run: "a@b".into(), at: 20 });
        assert_eq!(read(r#""event":"paused","detail":"by a person""#).event, RunEvent::Paused);
        assert_eq!(
            read(r#""event":"resumed","detail":"after step 5""#).event,
            RunEvent::Resumed { after: None }
        );
    }

    #[test]
    fn an_unknown_event_keeps_its_fields() {
        let line = r#"{"time":"t","step":3,"event":"merged","with":"b","detail":""}"#;
        let record: EventRecord = serde_json::from_str(line).unwrap();
        assert_eq!(record.event.name(), "merged");
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
}
