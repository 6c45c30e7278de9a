//! The result of a phase in one line of numbers.

use std::sync::Arc;

use super::lens::Lens;
use crate::{
    config::Config,
    metrics::spread::standard_deviation,
    protocol::{Phase, RowInspection},
    record::Rollout,
};

/// What is known of the group on screen.
pub struct Seen<'a> {
    /// The last phase whose results are known.
    pub known: Phase,
    /// Its completions.
    pub rows: &'a [Arc<Rollout>],
    /// Those of them that were inspected.
    pub inspected: &'a [RowInspection],
    /// Where completions are cut off, if the run says so.
    pub limit: Option<usize>,
    /// Whether the run says how it makes advantages of rewards.
    pub estimates: bool,
}

/// The result of the last phase that is known.
pub fn result(seen: &Seen<'_>, config: &Config) -> String {
    match seen.known {
        Phase::Sample => sampled(seen.rows, seen.limit),
        Phase::Score => scored(seen.rows),
        Phase::Advantage => judged(seen, config),
        Phase::Update | Phase::Evaluate => match changes(seen) {
            Some(text) => text,
            None => judged(seen, config),
        },
    }
}

fn sampled(rows: &[Arc<Rollout>], limit: Option<usize>) -> String {
    let tokens = match rows.iter().map(|row| row.length()).collect::<Option<Vec<usize>>>() {
        Some(lengths) => format!(
            " of {} to {} tokens",
            lengths.iter().min().unwrap_or(&0),
            lengths.iter().max().unwrap_or(&0)
        ),
        None => String::new(),
    };
    let cut = rows.iter().filter(|row| row.truncated).count();
    let cut = match (cut, limit) {
        (0, _) => String::new(),
        (cut, Some(limit)) => format!(", {cut} cut off at {limit}"),
        (cut, None) => format!(", {cut} cut off"),
    };
    format!("{} completions{tokens}{cut}.", rows.len())
}

fn scored(rows: &[Arc<Rollout>]) -> String {
    let mut rewards: Vec<(f64, usize)> = Vec::new();
    for row in rows {
        match rewards.iter_mut().find(|(reward, _)| reward.total_cmp(&row.reward).is_eq()) {
            Some((_, count)) => *count += 1,
            None => rewards.push((row.reward, 1)),
        }
    }
    rewards.sort_by(|a, b| b.0.total_cmp(&a.0));
    let right = match rows.iter().all(|row| row.correct.is_none()) {
        true if !rows.is_empty() => "Nobody says which are right".to_owned(),
        _ => format!("{} of {} right", rows.iter().filter(|row| row.is_right()).count(), rows.len()),
    };
    let counted: Vec<String> = rewards
        .iter()
        .map(|(reward, count)| match reward.is_nan() {
            true => format!("{count} unknown"),
            false => format!("{count} of {reward}"),
        })
        .collect();
    format!("{right}; rewards: {}.", counted.join(", "))
}

fn judged(Seen { rows, estimates, .. }: &Seen<'_>, config: &Config) -> String {
    let rewards: Vec<f64> = rows.iter().map(|row| row.reward).collect();
    let (low, high) = range_of(rows.iter().map(|row| row.advantage()));
    let advantages = match low > high {
        true => "advantages unknown".to_owned(),
        false => format!("advantages {low:+.3} to {high:+.3}"),
    };
    let deviation = standard_deviation(&rewards);
    if deviation.is_nan() && !rows.is_empty() {
        return format!("Baseline and deviation are unknown, like the rewards; {advantages}.");
    }
    let range = if rows.is_empty() { String::new() } else { format!(", {advantages}") };
    if !estimates && !rows.is_empty() {
        let mean = rewards.iter().sum::<f64>() / rewards.len() as f64;
        return format!("Baseline unknown; mean reward {mean:.3}, deviation {deviation:.3}{range}.");
    }
    let baselines = config.explain(&rewards).baselines;
    let (least, most) = range_of(baselines.into_iter());
    let baseline = match format!("{least:.3}") {
        _ if rows.is_empty() => "0.000".into(),
        _ if least > most => "of the batch".into(),
        one if one == format!("{most:.3}") => one,
        least => format!("{least} to {most:.3}"),
    };
    format!("Baseline {baseline}, deviation {deviation:.3}{range}.")
}

