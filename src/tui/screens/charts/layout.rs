//! The layout of the Charts screen: its panels, their order and axes. It is of all runs, and it is remembered.

use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::metrics::{Metric, registry};

/// Most panels.
pub const MOST_PANELS: usize = 24;
/// Most metrics of a panel: as many lines can be told apart without colours.
pub const MOST_METRICS: usize = 4;

/// One panel: metrics on one pair of axes.
#[derive(Debug, Clone)]
pub struct ChartPanel {
    /// Its metrics, at least one.
    metrics: Vec<&'static Metric>,
    /// Whether its vertical axis is logarithmic.
    log: bool,
}

impl PartialEq for ChartPanel {
    fn eq(&self, other: &Self) -> bool {
        let names = |panel: &Self| panel.metrics.iter().map(|metric| metric.name).collect::<Vec<_>>();
        self.log == other.log && names(self) == names(other)
    }
}

impl ChartPanel {
    /// A panel of this metric.
    fn new(metric: &'static Metric) -> Self {
        Self { metrics: vec![metric], log: false }
    }

    /// Its metrics.
    pub fn metrics(&self) -> &[&'static Metric] {
        &self.metrics
    }

    /// Whether its vertical axis is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// Whether a metric is on it.
    pub fn has(&self, metric: &Metric) -> bool {
        self.metrics.iter().any(|own| own.name == metric.name)
    }
}

/// All panels.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartLayout {
    panels: Vec<ChartPanel>,
    /// What is on the horizontal axis.
    unit: Unit,
}

impl Default for ChartLayout {
    fn default() -> Self {
        let of = |metrics: &[&'static Metric]| ChartPanel { metrics: metrics.to_vec(), log: false };
        Self {
            panels: vec![
                of(&[&registry::REWARD]),
                of(&[&registry::ACCURACY, &registry::EVAL_ACCURACY]),
                of(&[&registry::MEAN_LENGTH]),
                of(&[&registry::CHECKS, &registry::TRUE_CHECKS]),
                of(&[&registry::ENTROPY]),
                of(&[&registry::GRAD_NORM]),
            ],
            unit: Unit::Steps,
        }
    }
}

impl ChartLayout {
    /// The panels in order.
    pub fn panels(&self) -> &[ChartPanel] {
        &self.panels
    }

    /// What is on the horizontal axis.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The next unit of the horizontal axis.
    pub(super) fn turn_unit(&mut self) {
        self.unit = self.unit.next();
    }

    /// Adds a panel of a metric after the one at `at`; its place, or `None` if there are too many.
    pub(super) fn add(&mut self, metric: &'static Metric, at: usize) -> Option<usize> {
        if self.panels.len() >= MOST_PANELS {
            return None;
        }
        let place = (at + 1).min(self.panels.len());
        self.panels.insert(place, ChartPanel::new(metric));
        Some(place)
    }

    /// Puts a metric on a panel, or takes it off; the last one of a panel stays. Whether that was possible.
    pub(super) fn turn_metric(&mut self, at: usize, metric: &'static Metric) -> bool {
        let Some(panel) = self.panels.get_mut(at) else { return false };
        let has = panel.has(metric);
        let possible = if has { panel.metrics.len() > 1 } else { panel.metrics.len() < MOST_METRICS };
        match (possible, has) {
            (true, true) => panel.metrics.retain(|own| own.name != metric.name),
            (true, false) => panel.metrics.push(metric),
            _ => {}
        }
        possible
    }

    /// Removes a panel. Whether there was one.
    pub(super) fn remove(&mut self, at: usize) -> bool {
        let there = at < self.panels.len();
        if there {
            self.panels.remove(at);
        }
        there
    }

    /// Moves a panel so many places on; where it is then.
    pub(super) fn shift(&mut self, at: usize, by: isize) -> usize {
        let to = at.saturating_add_signed(by).min(self.panels.len().saturating_sub(1));
        if at < self.panels.len() {
            let panel = self.panels.remove(at);
            self.panels.insert(to, panel);
        }
        to
    }

    /// A logarithmic or a linear axis. Whether it is logarithmic now; `None` if there is no such panel.
    pub(super) fn turn_log(&mut self, at: usize) -> Option<bool> {
        let panel = self.panels.get_mut(at)?;
        panel.log = !panel.log;
        Some(panel.log)
    }
}

/// The layout as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    axis: String,
    #[serde(default, rename = "panel")]
    panels: Vec<WrittenPanel>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPanel {
    metrics: Vec<String>,
    #[serde(default)]
    log: bool,
}

impl ChartLayout {
    /// As text, for a file.
    pub fn text(&self) -> String {
        let panel = |panel: &ChartPanel| WrittenPanel {
            metrics: panel.metrics.iter().map(|metric| metric.name.to_owned()).collect(),
            log: panel.log,
        };
        let axis = self.unit.name().to_owned();
        let written = Written { axis, panels: self.panels.iter().map(panel).collect() };
        toml::to_string(&written).unwrap_or_default()
    }

