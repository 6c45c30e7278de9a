//! The summary at the end of a headless run: means of its first and last steps. Memory stays the same however
//! many steps it takes.

use std::{
    collections::VecDeque,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    metrics::registry,
    record::Step,
    runs::{Reader, RunDirectory, RunError},
    system::output::printable_within_line,
};

/// Steps averaged at each end.
const ENDS: usize = 3;
/// Newest steps that the median time covers.
const TIMED: usize = 10_000;

/// The steps that the summary of a run needs.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    first: Vec<Step>,
    last: VecDeque<Step>,
    times: VecDeque<f64>,
}

impl Summary {
    /// Of all steps of a run.
    ///
    /// # Errors
    /// If its log cannot be read.
    pub(super) fn of(run: &RunDirectory) -> Result<Self, RunError> {
        let mut summary = Self::default();
        Reader::new(run).metrics()?.records.into_iter().for_each(|step| summary.take_in(step));
        Ok(summary)
    }

    /// One more step.
    pub(crate) fn take_in(&mut self, step: Step) {
        self.times.push_back(step.get(&registry::STEP_TIME));
        if self.times.len() > TIMED {
            self.times.pop_front();
        }
        if self.first.len() < ENDS {
            self.first.push(step.clone());
        }
        self.last.push_back(step);
        if self.last.len() > ENDS {
            self.last.pop_front();
        }
    }

    /// Means of the first and the last three steps, as in the README's tables, and the median time of the
    /// last ten thousand; `null` if there was no step.
    pub fn json(&self) -> Value {
        let mut times: Vec<f64> = self.times.iter().copied().collect();
        times.sort_by(f64::total_cmp);
        json!({
            "first": means(self.first.iter()),
            "last": means(self.last.iter()),
            "median_step_seconds": times.get(times.len() / 2),
        })
    }

    /// Prints the summary of a run with this total number of steps.
    ///
    /// # Errors
    /// The output's error.
    pub fn print(
        &self,
        run: &Path,
        done: u64,
        as_json: bool,
        took: Duration,
        mut out: impl Write,
    ) -> io::Result<()> {
        let summary = self.json();
        if as_json {
            let mut whole = json!({"run": run, "steps": done, "seconds": took.as_secs_f64()});
            if let (Some(whole), Some(summary)) = (whole.as_object_mut(), summary.as_object()) {
                whole.extend(summary.clone());
            }
            writeln!(out, "{whole}")?;
            return out.flush();
        }
        writeln!(out, "{done} steps in {}", printable_within_line(&run.display().to_string()))?;
        if self.first.is_empty() {
            writeln!(out, "  no step was made; --steps N continues to step N")?;
            return out.flush();
        }
        for metric in registry::ALL.iter().filter(|metric| metric.printed) {
            let key = metric.summary.unwrap_or(metric.name);
            let value = |end: &str| summary[end][key].as_f64().unwrap_or(f64::NAN);
            // Not every task has decompositions.
            if metric.zero_is_left_out && value("first") + value("last") == 0.0 {
                continue;
            }
            writeln!(out, "  {key:<18}{:>8.3}  ->{:>8.3}", value("first"), value("last"))?;
        }
        out.flush()
    }
}

fn means<'a>(steps: impl ExactSizeIterator<Item = &'a Step> + Clone) -> Value {
    if steps.len() == 0 {
        return Value::Null;
    }
    let of = |metric| steps.clone().map(|step| step.get(metric)).sum::<f64>() / steps.len() as f64;
    let named =
        registry::ALL.iter().filter_map(|metric| Some((metric.summary?.to_owned(), of(metric).into())));
    Value::Object(named.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(steps: u64) -> Summary {
        let mut summary = Summary::default();
        for step in 1..=steps {
            let (accuracy, step_time) = (step as f64, step as f64);
            summary.take_in(
                Step::new(step).with(&registry::ACCURACY, accuracy).with(&registry::STEP_TIME, step_time),
            );
        }
        summary
    }

    #[test]
    fn as_much_is_kept_of_a_million_steps_as_of_a_few() {
        let summary = of(1_000_000);
        assert_eq!((summary.first.len(), summary.last.len(), summary.times.len()), (ENDS, ENDS, TIMED));
        let json = summary.json();
        assert_eq!((&json["first"]["accuracy"], &json["last"]["accuracy"]), (&json!(2.0), &json!(999_999.0)));
        assert_eq!(json["median_step_seconds"], json!(995_001.0));
        let few = of(2).json();
        assert_eq!((&few["first"]["accuracy"], &few["last"]["accuracy"]), (&json!(1.5), &json!(1.5)));
    }

    #[test]
    fn nothing_is_told_of_steps_that_were_not_made() {
        let summary = of(0);
        assert_eq!(summary.json(), json!({"first": null, "last": null, "median_step_seconds": null}));
        let mut said = Vec::new();
        summary.print(Path::new("runs/a\u{1b}"), 7, false, Duration::ZERO, &mut said).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("7 steps in runs/a\\u001b\n") && !said.contains("->"), "{said}");
    }
}
