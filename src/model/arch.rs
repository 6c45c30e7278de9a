//! What a model computes, independent of its family.

use crate::kernels::attention::Heads;

/// The spec of a block, and of the input and output layers. Every block normalises its input (RMSNorm),
/// attends causally with rotary positions (in the rotate-half layout), and has a gated feed-forward (SwiGLU);
/// this is what differs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArchSpec {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Inner width of the feed-forward.
    pub inner: usize,
    /// The heads of attention and their width.
    pub heads: Heads,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: bool,
    /// Whether a weights file has a bias of the output projection. It must be zero: we do not compute with
    /// it.
    pub output_bias: bool,
    /// Whether each query head and each key head is normalised before rotation.
    pub qk_norm: bool,
    /// Added to the mean square before taking the root.
    pub norm_eps: f64,
    /// Base of the rotary wavelengths.
    pub rope_theta: f64,
    /// Whether the output layer is the embedding transposed.
    pub tied: bool,
}

impl ArchSpec {
    /// Number of parameters of a block.
    pub(crate) fn block_parameters(&self) -> usize {
        let (d, Heads { queries: h, width: c, .. }) = (self.hidden, self.heads);
        let bias = if self.qkv_bias { self.heads.row() } else { 0 };
        let norms = 2 * d + if self.qk_norm { 2 * c } else { 0 };
        d * self.heads.row() + bias + h * c * d + 3 * d * self.inner + norms
    }
}
