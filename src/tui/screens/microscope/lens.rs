//! What tokens are coloured by: a value for each token, a level for each value, and words for both.

use std::sync::Arc;

use ratatui::style::{Modifier, Style};

use super::result::points;
use crate::{
    protocol::{Phase, RowInspection},
    record::{
        Rollout,
        explain::{Bounds, Explanation},
    },
    tui::shell::theme::Theme,
};

/// Shares of the largest value above which a signed value is weak, and strong.
const WEAK: f64 = 0.05;
const STRONG: f64 = 0.5;
/// Equal rewards leave rounding errors as advantages, and equal models as changes.
const NOTHING: f64 = 1e-6;

/// What tokens are coloured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lens {
    /// The advantage of the completion: the same for all of its tokens.
    Advantage,
    /// Entropy of the distribution that the token was drawn from.
    Entropy,
    /// Log-probability when it was sampled.
    LogProb,
    /// Its importance ratio in the loss, new to old.
    Ratio,
    /// The estimate of KL to the reference.
    Kl,
    /// Change of its probability by the update.
    Change,
}

impl Lens {
    /// All of them, in the order of their keys.
    pub const ALL: [Self; 6] =
        [Self::Advantage, Self::Entropy, Self::LogProb, Self::Ratio, Self::Kl, Self::Change];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advantage => "advantage",
            Self::Entropy => "entropy",
            Self::LogProb => "log-probability",
            Self::Ratio => "importance ratio",
            Self::Kl => "KL(policy || reference)",
            Self::Change => "probability change",
        }
    }

    /// Whether values lie on both sides of zero.
    pub(crate) fn signed(self) -> bool {
        matches!(self, Self::Advantage | Self::Ratio | Self::Change)
    }

    /// The value of each token, or why there is none.
    pub fn values(
        self,
        record: &Rollout,
        seen: Option<&RowInspection>,
        known: Phase,
    ) -> Result<Vec<f64>, &'static str> {
        const LATER: &str = "not recorded: only shown live, while this screen is open";
        let wide = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>();
        match self {
            Self::Advantage if known < Phase::Advantage => Err("known after the advantage phase"),
            Self::Advantage => Ok(vec![record.advantage(); record.token_ids().len()]),
            Self::Entropy => Ok(wide(record.entropies())),
            Self::LogProb => Ok(wide(record.logprobs())),
            Self::Ratio => {
                let loss = newest(seen.ok_or(LATER)?).ok_or(LATER)?;
                Ok(loss.tokens.iter().map(|token| token.ratio).collect())
            }
            Self::Kl => {
                let loss = newest(seen.ok_or(LATER)?).ok_or(LATER)?;
                if loss.kl_formula.is_none() {
                    return Err("there is no reference: kl_coef and kl_every are 0");
                }
                Ok(loss.tokens.iter().filter_map(|token| token.kl).collect())
            }
            Self::Change => {
                let seen = seen.ok_or(LATER)?;
                if seen.after.is_empty() {
                    return Err("the update has not happened yet");
                }
                let pairs = seen.before.iter().zip(&seen.after);
                Ok(pairs.map(|(b, a)| f64::from(a.logprob).exp() - f64::from(b.logprob).exp()).collect())
            }
        }
    }

    /// The largest value of the group. The colours of a signed lens are relative to it; otherwise they would all look
    /// alike after a small update.
    pub fn scale(self, records: &[Arc<Rollout>], seen: &[RowInspection], known: Phase) -> f64 {
        let middle = if self == Self::Ratio { 1.0 } else { 0.0 };
        let values = records.iter().flat_map(|record| {
            let seen = seen.iter().find(|row| row.record.index == record.index);
            self.values(record, seen, known).unwrap_or_default()
        });
        values.map(|value| (value - middle).abs()).filter(|size| size.is_finite()).fold(0.0, f64::max)
    }

    /// From -2 to 2 if the lens is signed, else from 0 to 4; see [`Self::scale`]. `bounds` are those of a ratio.
    pub fn level(self, value: f64, scale: f64, bounds: Bounds) -> i8 {
        let steps = |bounds: [f64; 4]| bounds.iter().filter(|&&bound| value >= bound).count() as i8;
        let signed = |value: f64, strong: bool| {
            let size = if strong { 2 } else { i8::from(value.abs() >= WEAK * scale) };
            if scale < NOTHING { 0 } else { size * if value < 0.0 { -1 } else { 1 } }
        };
        match self {
            _ if !value.is_finite() => 0,
            Self::Advantage | Self::Change => signed(value, value.abs() >= STRONG * scale),
            Self::Entropy => steps([0.1, 0.5, 1.0, 2.0]),
            Self::LogProb => 4 - [0.01f64, 0.1, 0.5, 0.9].iter().filter(|&&p| value.exp() >= p).count() as i8,
            Self::Ratio => signed(value - 1.0, bounds.beyond(value).is_some()),
            Self::Kl => steps([0.0001, 0.001, 0.01, 0.1]),
        }
    }

    /// What each level means, from the lowest.
    pub(crate) fn legend(self, scale: f64, bounds: Bounds) -> Vec<(i8, String)> {
        let words: Vec<String> = match self {
            Self::Advantage => {
                ["pushed down hard", "down", "none", "up", "pushed up hard"].map(String::from).into()
            }
            Self::Entropy => ["sure <0.1", "0.1", "0.5", "1", "2+ nats"].map(String::from).into(),
            Self::LogProb => ["p 90 %+", "50 %", "10 %", "1 %", "rarer"].map(String::from).into(),
            Self::Ratio => vec![
                bounds.low.map_or_else(String::new, |low| format!("below {low:.2}")),
                "lower".into(),
                "1".into(),
                "higher".into(),
                bounds.high.map_or_else(String::new, |high| format!("above {high:.2}")),
            ],
            Self::Kl => ["<0.0001", "0.0001", "0.001", "0.01", "0.1+ nats"].map(String::from).into(),
            Self::Change => {
                let most = STRONG * scale;
                vec![
                    format!("{} points or more", points(-most)),
                    "less likely".into(),
                    "hardly changed".into(),
                    "likelier".into(),
                    format!("{} points or more", points(most)),
                ]
            }
        };
        let first = if self.signed() { -2 } else { 0 };
        (first..).zip(words).filter(|(_, words)| !words.is_empty()).collect()
    }
}

