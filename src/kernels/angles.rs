//! The angles of rotary positions (<https://arxiv.org/abs/2104.09864>), in Hugging Face's "rotate half" layout.

/// Angles that are turned by at once.
const STEP: usize = 8;

/// Cosines and sines of the rotary angles, `[positions, c / 2]` each.
#[derive(Debug, Clone)]
pub struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

impl Angles {
    /// For positions `0..count` and heads of width `2 wavelengths.len()`: the angle grows by 1 radian per wavelength.
    /// Each turn also multiplies by `amplitude`.
    pub fn new(wavelengths: &[f64], amplitude: f64, count: usize) -> Self {
        let half = wavelengths.len();
        let angle = |i: usize| (i / half) as f64 / wavelengths[i % half];
        let all = (0..count * half).map(angle);
        Self {
            cos: all.clone().map(|a| (a.cos() * amplitude) as f32).collect(),
            sin: all.map(|a| (a.sin() * amplitude) as f32).collect(),
            half,
        }
    }

    /// Numbers of a head that are turned as pairs.
    pub(super) fn half(&self) -> usize {
        self.half
    }

    /// Rotates one head's vector by the angles of `position`, into `out`.
    #[inline(always)]
    pub fn turn(&self, x: &[f32], position: usize, out: &mut [f32]) {
        self.rotate(x, position, 1.0, out);
    }

    /// Rotates in this direction, 1 or -1.
    #[inline(always)]
    pub(super) fn rotate(&self, x: &[f32], position: usize, direction: f32, out: &mut [f32]) {
        let half = self.half;
        let at = position * half..(position + 1) * half;
        let (cos, sin) = (&self.cos[at.clone()], &self.sin[at]);
        let (x1, x2) = (&x[..half], &x[half..2 * half]);
        let (out1, out2) = out[..2 * half].split_at_mut(half);
        // Read whole before anything is written, and of a length that is known: so these become vectors.
        let whole = half - half % STEP;
        for from in (0..whole).step_by(STEP) {
            let read = |x: &[f32]| -> [f32; STEP] { std::array::from_fn(|i| x[from..from + STEP][i]) };
            let (cos, sin, x1, x2) = (read(cos), read(sin), read(x1), read(x2));
            let sin = sin.map(|sin| direction * sin);
            let turned: [f32; STEP] = std::array::from_fn(|i| x1[i] * cos[i] - x2[i] * sin[i]);
            out1[from..from + STEP].copy_from_slice(&turned);
            let turned: [f32; STEP] = std::array::from_fn(|i| x2[i] * cos[i] + x1[i] * sin[i]);
            out2[from..from + STEP].copy_from_slice(&turned);
        }
        for i in whole..half {
            let sin = direction * sin[i];
            out1[i] = x1[i] * cos[i] - x2[i] * sin;
            out2[i] = x2[i] * cos[i] + x1[i] * sin;
        }
    }
}
