//! Which curves a report has.

use super::{
    chart::{Band, Chart, Line},
    groups::Group,
    read::Told,
};
use crate::metrics::{
    Ema, aha,
    registry::{self, Metric, Unit},
};

/// A curve, under the name of its metric.
pub(super) struct Curve {
    pub(super) metric: &'static str,
    /// The tab that it is in.
    pub(super) tab: &'static str,
    pub(super) chart: Chart,
}

/// The tabs and their metrics.
static TABS: [(&str, &[&Metric]); 4] = [
    (
        "What emerges",
        &[&registry::ACCURACY, &registry::CHECKS, &registry::SELF_CORRECTIONS, &registry::MEAN_LENGTH],
    ),
    (
        "Reward",
        &[
            &registry::REWARD,
            &registry::EVAL_ACCURACY,
            &registry::FRAC_REWARD_ZERO_STD,
            &registry::CLIPPED_RATIO,
        ],
    ),
    (
        "Honesty",
        &[
            &registry::FAITHFUL_SHARE,
            &registry::ARITHMETIC_RIGHT,
            &registry::REPEATED_ATTEMPTS,
            &registry::SELF_CHECKING_SHARE,
        ],
    ),
    ("Training", &[&registry::ENTROPY, &registry::KL, &registry::GRAD_NORM, &registry::LEARNING_RATE]),
];

/// Curves of all metrics that any run has measured.
pub(super) fn of(runs: &[Told], groups: &[Group]) -> Vec<Curve> {
    let curve = |tab, metric: &&'static Metric| {
        let chart = chart(runs, groups, metric)?;
        Some(Curve { metric: metric.name, tab, chart })
    };
    TABS.iter().flat_map(|(tab, metrics)| metrics.iter().filter_map(|metric| curve(*tab, metric))).collect()
}

fn chart(runs: &[Told], groups: &[Group], metric: &'static Metric) -> Option<Chart> {
    let unit = match metric.unit {
        Unit::Number => String::new(),
        unit => unit.words().to_owned(),
    };
    let title = match metric.label {
        label if label == metric.name => metric.name.rsplit('/').next().unwrap_or(label).replace('_', " "),
        label => label.to_owned(),
    };
    let mut chart = Chart { title, about: unit, across: "step", ..Chart::default() };
    for (colour, group) in groups.iter().enumerate() {
        let curves: Vec<Vec<(f64, f64)>> = group.runs.iter().map(|run| points(&runs[*run], metric)).collect();
        for (curve, run) in curves.iter().zip(&group.runs).filter(|(curve, _)| !curve.is_empty()) {
            let label = runs[*run].name.clone();
            chart.lines.push(Line { label, colour, points: curve.clone(), is_faint: curve.len() > 1 });
        }
        let drawn: Vec<&Vec<(f64, f64)>> = curves.iter().filter(|curve| curve.len() > 1).collect();
        match drawn[..] {
            [] => {}
            [only] => {
                let label = group.label.clone();
                chart.lines.push(Line { label, colour, points: smoothed(only), is_faint: false });
            }
            _ => {
                let (middle, band) = together(&drawn);
                let label = format!("{}, mean of {}", group.label, drawn.len());
                chart.lines.push(Line { label, colour, points: smoothed(&middle), is_faint: false });
                chart.bands.push(Band { colour, points: band });
            }
        }
    }
    chart.level = level(runs, metric);
    let marked = std::ptr::eq(metric, &registry::SELF_CORRECTIONS) || std::ptr::eq(metric, &registry::CHECKS);
    if marked && runs.len() <= 3 {
        for (colour, group) in groups.iter().enumerate() {
            chart.marks.extend(
                group.runs.iter().filter_map(|run| Some((runs[*run].aha()? as f64, "aha".into(), colour))),
            );
        }
    }
    (!chart.lines.is_empty()).then_some(chart)
}

fn points(told: &Told, metric: &Metric) -> Vec<(f64, f64)> {
    told.curve(metric).into_iter().map(|(step, value)| (step as f64, value)).collect()
}

/// As in the lab's charts. What is measured now and then is not smoothed.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() < 8 {
        return points.to_vec();
    }
    let mut average = Ema::new(aha::SMOOTHING);
    points.iter().filter_map(|(x, y)| Some((*x, average.push(*y)?))).collect()
}

/// Mean, least and greatest of several curves at each step that all of them have.
fn together(curves: &[&Vec<(f64, f64)>]) -> (Vec<(f64, f64)>, Vec<(f64, f64, f64)>) {
    let (mut middle, mut band) = (Vec::new(), Vec::new());
    for (x, _) in curves[0] {
        let at = |curve: &&Vec<(f64, f64)>| {
            let place = curve.binary_search_by(|point| point.0.total_cmp(x)).ok()?;
            Some(curve[place].1)
        };
        let values: Vec<f64> = curves.iter().filter_map(at).collect();
        if values.len() == curves.len() {
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            middle.push((*x, values.iter().sum::<f64>() / values.len() as f64));
            band.push((*x, low, high));
        }
    }
    (middle, band)
}

/// The base's value, where all runs began from one that was measured.
fn level(runs: &[Told], metric: &Metric) -> Option<(f64, String)> {
    let base = runs.first()?.started.base.as_ref()?;
    if runs.iter().any(|told| told.started.base.as_ref() != Some(base)) {
        return None;
    }
    let value = match () {
        () if std::ptr::eq(metric, &registry::ACCURACY) => base.accuracy,
        () if std::ptr::eq(metric, &registry::EVAL_ACCURACY) => base.accuracy,
        () if std::ptr::eq(metric, &registry::CHECKS) => base.checks,
        () if std::ptr::eq(metric, &registry::SELF_CORRECTIONS) => base.self_corrections,
        () if std::ptr::eq(metric, &registry::MEAN_LENGTH) => base.mean_length,
        () if std::ptr::eq(metric, &registry::SELF_CHECKING_SHARE) => base.self_checking_share,
        () => return None,
    };
    Some((value, "base, before".to_owned()))
}