/// The ratios and KL of a completion under the newest inspected weights.
pub(super) fn newest(seen: &RowInspection) -> Option<&Explanation> {
    seen.explained_after.as_ref().or(seen.explained.as_ref())
}

/// How a token of this level looks.
pub fn style(theme: &Theme, signed: bool, level: i8) -> Style {
    if !theme.color {
        return theme.text;
    }
    let reversed =
        |style: Style| style.remove_modifier(Modifier::UNDERLINED).add_modifier(Modifier::REVERSED);
    match (signed, level) {
        (true, -2) => reversed(theme.false_check),
        (true, -1) => theme.false_check,
        (true, 1) => theme.true_check,
        (true, 2) => reversed(theme.true_check),
        (true, _) => theme.dim,
        (false, 0) => theme.dim,
        (false, 1) => theme.text,
        (false, 2) => theme.title,
        (false, 3) => theme.warning,
        (false, _) => reversed(theme.warning),
    }
}

/// The symbol under a token of this level if there are no colours.
pub fn symbol(signed: bool, level: i8) -> char {
    match (signed, level) {
        (true, -2) => '=',
        (true, -1) => '-',
        (true, 1) => '+',
        (true, 2) => '#',
        (true, _) => '.',
        (false, level) => char::from(b'0' + level.clamp(0, 9) as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::scripted::Script;

    const BOUNDS: Bounds = Bounds { low: Some(0.8), high: Some(1.28), dual: None };

    #[test]
    fn changes_are_coloured_beside_the_largest_one() {
        for scale in [1e-4, 1e-2, 0.5] {
            let level = |share: f64| Lens::Change.level(share * scale, scale, BOUNDS);
            assert_eq!([-1.0, -0.2, 0.01, 0.2, 0.6].map(level), [-2, -1, 0, 1, 2], "{scale}");
        }
        assert_eq!(Lens::Change.level(1e-9, 1e-9, BOUNDS), 0, "rounding is no change");
        assert_eq!(Lens::Change.legend(0.02, BOUNDS)[4].1, "+1.0 points or more");
        let records: Vec<_> = Script::new(7).group(1, 0).into_iter().map(Arc::new).collect();
        let largest = records.iter().map(|record| record.advantage().abs()).fold(0.0, f64::max);
        assert_eq!(Lens::Advantage.scale(&records, &[], Phase::Score), 0.0);
        let tokens = records.iter().all(|record| !record.token_ids().is_empty());
        assert!(!tokens || Lens::Advantage.scale(&records, &[], Phase::Advantage) == largest);
    }

    #[test]
    fn every_level_has_its_own_symbol_and_words() {
        for lens in Lens::ALL {
            let legend = lens.legend(0.02, BOUNDS);
            assert_eq!(legend.len(), 5);
            let symbols: std::collections::HashSet<char> =
                legend.iter().map(|(level, _)| symbol(lens.signed(), *level)).collect();
            assert_eq!(symbols.len(), 5);
        }
        assert_eq!(Lens::Ratio.level(1.0, 1.0, BOUNDS), 0);
        assert_eq!(Lens::Ratio.level(2.0, 1.0, BOUNDS), 2);
        assert_eq!(Lens::Ratio.level(1.0004, 0.001, BOUNDS), 1);
        assert_eq!(Lens::LogProb.level(-0.01, 1.0, BOUNDS), 0);
        assert_eq!(Lens::LogProb.level(-9.0, 1.0, BOUNDS), 4);
        let no_floor = Bounds { low: None, ..BOUNDS };
        assert_eq!(Lens::Ratio.level(0.1, 1.0, no_floor), -1, "nothing is clipped below");
        assert_eq!(Lens::Ratio.legend(0.02, no_floor).len(), 4);
    }
}
