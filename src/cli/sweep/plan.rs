//! What a sweep trains: every combination of the values of its keys.

use crate::{cli::Failure, config::Config, system::quoting::quoted};

/// A sweep of more runs is a mistake.
const MOST_RUNS: u64 = 10_000;
/// Characters of a run's name that say what is particular to it: with numbers of any length, the name is not cut.
const LONGEST_LABEL: usize = 28;

/// A key and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) key: &'static str,
    pub(super) values: Vec<String>,
}

/// One value of each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Combination {
    /// From 0, in the order of the keys and values as they were given, the last key changing first.
    pub(super) number: usize,
    pub(super) values: Vec<(&'static str, String)>,
    /// The keys that have several values in this sweep.
    pub(super) varied: Vec<&'static str>,
}

impl Combination {
    /// As it is written after `--set`.
    pub(super) fn settings(&self) -> Vec<String> {
        self.values.iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    /// What tells it from the others.
    pub(super) fn told(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.values.iter().filter(|(key, _)| self.varied.contains(key))
    }

    /// The name of its run with a seed: one name for each pair of both, whatever the values are.
    pub(super) fn name(&self, seed: u64) -> String {
        let fits = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
        let label: Vec<&str> = self.told().map(|(_, value)| value.as_str()).collect();
        let label: String = label.join("-").chars().map(fits).take(LONGEST_LABEL).collect();
        let number = format!("c{}", self.number + 1);
        match label.trim_matches('-') {
            "" => format!("{number}-seed{seed}"),
            label => format!("{number}-{label}-seed{seed}"),
        }
    }
}

/// The keys and values that are given as `KEY=A,B`, or as `KEY=A|B` where values hold commas.
///
/// # Errors
/// A sentence about the first that is unknown, not allowed or there twice.
pub(super) fn axes(settings: &[String]) -> Result<Vec<Axis>, Failure> {
    let mut axes: Vec<Axis> = Vec::new();
    for setting in settings {
        let axis = axis(setting)?;
        if axes.iter().any(|other| other.key == axis.key) {
            return Err(Failure(format!("`{}` is set twice; give all its values at once.", axis.key)));
        }
        axes.push(axis);
    }
    Ok(axes)
}

fn axis(setting: &str) -> Result<Axis, Failure> {
    let (name, text) = Config::pair(setting)?;
    let key = Config::key(name)?;
    if key.name == "seed" {
        return Err(Failure("The seeds of a sweep are set by --seeds N and --first-seed S.".into()));
    }
    let values: Vec<&str> = match text.strip_suffix('|').unwrap_or(text) {
        several if text.contains('|') => several.split('|').map(str::trim).collect(),
        several => several.split(',').map(str::trim).collect(),
    };
    let mut read = Vec::new();
    for value in &values {
        // `2e-4` and `0.0002` are one value.
        let meant = key.read_text(value).map_err(crate::config::ConfigError::from)?.to_string();
        if read.contains(&meant) {
            return Err(Failure(format!("`{}` has the value {} twice.", key.name, quoted(value))));
        }
        read.push(meant);
    }
    Ok(Axis { key: key.name, values: values.into_iter().map(str::to_owned).collect() })
}

/// Every combination of one value of each key; one of none without keys.
///
/// # Errors
/// If there are too many of them for so many seeds.
pub(super) fn combinations(axes: &[Axis], seeds: u64) -> Result<Vec<Combination>, Failure> {
    let count = axes.iter().try_fold(seeds, |count, axis| count.checked_mul(axis.values.len() as u64));
    if count.is_none_or(|count| count > MOST_RUNS) {
        return Err(Failure(format!(
            "These would be more than {MOST_RUNS} runs; give fewer values, or fewer seeds."
        )));
    }
    let mut all: Vec<Vec<(&'static str, String)>> = vec![Vec::new()];
    for axis in axes {
        let with = |values: &Vec<(&'static str, String)>| -> Vec<Vec<(&'static str, String)>> {
            let one_more =
                |value: &String| values.iter().cloned().chain([(axis.key, value.clone())]).collect();
            axis.values.iter().map(one_more).collect()
        };
        all = all.iter().flat_map(with).collect();
    }
    let varied: Vec<&'static str> =
        axes.iter().filter(|axis| axis.values.len() > 1).map(|axis| axis.key).collect();
    let combination = |(number, values)| Combination { number, values, varied: varied.clone() };
    Ok(all.into_iter().enumerate().map(combination).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(settings: &[&str]) -> Result<Vec<Axis>, String> {
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        axes(&settings).map_err(|failure| failure.0)
    }

    #[test]
    fn values_are_told_by_commas_or_by_bars() {
        let values = |setting| of(&[setting]).unwrap()[0].values.clone();
        assert_eq!(values("learning_rate=1e-4, 2e-4"), ["1e-4", "2e-4"]);
        assert_eq!(values("lora_targets=q,v|q,k,v"), ["q,v", "q,k,v"]);
        assert_eq!(values("lora_targets=q,v|"), ["q,v"]);
        assert_eq!(values("lora_targets=q,v"), ["q", "v"]);
    }

    #[test]
    fn what_no_run_could_take_is_refused_before_anything_starts() {
        for (settings, why) in [
            (&["learning_rte=1"][..], "learning_rate"),
            (&["temperature=1,hot"], "hot"),
            (&["temperature=1,,2"], "temperature"),
            (&["temperature"], "temperature"),
            (&["seed=1,2"], "--seeds"),
            (&["temperature=1", "temperature=0.5"], "set twice"),
            (&["learning_rate=2e-4,0.0002"], "twice"),
        ] {
            let said = of(settings).unwrap_err();
            assert!(said.contains(why) && said.ends_with('.'), "{settings:?}: {said}");
        }
        let many = vec![Axis { key: "temperature", values: vec!["1".into(); 200] }; 12];
        assert!(combinations(&many, u64::MAX).is_err() && combinations(&[], 10_001).is_err());
    }

    proptest! {
        #[test]
        fn every_combination_is_there_once(counts in proptest::collection::vec(1usize..5, 0..4), seeds in 1u64..4) {
            let keys = ["temperature", "learning_rate", "group_size", "kl_coef"];
            // Values that are alike once only what a file name takes is left of them.
            let value = |i: usize| "/".repeat(i + 1);
            let axes: Vec<Axis> = counts.iter().zip(keys)
                .map(|(count, key)| Axis { key, values: (0..*count).map(value).collect() })
                .collect();
            let all = combinations(&axes, seeds).unwrap();
            prop_assert_eq!(all.len(), counts.iter().product::<usize>());
            let distinct: BTreeSet<_> = all.iter().map(|one| one.values.clone()).collect();
            prop_assert_eq!(distinct.len(), all.len());
            let names: BTreeSet<String> =
                all.iter().flat_map(|one| (0..seeds).map(|seed| one.name(seed))).collect();
            prop_assert_eq!(names.len(), all.len() * seeds as usize);
            for (number, one) in all.iter().enumerate() {
                prop_assert_eq!(one.number, number);
                prop_assert!(one.values.iter().map(|(key, _)| *key).eq(axes.iter().map(|axis| axis.key)));
                prop_assert!(one.values.iter().zip(&axes).all(|((_, value), axis)| axis.values.contains(value)));
                prop_assert_eq!(one.told().count(), counts.iter().filter(|count| **count > 1).count());
            }
        }

        #[test]
        fn a_name_is_one_of_a_folder(values in proptest::collection::vec(".{0,80}", 1..3), seed in 0..=i64::MAX as u64) {
            let values: Vec<_> = values.into_iter().map(|value| ("temperature", value)).collect();
            let name = Combination { number: 9_999, values, varied: vec!["temperature"] }.name(seed);
            let end = format!("seed{seed}");
            prop_assert!(name.len() <= 60 && name.starts_with("c10000-") && name.ends_with(&end), "{}", name);
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{}", name);
        }
    }
}
