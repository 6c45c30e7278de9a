//! What tokens are coloured by: a value for each token, a level for each value, and words for both.

use ratatui::style::{Modifier, Style};

use crate::{config::Config, engine::protocol::RowInspection, run::record::RolloutRecord, tui::theme::Theme};

/// What tokens are coloured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lens {
    /// The advantage of the completion: the same for all of its tokens.
    Advantage,
    /// Entropy of the distribution that the token was drawn from.
    Entropy,
    /// Log-probability when it was sampled.
    LogProb,
    /// Probability under the newest weights over that when it was sampled.
    Ratio,
    /// The k3 estimate of KL to the reference.
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
            Self::Change => "change of probability",
        }
    }

    /// Whether values lie on both sides of nothing.
    pub fn signed(self) -> bool {
        matches!(self, Self::Advantage | Self::Ratio | Self::Change)
    }

    /// The value of each token, or why there is none.
    pub fn values(
        self,
        record: &RolloutRecord,
        seen: Option<&RowInspection>,
    ) -> Result<Vec<f64>, &'static str> {
        const LATER: &str = "not recorded: it is seen live, from the next advantage phase on";
        let wide = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>();
        match self {
            Self::Advantage => Ok(vec![record.advantage; record.token_ids.len()]),
            Self::Entropy => Ok(wide(&record.entropies)),
            Self::LogProb => Ok(wide(&record.logprobs)),
            Self::Ratio => {
                let now = newest(seen.ok_or(LATER)?);
                Ok(now.zip(&record.logprobs).map(|(now, &then)| ratio(now, then)).collect())
            }
            Self::Kl => {
                let seen = seen.ok_or(LATER)?;
                if seen.reference.is_empty() {
                    return Err("there is no reference model: kl_coef is 0");
                }
                Ok(newest(seen).zip(&seen.reference).map(|(now, &reference)| k3(now, reference)).collect())
            }
            Self::Change => {
                let seen = seen.ok_or(LATER)?;
                if seen.after.is_empty() {
                    return Err("the update has not been made yet");
                }
                let pairs = seen.before.iter().zip(&seen.after);
                Ok(pairs.map(|(b, a)| f64::from(a.logprob).exp() - f64::from(b.logprob).exp()).collect())
            }
        }
    }

    /// From -2 to 2 where the lens is signed, else from 0 to 4. `scale` is the group's largest advantage.
    pub fn level(self, value: f64, scale: f64, config: &Config) -> i8 {
        let steps = |bounds: [f64; 4]| bounds.iter().filter(|&&bound| value >= bound).count() as i8;
        let signed = |weak: f64, strong: f64, value: f64| {
            let size = i8::from(value.abs() >= weak) + i8::from(value.abs() >= strong);
            if value < 0.0 { -size } else { size }
        };
        match self {
            _ if !value.is_finite() => 0,
            Self::Advantage if scale < 1e-6 => 0,
            Self::Advantage => signed(0.05, 0.5, value / scale),
            Self::Entropy => steps([0.1, 0.5, 1.0, 2.0]),
            Self::LogProb => 4 - [0.01f64, 0.1, 0.5, 0.9].iter().filter(|&&p| value.exp() >= p).count() as i8,
            Self::Ratio => {
                let clipped = value < 1.0 - config.clip_eps_low || value > 1.0 + config.clip_eps_high;
                let size = if clipped { 2 } else { i8::from((value - 1.0).abs() >= 0.005) };
                if value < 1.0 { -size } else { size }
            }
            Self::Kl => steps([0.0001, 0.001, 0.01, 0.1]),
            Self::Change => signed(0.001, 0.02, value),
        }
    }

    /// What each level means, from the lowest.
    pub fn legend(self, config: &Config) -> Vec<(i8, String)> {
        let words: Vec<String> = match self {
            Self::Advantage => {
                ["pushed down hard", "down", "none", "up", "pushed up hard"].map(String::from).into()
            }
            Self::Entropy => ["sure <0.1", "0.1", "0.5", "1", "2+ nats"].map(String::from).into(),
            Self::LogProb => ["p 90 %+", "50 %", "10 %", "1 %", "rarer"].map(String::from).into(),
            Self::Ratio => vec![
                format!("below {:.2}", 1.0 - config.clip_eps_low),
                "lower".into(),
                "1".into(),
                "higher".into(),
                format!("above {:.2}", 1.0 + config.clip_eps_high),
            ],
            Self::Kl => ["<0.0001", "0.0001", "0.001", "0.01", "0.1+ nats"].map(String::from).into(),
            Self::Change => ["-2 points or more", "less likely", "same", "likelier", "+2 or more"]
                .map(String::from)
                .into(),
        };
        let first = if self.signed() { -2 } else { 0 };
        (first..).zip(words).collect()
    }
}

/// Log-probabilities under the newest weights that were looked at.
fn newest(seen: &RowInspection) -> impl Iterator<Item = f32> + '_ {
    let views = if seen.after.is_empty() { &seen.before } else { &seen.after };
    views.iter().map(|view| view.logprob)
}

/// The importance ratio of two log-probabilities.
pub fn ratio(now: f32, then: f32) -> f64 {
    (f64::from(now) - f64::from(then)).exp()
}

/// The k3 estimate of KL, as in the loss: `exp(ref - now) - (ref - now) - 1`.
pub fn k3(now: f32, reference: f32) -> f64 {
    let gap = f64::from(reference) - f64::from(now);
    gap.exp() - gap - 1.0
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

/// What stands under a token of this level where there are no colours.
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

    #[test]
    fn k3_is_zero_for_equal_models_and_never_negative() {
        assert_eq!(k3(-1.5, -1.5), 0.0);
        // e^{0.5} - 0.5 - 1
        assert!((k3(-1.5, -1.0) - 0.148_721).abs() < 1e-5);
        assert!(k3(-0.1, -3.0) > 0.0 && k3(-3.0, -0.1) > 0.0);
        assert!((ratio(-1.0, -1.5) - 0.5f64.exp()).abs() < 1e-6);
    }

    #[test]
    fn every_level_has_its_own_symbol_and_words() {
        let config = Config::default();
        for lens in Lens::ALL {
            let legend = lens.legend(&config);
            assert_eq!(legend.len(), 5);
            let symbols: std::collections::HashSet<char> =
                legend.iter().map(|(level, _)| symbol(lens.signed(), *level)).collect();
            assert_eq!(symbols.len(), 5);
        }
        assert_eq!(Lens::Ratio.level(1.0, 1.0, &config), 0);
        assert_eq!(Lens::Ratio.level(2.0, 1.0, &config), 2);
        assert_eq!(Lens::LogProb.level(-0.01, 1.0, &config), 0);
        assert_eq!(Lens::LogProb.level(-9.0, 1.0, &config), 4);
    }
}