    /// Reads such a text.
    ///
    /// # Errors
    /// What is wrong with it, as the second half of a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count());
            format!("line {}: {}", line + 1, error.message().lines().next().unwrap_or("not TOML"))
        })?;
        let unit = Unit::of(&written.axis).ok_or_else(|| {
            let names = Unit::ALL.map(Unit::name).join(", ");
            format!("axis = '{}' is none of {names}", crate::system::quoting::shortened(&written.axis))
        })?;
        if written.panels.len() > MOST_PANELS {
            return Err(format!("it has {} panels, and {MOST_PANELS} are the most", written.panels.len()));
        }
        let panels = written.panels.into_iter().map(read_panel).collect::<Result<_, _>>()?;
        Ok(Self { panels, unit })
    }
}

fn read_panel(written: WrittenPanel) -> Result<ChartPanel, String> {
    let count = written.metrics.len();
    if !(1..=MOST_METRICS).contains(&count) {
        return Err(format!("a panel has {count} metrics, and 1 to {MOST_METRICS} are possible"));
    }
    let mut panel = ChartPanel { metrics: Vec::new(), log: written.log };
    for name in written.metrics {
        let known = registry::ALL.iter().find(|metric| metric.name == name);
        let name = crate::system::quoting::shortened(&name);
        let metric = known.ok_or_else(|| format!("'{name}' is no metric that this version knows"))?;
        if panel.has(metric) {
            return Err(format!("a panel has '{name}' twice"));
        }
        panel.metrics.push(metric);
    }
    Ok(panel)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_everything_else_is_said() {
        let mut layout = ChartLayout::default();
        assert_eq!(ChartLayout::read(&layout.text()).unwrap(), layout);
        layout.turn_log(0);
        layout.turn_unit();
        layout.shift(0, 3);
        layout.turn_metric(3, &registry::KL);
        assert_eq!(ChartLayout::read(&layout.text()).unwrap(), layout);
        while layout.remove(0) {}
        assert_eq!(ChartLayout::read(&layout.text()).unwrap(), layout, "no panel is a layout too");
        let panel = |metrics: &str| format!("axis = \"steps\"\n[[panel]]\nmetrics = [{metrics}]\n");
        let many = panel("\"kl\"") + &"[[panel]]\nmetrics = [\"kl\"]\n".repeat(MOST_PANELS);
        for (text, said) in [
            ("", "missing field `axis`"),
            ("axis = 3", "line 1"),
            ("axis = \"hours\"", "'hours' is none of steps, tokens, minutes, dollars"),
            ("axis = \"steps\"\nzoom = 2", "line 2"),
            (&panel("\"a\\u0007b\""), "is no metric that this version knows"),
            (&panel(""), "0 metrics"),
            (&panel("\"kl\", \"kl\""), "twice"),
            (&panel("\"kl\", \"loss\", \"reward\", \"entropy\", \"flops\""), "5 metrics"),
            (&many, "25 panels"),
            ("\u{0}\u{ff}", "line 1"),
        ] {
            let error = ChartLayout::read(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn panels_are_added_up_to_a_limit_and_keep_at_least_one_metric() {
        let mut layout = ChartLayout::default();
        assert_eq!(layout.add(&registry::KL, 1), Some(2));
        assert!(layout.panels()[2].has(&registry::KL));
        assert!(!layout.turn_metric(2, &registry::KL), "its only one");
        assert!(layout.turn_metric(2, &registry::LOSS) && layout.turn_metric(2, &registry::KL));
        assert_eq!((layout.shift(2, 100), layout.shift(6, -100)), (6, 0));
        assert!(layout.panels()[0].has(&registry::LOSS));
        while layout.add(&registry::KL, 0).is_some() {}
        assert_eq!(layout.panels().len(), MOST_PANELS);
        assert!(
            !layout.remove(99) && layout.turn_log(99).is_none() && !layout.turn_metric(99, &registry::KL)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_layout_or_a_sentence(text in "(?s).{0,200}") {
            let _ = ChartLayout::read(&text);
        }
    }
}
