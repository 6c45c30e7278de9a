//! What a model computes, whichever family it is of.

use crate::kernels::attention::Heads;

/// The spec of a block, and of how the tokens come in and go out. Every block normalises what it reads (RMSNorm), attends
/// to all that came before with rotary positions (halves of a head turned against each other), and has a gated
/// feed-forward (SwiGLU); here is what differs.
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
    /// Whether a file of the weights has a bias of the output projection. It must be zero: it is not computed with.
    pub output_bias: bool,
    /// Whether each query head and each key head is normalised before it is turned.
    pub qk_norm: bool,
    /// Added to the mean square before its root is taken.
    pub norm_eps: f64,
    /// Base of the rotary wavelengths.
    pub rope_theta: f64,
    /// Whether the output layer is the embedding transposed.
    pub tied: bool,
}

impl ArchSpec {
    /// How many numbers the weights of a block are.
    pub fn block_parameters(&self) -> usize {
        let (d, Heads { queries: h, width: c, .. }) = (self.hidden, self.heads);
        let bias = if self.qkv_bias { self.heads.row() } else { 0 };
        let norms = 2 * d + if self.qk_norm { 2 * c } else { 0 };
        d * self.heads.row() + bias + h * c * d + 3 * d * self.inner + norms
    }
}
