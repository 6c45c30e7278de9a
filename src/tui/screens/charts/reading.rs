//! What the crosshair reads: the values of a step.

use crate::{
    metrics::Metric,
    tui::{
        store::{Run, history::Smoothing},
        widgets::numbers,
    },
};

/// A value as it is written beside its name.
pub(super) fn figure(metric: &Metric, value: f64) -> String {
    let (size, decimals) = (value.abs(), metric.decimals);
    if !value.is_finite() {
        "-".to_owned()
    } else if size > 0.0 && size < 1e-3 {
        format!("{value:.1e}")
    } else if decimals > 0 && size > 0.0 && size < 10f64.powi(1 - decimals as i32) {
        // Two digits that say something.
        let places = (1.0 - size.log10().floor()) as usize;
        format!("{value:.places$}")
    } else if size >= 10_000.0 {
        numbers::axis(value)
    } else {
        numbers::fixed(value, decimals, 0)
    }
}

/// What a run measured in a step. Of a step that is no more than a part of the curves, what the curve has at it or before.
pub(super) fn measured(run: &Run, metric: &Metric, step: u64) -> Option<f64> {
    let steps = run.history.steps();
    match steps.binary_search_by_key(&step, |known| known.step) {
        Ok(at) => steps[at].known(metric),
        Err(_) if run.history.is_curve_only(step) => before(run.history.raw(metric), step),
        Err(_) => None,
    }
}

/// The smoothed value at a step, or at the last one before it that has any.
pub(super) fn smoothed(run: &Run, metric: &Metric, smoothing: Smoothing, step: u64) -> Option<f64> {
    before(run.history.smooth(metric, smoothing), step)
}

fn before(points: impl Iterator<Item = (f64, f64)>, step: u64) -> Option<f64> {
    let last = points.take_while(|(at, _)| *at <= step as f64).last();
    last.map(|(_, value)| value).filter(|value| value.is_finite())
}

/// The step of a run that is nearest to this one.
pub(super) fn nearest_step(run: &Run, wanted: f64) -> Option<u64> {
    let last = run.history.last()?.step;
    let wanted = if wanted.is_finite() { wanted.round().max(0.0) as u64 } else { last };
    run.history.nearest(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metrics::registry, protocol::RunFacts, record::Step};

    #[test]
    fn figures_never_hide_a_small_number() {
        let lr = |value| figure(&registry::LEARNING_RATE, value);
        assert_eq!([lr(4e-4), lr(0.25), lr(0.0), lr(f64::NAN)], ["4.0e-4", "0.25", "0.00", "-"]);
        assert_eq!([lr(0.0196), lr(-0.0054), lr(0.1)], ["0.020", "-0.0054", "0.10"]);
        assert_eq!(figure(&registry::NUM_TOKENS, 31_400.0), "31.4k");
        assert_eq!(figure(&registry::MEAN_LENGTH, 118.4), "118");
    }

    #[test]
    fn a_value_that_was_not_measured_is_none() {
        let mut run = Run::new(RunFacts::of_our_files(false));
        for (step, reward) in [(1, Some(0.1)), (2, None), (4, Some(0.4))] {
            run.history.push(Step::new(step).with(&registry::REWARD, reward));
        }
        let read = [1, 2, 4, 5].map(|step| measured(&run, &registry::REWARD, step));
        assert_eq!(read, [Some(0.1), None, Some(0.4), None]);
        assert_eq!(smoothed(&run, &registry::REWARD, Smoothing::Off, 2), None);
        assert_eq!([0.0, 2.4, 99.0].map(|wanted| nearest_step(&run, wanted)), [Some(1), Some(2), Some(4)]);
    }
}
