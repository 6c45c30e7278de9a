//! What a sweep found: for each combination the mean of each metric over seeds, its spread and its interval.

use std::{env, io::Write, path::Path};

use serde_json::{Map, Value, json};

use super::{
    plan::Combination,
    trial::{Standing, Trial},
};
use crate::{
    cli::{
        Failure,
        summary::Summary,
        table::{NOTHING, Table},
    },
    metrics::{format, registry, seeds::OverSeeds},
    runs::progress::Progress,
    system::output::printable_within_line,
};

/// The name of the accuracy on held-out puzzles that was measured last.
const HELD_OUT: &str = "held_out";

/// The metrics of a run that has made its steps, by name.
type Numbers = Vec<(&'static str, f64)>;

/// A combination, and the numbers of those of its runs that have made their steps.
struct Found<'a> {
    combination: &'a Combination,
    trials: Vec<(&'a Trial, Option<Numbers>)>,
}

impl Found<'_> {
    /// A metric over the seeds.
    fn over_seeds(&self, metric: &str) -> OverSeeds {
        let of =
            |numbers: &Numbers| numbers.iter().find(|(name, _)| *name == metric).map(|(_, value)| *value);
        let values: Vec<f64> =
            self.trials.iter().filter_map(|(_, numbers)| numbers.as_ref().and_then(of)).collect();
        OverSeeds::of(&values)
    }

    fn finished(&self) -> usize {
        self.trials.iter().filter(|(_, numbers)| numbers.is_some()).count()
    }
}

/// Prints it, as a table or as one JSON object.
///
/// # Errors
/// A run that cannot be read, or output that cannot be written.
pub(super) fn print(
    as_json: bool,
    sweep: &Path,
    combinations: &[Combination],
    trials: &[Trial],
    interrupted: bool,
    mut stdout: impl Write,
) -> Result<(), Failure> {
    let mut found = Vec::new();
    for combination in combinations {
        let own = trials.iter().filter(|trial| trial.combination == combination.number);
        let read = own.map(|trial| Ok((trial, numbers_of(trial)?))).collect::<Result<_, Failure>>()?;
        found.push(Found { combination, trials: read });
    }
    if as_json {
        writeln!(stdout, "{}", as_object(sweep, &found, interrupted))?;
        return Ok(());
    }
    table(&found).print(&mut stdout)?;
    let place = printable_within_line(&sweep.display().to_string());
    writeln!(stdout, "{} runs are in {place}.", trials.iter().filter(|trial| trial.run.is_some()).count())?;
    Ok(())
}

/// The metrics that a summary prints, and what was last measured on held-out puzzles.
fn names() -> impl Iterator<Item = &'static str> {
    let printed = registry::ALL.iter().filter(|metric| metric.printed);
    [HELD_OUT].into_iter().chain(printed.map(|metric| metric.summary.unwrap_or(metric.name)))
}

/// Only a run that has made its steps is compared.
fn numbers_of(trial: &Trial) -> Result<Option<Numbers>, Failure> {
    let (Standing::Done, Some(run)) = (&trial.standing, &trial.run) else { return Ok(None) };
    let summary = Summary::of(run)?.json();
    let held_out = trial.progress.as_ref().and_then(Progress::held_out);
    let value = |name: &'static str| match name {
        HELD_OUT => held_out,
        name => summary["last"][name].as_f64(),
    };
    Ok(Some(names().filter_map(|name| Some((name, value(name)?))).collect()))
}

fn table(found: &[Found]) -> Table {
    let keys = found.first().map(|first| first.combination.varied.clone()).unwrap_or_default();
    let shown: Vec<&str> = names().filter(|name| counts(name, found)).collect();
    let headings = shown.iter().flat_map(|name| match *name {
        HELD_OUT => vec!["held out", "95 % interval"],
        name => vec![name],
    });
    let mut table = Table::new(keys.into_iter().chain(["runs"]).chain(headings));
    for one in found {
        let values = one.combination.told().map(|(_, value)| value.clone());
        let runs = format!("{}/{}", one.finished(), one.trials.len());
        let metrics = shown.iter().flat_map(|name| {
            let over_seeds = one.over_seeds(name);
            match *name {
                HELD_OUT => vec![mean_and_spread(&over_seeds), interval(&over_seeds)],
                _ => vec![mean_and_spread(&over_seeds)],
            }
        });
        table.row(values.chain([runs]).chain(metrics));
    }
    table
}

/// Whether a metric says anything: not every task has decompositions.
fn counts(name: &str, found: &[Found]) -> bool {
    let left_out_at_zero =
        registry::ALL.iter().any(|metric| metric.summary == Some(name) && metric.zero_is_left_out);
    name == HELD_OUT
        || found
            .iter()
            .any(|one| one.over_seeds(name).mean.is_some_and(|mean| !left_out_at_zero || mean != 0.0))
}

/// `0.41 ± 0.02`.
fn mean_and_spread(over_seeds: &OverSeeds) -> String {
    let sign = if env::var_os("AHA_ASCII").is_some_and(|value| !value.is_empty()) { "+-" } else { "±" };
    match (over_seeds.mean, over_seeds.spread) {
        (None, _) => NOTHING.to_owned(),
        (Some(mean), None) => format::value(mean),
        (Some(mean), Some(spread)) => format!("{} {sign} {}", format::value(mean), format::value(spread)),
    }
}

fn interval(over_seeds: &OverSeeds) -> String {
    match over_seeds.ci95 {
        Some([low, high]) => format!("{} to {}", format::value(low), format::value(high)),
        None => NOTHING.to_owned(),
    }
}

fn as_object(sweep: &Path, found: &[Found], interrupted: bool) -> Value {
    let run = |(trial, numbers): &(&Trial, Option<Numbers>)| {
        let metrics: Map<String, Value> =
            numbers.iter().flatten().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({
            "name": trial.name,
            "run": trial.run.as_ref().map(|run| run.path()),
            "seed": trial.seed,
            "state": trial.standing.name(),
            "steps": trial.steps(),
            "error": match &trial.standing {
                Standing::Failed(reason) => Some(reason),
                _ => None,
            },
            "metrics": numbers.as_ref().map(|_| metrics),
        })
    };
    let combination = |one: &Found| {
        let values: Map<String, Value> =
            one.combination.values.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let metrics: Map<String, Value> =
            names().map(|name| (name.to_owned(), json!(one.over_seeds(name)))).collect();
        json!({"values": values, "runs": one.trials.iter().map(run).collect::<Vec<_>>(), "metrics": metrics})
    };
    json!({
        "sweep": sweep,
        "interrupted": interrupted,
        "combinations": found.iter().map(combination).collect::<Vec<_>>(),
    })
}
