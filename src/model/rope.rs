//! Rotary positions as data: the wavelengths of the angles, scaled or not.

use serde::{Deserialize, Serialize};

/// The rotary positions of a layer (<https://arxiv.org/abs/2104.09864>).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rope {
    /// Base of the wavelengths.
    pub theta: f64,
    /// How they are scaled, if they are.
    pub scaling: Option<Scaling>,
}

/// A scaling of the wavelengths, for longer sequences than the model was first trained on. Fields are named as in
/// `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum Scaling {
    /// All of them alike (<https://arxiv.org/abs/2306.15595>).
    Linear {
        /// By how much.
        factor: f64,
    },
    /// The long ones, as in Llama 3.1 (<https://arxiv.org/abs/2407.21783>).
    Llama3 {
        /// By how much.
        factor: f64,
        /// Turns within the old length up to which a wavelength is scaled whole.
        low_freq_factor: f64,
        /// Turns within the old length from which it is not scaled.
        high_freq_factor: f64,
        /// The old length.
        original_max_position_embeddings: usize,
    },
    /// The long ones, and the angles' cosines and sines grow (YaRN, <https://arxiv.org/abs/2309.00071>).
    Yarn {
        /// By how much.
        factor: f64,
        /// The old length.
        original_max_position_embeddings: usize,
        /// What cosines and sines are multiplied by.
        attention_factor: f64,
        /// Turns within the old length from which a wavelength is not scaled.
        beta_fast: f64,
        /// Turns within the old length up to which it is scaled whole.
        beta_slow: f64,
        /// Whether the two bounds are rounded to whole dimensions.
        truncate: bool,
    },
}

impl Rope {
    /// Positions per radian of each pair of a head of this width, `[c / 2]`.
    pub fn wavelengths(&self, width: usize) -> Vec<f64> {
        let half = width / 2;
        let scaled = |i: usize| {
            let wavelength = self.theta.powf(i as f64 / half as f64);
            match self.scaling {
                None => wavelength,
                Some(Scaling::Linear { factor }) => wavelength * factor,
                Some(scaling) => {
                    let kept = scaling.kept(i, wavelength, self.theta, width);
                    1.0 / ((1.0 - kept) / (scaling.factor() * wavelength) + kept / wavelength)
                }
            }
        };
        (0..half).map(scaled).collect()
    }

    /// What cosines and sines are multiplied by.
    pub fn amplitude(&self) -> f64 {
        match self.scaling {
            Some(Scaling::Yarn { attention_factor, .. }) => attention_factor,
            _ => 1.0,
        }
    }
}

impl Scaling {
    fn factor(self) -> f64 {
        match self {
            Self::Linear { factor } | Self::Llama3 { factor, .. } | Self::Yarn { factor, .. } => factor,
        }
    }

    /// How much of the unscaled frequency of pair `i` is kept, from 0 to 1.
    fn kept(self, i: usize, wavelength: f64, theta: f64, width: usize) -> f64 {
        use std::f64::consts::TAU;
        match self {
            Self::Linear { .. } => 0.0,
            Self::Llama3 {
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: old,
                ..
            } => {
                let turns = old as f64 / (TAU * wavelength);
                ((turns - low) / (high - low)).clamp(0.0, 1.0)
            }
            Self::Yarn { original_max_position_embeddings: old, beta_fast, beta_slow, truncate, .. } => {
                // The pair that makes so many turns within the old length.
                let pair = |turns: f64| width as f64 * (old as f64 / (turns * TAU)).ln() / (2.0 * theta.ln());
                let (low, high) = match truncate {
                    true => (pair(beta_fast).floor(), pair(beta_slow).ceil()),
                    false => (pair(beta_fast), pair(beta_slow)),
                };
                let (low, high) = (low.max(0.0), high.min(width as f64 - 1.0));
                // As in transformers, which avoids a division by zero so.
                let high = if low == high { high + 0.001 } else { high };
                1.0 - ((i as f64 - low) / (high - low)).clamp(0.0, 1.0)
            }
        }
    }
}
