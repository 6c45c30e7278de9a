//! One set of rules analyses everything on screen. A run's records hold the analysis made when they were
//! written. If another version's rules made it, the completions are analysed again, so that the Meter, the
//! marks in the texts and `analyze` agree.

use crate::{
    reasoning::RULES,
    record::{PinnedAnswer, Problem, Rollout},
    runs::RunDirectory,
    task::{self, answer::Graded},
};

/// Whether the completions of a run are analysed again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rereading {
    again: bool,
    graded: Graded,
}

impl Rereading {
    /// The choice for this run. One that does not record its rules is analysed again.
    pub(super) fn of(run: &RunDirectory) -> Self {
        let file = run.config().ok();
        let graded = file.as_ref().map_or_else(Graded::default, |file| file.config.reward.answer);
        let rules = file.and_then(|file| file.provenance).and_then(|info| info.analysis);
        Self { again: rules.as_deref() != Some(RULES), graded }
    }

    /// A completion with today's analysis.
    pub(super) fn rollout(self, mut record: Rollout) -> Rollout {
        if self.again {
            let Problem { task, puzzle, .. } = &record.problem;
            record.analysis = task::analyze_graded(task, puzzle, &record.completion, self.graded)
                .unwrap_or(record.analysis);
        }
        record
    }

    /// An answer to a pinned puzzle with today's analysis.
    pub(super) fn pinned(self, mut answer: PinnedAnswer) -> PinnedAnswer {
        if self.again {
            answer.analysis =
                task::analyze_graded(&answer.task, &answer.puzzle, &answer.completion, self.graded)
                    .unwrap_or(answer.analysis);
        }
        answer
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use crossbeam_channel::unbounded;

    use super::*;
    use crate::{
        engine::scripted::Script,
        metrics::Meter,
        protocol::Event,
        runs::{segments, source::past},
    };

    /// What the Meter counts for an opened run, and what today's rules find in its completions.
    fn opened(provenance: &str) -> (usize, usize) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("20260101-120000-read");
        fs::create_dir(&path).unwrap();
        let info = format!(
            "[provenance]\nmodel_hash = \"\"\nprogram_version = \"0.1.0\"\nbackend = \"cpu x2\"\ncreated = \"\"\n{provenance}"
        );
        fs::write(path.join("config.toml"), format!("schema_version = 1\n{info}")).unwrap();
        let mut record = Script::new(1).rollout(30, 0, 0);
        record.completion = " 16 + 4 = 20 . check : 20 is not 19 . 16 + 4 = 20 , 20 - 1 = 19 .".into();
        record.analysis.true_checks = 7;
        fs::write(path.join("metrics.jsonl"), "").unwrap();
        fs::write(path.join("rollouts.jsonl"), serde_json::to_string(&record).unwrap() + "\n").unwrap();
        let run = RunDirectory::open(&path).unwrap();
        let (feed, events) = unbounded();
        past::tell(&segments(&run, &[], None), None, &feed).unwrap();
        drop(feed);
        let mut meter = Meter::default();
        for event in events {
            if let Event::RolloutScored(record) = event {
                meter.push(
                    (record.step, record.group, record.index),
                    record.is_right(),
                    &record.analysis,
                    None,
                );
            }
        }
        let today = task::analyze("countdown", &record.problem.puzzle, &record.completion).unwrap();
        (meter.window(None).true_checks, today.true_checks)
    }

    #[test]
    fn a_run_that_other_rules_have_read_is_counted_as_analyze_counts_it() {
        let (shown, found) = opened("");
        assert_eq!(shown, found, "an older version's run does not say which rules it had");
        let (shown, found) = opened("analysis = \"other rules\"\n");
        assert_eq!(shown, found);
        let (shown, _) = opened(&format!("analysis = \"{RULES}\"\n"));
        assert_eq!(shown, 7, "what the same rules found is taken as it is");
    }
}