/// The least and the greatest.
fn range_of(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// How far the tokens of the group moved, on the side of the advantage and against it.
fn changes(seen: &Seen<'_>) -> Option<String> {
    let mut sides: [(f64, usize); 2] = Default::default();
    let mut largest: Option<(f64, &str)> = None;
    for row in seen.inspected {
        let values = Lens::Change.values(&row.record, Some(row), seen.known).ok()?;
        for (index, change) in values.iter().enumerate().filter(|(_, change)| change.is_finite()) {
            if largest.is_none_or(|(most, _)| change.abs() > most.abs()) {
                largest = Some((*change, row.pieces.get(index).map_or("", |piece| piece.trim())));
            }
            let side = &mut sides[usize::from(row.record.advantage() < 0.0)];
            if row.record.advantage() != 0.0 {
                *side = (side.0 + change, side.1 + 1);
            }
        }
    }
    let (most, piece) = largest?;
    let piece: String = piece.chars().filter(|c| !c.is_control()).take(16).collect();
    let mean = |(sum, count): (f64, usize)| (count > 0).then(|| points(sum / count as f64));
    let sides = match (mean(sides[0]), mean(sides[1])) {
        (Some(up), Some(down)) => format!("mean {up} at advantages above 0, {down} below 0, "),
        (Some(up), None) => format!("mean {up} at advantages above 0, "),
        (None, Some(down)) => format!("mean {down} at advantages below 0, "),
        (None, None) => String::new(),
    };
    Some(format!("Probability in points: {sides}largest {} ({piece:?}).", points(most)))
}

/// A probability's change in percentage points, with two significant digits.
pub fn points(change: f64) -> String {
    let points = 100.0 * change;
    match points.abs() {
        0.0 => "0".into(),
        size if size >= 10.0 => format!("{points:+.0}"),
        size if size >= 1.0 => format!("{points:+.1}"),
        size if size >= 0.1 => format!("{points:+.2}"),
        size if size >= 0.01 => format!("{points:+.3}"),
        _ => format!("{points:+.0e}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::scripted::Script;

    #[test]
    fn each_phase_has_its_own_numbers() {
        let config = Config::default();
        let rows: Vec<Arc<Rollout>> = [1.0, 0.1, 0.1, 0.0]
            .into_iter()
            .zip(Script::new(7).group(3, 0))
            .map(|(reward, record)| {
                let advantage = reward - 0.3;
                Arc::new(Rollout {
                    reward,
                    rewards: None,
                    advantage: Some(advantage),
                    correct: Some(reward == 1.0),
                    token_ids: Some(vec![1; 9]),
                    ..record
                })
            })
            .collect();
        let seen = |known| Seen { known, rows: &rows, inspected: &[], limit: Some(128), estimates: true };
        let told = |known| result(&seen(known), &config);
        assert_eq!(told(Phase::Sample), "4 completions of 9 to 9 tokens.");
        assert_eq!(told(Phase::Score), "1 of 4 right; rewards: 1 of 1, 2 of 0.1, 1 of 0.");
        assert_eq!(told(Phase::Advantage), "Baseline 0.300, deviation 0.469, advantages -0.300 to +0.700.");
        assert_eq!(told(Phase::Update), told(Phase::Advantage), "nobody looked at the tokens");

        let others = Seen { estimates: false, limit: None, ..seen(Phase::Advantage) };
        assert_eq!(
            result(&others, &config),
            "Baseline unknown; mean reward 0.300, deviation 0.469, advantages -0.300 to +0.700."
        );
        let unsaid = |row: &Arc<Rollout>| {
            Arc::new(Rollout { correct: None, token_ids: None, truncated: true, ..row.as_ref().clone() })
        };
        let rows: Vec<Arc<Rollout>> = rows.iter().map(unsaid).collect();
        let told = |known| result(&Seen { known, rows: &rows, ..others }, &config);
        assert_eq!(told(Phase::Sample), "4 completions, 4 cut off.");
        assert_eq!(told(Phase::Score), "Nobody says which are right; rewards: 1 of 1, 2 of 0.1, 1 of 0.");
    }

    #[test]
    fn points_have_digits_that_say_something() {
        assert_eq!(points(0.0), "0");
        assert_eq!(points(0.314), "+31");
        assert_eq!(points(-0.0123), "-1.2");
        assert_eq!(points(0.00123), "+0.12");
        assert_eq!(points(-0.000_012_3), "-1e-3");
    }
}
