//! The weights of TRL's reward functions. None of its files has them, but each logged step says what the functions gave
//! on average and what that came to: where the steps determine the weights, and all agree on them, they are known.

use std::collections::BTreeSet;

use crate::{metrics::registry, record::Step};

/// With more functions than this nothing is computed.
const MOST_FUNCTIONS: usize = 32;
/// Most steps that are kept.
const MOST_STEPS: usize = 4096;
/// How far a step may be off: the logged means are 32-bit floats.
const OFF: f64 = 1e-4;

/// What the logged steps say about the functions.
#[derive(Debug, Default)]
pub(super) struct Weights {
    names: BTreeSet<String>,
    /// The means of a step by the order of `names`, and the reward.
    steps: Vec<(Vec<f64>, f64)>,
    /// Beside `names`, if they are known.
    found: Option<Vec<f64>>,
}

/// The function of a logged mean. Those of early 2025 were logged without the `/mean`.
fn function_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("rewards/")?;
    match rest.rsplit_once('/') {
        Some((function, "mean")) => Some(function),
        Some((_, "std")) => None,
        _ => Some(rest),
    }
}

impl Weights {
    /// Whether the means of this function were logged.
    pub fn has_logged(&self, function: &str) -> bool {
        self.names.contains(function)
    }

    /// Takes logged steps in.
    pub fn learn<'a>(&mut self, steps: impl Iterator<Item = &'a Step>) {
        let mut is_new = false;
        for step in steps {
            let functions: Vec<&str> = step.iter().filter_map(|(name, _)| function_of(name)).collect();
            if functions.iter().any(|name| !self.names.contains(*name)) && self.names.len() < MOST_FUNCTIONS {
                self.names.extend(functions.iter().map(|name| (*name).to_owned()));
                self.steps.clear();
            }
            let mean = |name: &String| {
                let known = [format!("rewards/{name}/mean"), format!("rewards/{name}")];
                known.iter().find_map(|name| step.named(name)).map_or(f64::NAN, |value| value.number())
            };
            let means: Vec<f64> = self.names.iter().map(mean).collect();
            let reward = step.get(&registry::REWARD);
            if means.iter().all(|mean| mean.is_finite())
                && reward.is_finite()
                && self.steps.len() < MOST_STEPS
            {
                self.steps.push((means, reward));
                is_new = true;
            }
        }
        if is_new {
            self.found = self.solve();
        }
    }

    /// What the functions of these names gave together, if their weights are known; a function that gave nothing counts
    /// as zero, as in TRL.
    pub fn total(&self, names: &[String], part: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let weights = self.found.as_ref()?;
        let weight = |name: &String| self.names.iter().zip(weights).find(|(known, _)| *known == name);
        let parts = names.iter().enumerate().map(|(at, name)| {
            let (_, weight) = weight(name)?;
            Some(weight * part(at).filter(|part| !part.is_nan()).unwrap_or(0.0))
        });
        (names.len() == weights.len()).then(|| parts.sum::<Option<f64>>())?
    }

    /// The weights that all steps agree on, by least squares; `None` where there are several, or no such.
    fn solve(&self) -> Option<Vec<f64>> {
        let n = self.names.len();
        if n == 0 || n > MOST_FUNCTIONS || self.steps.len() <= n {
            return None;
        }
        let mut rows = vec![vec![0.0; n + 1]; n];
        for (means, reward) in &self.steps {
            for (row, of_row) in rows.iter_mut().zip(means) {
                row.iter_mut().zip(means.iter().chain([reward])).for_each(|(cell, of)| *cell += of_row * of);
            }
        }
        let scale = rows.iter().enumerate().map(|(at, row)| row[at]).fold(0.0, f64::max);
        for at in 0..n {
            let pivot = (at..n).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
            rows.swap(at, pivot);
            if rows[at][at].abs() <= 1e-6 * scale {
                return None;
            }
            let lead = rows[at].clone();
            for (_, row) in rows.iter_mut().enumerate().filter(|(other, _)| *other != at) {
                let times = row[at] / lead[at];
                row.iter_mut().zip(&lead).for_each(|(cell, of)| *cell -= times * of);
            }
        }
        let weights: Vec<f64> = rows.iter().enumerate().map(|(at, row)| row[n] / row[at]).collect();
        let agrees = |(means, reward): &(Vec<f64>, f64)| {
            let computed: f64 = means.iter().zip(&weights).map(|(mean, weight)| mean * weight).sum();
            (computed - reward).abs() <= OFF * reward.abs().max(1.0)
        };
        self.steps.iter().all(agrees).then_some(weights)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn step(number: u64, a: f64, b: f64, reward: f64) -> Step {
        let mut step = Step::new(number);
        step.put("rewards/a/mean", a.into(), |_| false);
        step.put("rewards/a/std", 0.5.into(), |_| false);
        step.put("rewards/b", b.into(), |_| false);
        step.put("reward", reward.into(), |_| false);
        step
    }

    fn total(steps: &[Step]) -> Option<f64> {
        let mut weights = Weights::default();
        weights.learn(steps.iter());
        weights.total(&["a".into(), "b".into()], |at| [Some(1.0), None][at])
    }

    #[test]
    fn weights_on_which_all_steps_agree_are_known_and_no_others() {
        let steps = [step(1, 0.5, 0.25, 0.625), step(2, 0.25, 0.5, 0.5), step(3, 1.0, 0.0, 1.0)];
        assert!((total(&steps).unwrap() - 1.0).abs() < 1e-3);
        assert_eq!(total(&steps[..2]), None, "nothing to check them against");
        let other = step(4, 0.5, 0.5, 0.1);
        assert_eq!(total(&[steps.to_vec(), vec![other]].concat()), None);
        let same = [step(1, 0.5, 0.5, 0.75), step(2, 0.2, 0.2, 0.3), step(3, 0.1, 0.1, 0.15)];
        assert_eq!(total(&same), None, "they always gave the same");
    }
}
