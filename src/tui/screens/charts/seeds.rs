//! Runs of one configuration that differ in their seed: their mean, and the range that they cover.

use crate::{
    config::Config,
    report::KEYS_ASIDE,
    tui::store::{Run, RunStore},
};

/// The open runs that have the configuration of the shown one, each with another seed; the shown one is among them. Fewer
/// than two are none.
pub(super) fn alike(runs: &RunStore) -> Vec<usize> {
    let Some(own) = known(runs.shown()) else { return Vec::new() };
    let mut seeds = vec![];
    let mut places = vec![];
    // The shown one goes first: of two with one seed, it is the one that counts.
    let others = runs.others().map(|(place, _)| place);
    for place in std::iter::once(runs.place()).chain(others) {
        let run = &runs.all()[place];
        let seed = run.config().filter(|_| run.told("seed")).map(|config| config.machine.seed);
        let Some(seed) = seed.filter(|seed| !seeds.contains(seed)) else { continue };
        if known(run).as_ref() == Some(&own) {
            seeds.push(seed);
            places.push(place);
        }
    }
    places.sort_unstable();
    if places.len() > 1 { places } else { Vec::new() }
}

/// What is known of what a run trains; `None` where nothing is.
fn known(run: &Run) -> Option<Vec<(&'static str, String)>> {
    let config = run.config()?;
    let keys = Config::keys().filter(|key| !KEYS_ASIDE.contains(&key.name) && run.told(key.name));
    let values: Vec<_> = keys.map(|key| (key.name, config.get(key.name).unwrap_or_default())).collect();
    (!values.is_empty()).then_some(values)
}

/// Points of a curve.
type Points = Vec<(f64, f64)>;

/// The value of a curve at a place, on the line between its points; `None` in a gap and beyond its ends.
pub(super) fn value_at(curve: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = curve.partition_point(|(at, _)| *at < x);
    let (at, value) = *curve.get(after)?;
    if at == x {
        return Some(value).filter(|value| value.is_finite());
    }
    let (last, from) = curve[after.checked_sub(1)?];
    Some(from + (value - from) * (x - last) / (at - last)).filter(|value| value.is_finite())
}

/// Mean, lowest and highest value of curves at a place; `None` unless all of them have one there.
pub(super) fn spread_at(curves: &[Points], x: f64) -> Option<(f64, f64, f64)> {
    let values: Option<Vec<f64>> = curves.iter().map(|curve| value_at(curve, x)).collect();
    let values = values.filter(|values| values.len() > 1)?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    Some((mean, low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
}

/// The mean of curves, and their range as two points for each x, at so many places of a range. The mean ends where the
/// first of them does: where a run drops out it would jump.
pub(super) fn spread(curves: &[Points], (first, last): (f64, f64), places: usize) -> (Points, Points) {
    let (mut mean, mut range) = (Vec::new(), Vec::new());
    for place in 0..places {
        let x = first + (last - first) * place as f64 / (places - 1).max(1) as f64;
        match spread_at(curves, x) {
            Some((middle, low, high)) => {
                mean.push((x, middle));
                range.extend([(x, low), (x, high)]);
            }
            None => {
                mean.push((x, f64::NAN));
                range.push((x, f64::NAN));
            }
        }
    }
    (mean, range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_value_between_its_points_and_none_in_a_gap() {
        let curve = [(1.0, 0.0), (3.0, 4.0), (4.0, f64::NAN), (5.0, 1.0), (6.0, 3.0)];
        let at = [0.5, 1.0, 2.0, 3.0, 3.5, 4.5, 5.5, 6.5].map(|x| value_at(&curve, x));
        assert_eq!(at, [None, Some(0.0), Some(2.0), Some(4.0), None, None, Some(2.0), None]);
    }

    #[test]
    fn the_mean_is_of_all_and_ends_with_the_first() {
        let curves = [vec![(1.0, 0.0), (5.0, 4.0)], vec![(1.0, 2.0), (3.0, 4.0)]];
        assert_eq!(spread_at(&curves, 3.0), Some((3.0, 2.0, 4.0)));
        assert_eq!(spread_at(&curves, 4.0), None);
        assert_eq!(spread_at(&curves[..1], 3.0), None, "one run has no spread");
        let (mean, range) = spread(&curves, (1.0, 5.0), 5);
        assert_eq!(mean[..3], [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]);
        assert!(mean[3..].iter().all(|(_, value)| value.is_nan()));
        assert_eq!(range[..4], [(1.0, 0.0), (1.0, 2.0), (2.0, 1.0), (2.0, 3.0)]);
    }
}
