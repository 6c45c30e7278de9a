//! What a model computes, independent of its family.

use super::rope::Rope;
pub use crate::kernels::activation::Activation;
use crate::kernels::attention::Heads;

/// The spec of a block, and of the input and output layers. Every block attends causally, with positions in the
/// rotate-half layout, and has a gated feed-forward; norms are RMSNorms. This is what differs; what differs from block
/// to block is in [`LayerSpec`].
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
    /// Whether queries and keys are normalised before rotation.
    pub qk_norm: QkNorms,
    /// Where a block's other norms stand.
    pub norms: Norms,
    /// Whether a norm multiplies by 1 plus its weight instead of by its weight.
    pub norm_adds_one: bool,
    /// Added to the mean square before taking the root.
    pub norm_eps: f64,
    /// What the feed-forward's gate goes through.
    pub activation: Activation,
    /// What embeddings are multiplied by before the first block, if anything.
    pub embedding_scale: Option<f64>,
    /// The products of queries and keys are divided by the root of this; the width of a head in most families.
    pub score_divisor: f64,
    /// Whether the output layer is the embedding transposed.
    pub tied: bool,
}

/// What differs from layer to layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerSpec {
    /// Rotary positions; `None` if queries and keys are not rotated.
    pub rope: Option<Rope>,
    /// How many positions a query sees, itself included; `None` for all up to its own.
    pub window: Option<usize>,
}

/// The norms of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QkNorms {
    /// None.
    None,
    /// Of each head, all with the same weights.
    Heads,
    /// Of all heads of the queries together, and of all heads of the keys.
    Whole,
}

impl QkNorms {
    /// The sizes of the weights for queries and keys.
    pub fn sizes(self, heads: Heads) -> Option<[usize; 2]> {
        match self {
            Self::None => None,
            Self::Heads => Some([heads.width; 2]),
            Self::Whole => Some([heads.queries * heads.width, heads.groups * heads.width]),
        }
    }
}

/// Where norms stand in both halves of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norms {
    /// Before it.
    Before,
    /// After it, before its result joins the residual stream.
    After,
    /// Both.
    Around,
}

impl Norms {
    /// Whether there is one before each half.
    pub fn before(self) -> bool {
        self != Self::After
    }

    /// Whether there is one after each half.
    pub fn after(self) -> bool {
        self != Self::Before
    }
}

impl ArchSpec {
    /// Whether [`kernels::block`](crate::kernels::block) is its block: a norm before each half, whose scale is the weight
    /// itself, and SwiGLU.
    pub(crate) fn is_fused(&self) -> bool {
        self.norms == Norms::Before && !self.norm_adds_one && self.activation == Activation::Silu
    }

    /// Number of parameters of a block.
    pub(crate) fn block_parameters(&self) -> usize {
        let (d, Heads { queries: h, width: c, .. }) = (self.hidden, self.heads);
        let bias = if self.qkv_bias { self.heads.row() } else { 0 };
        let of_halves = 2 * d * (usize::from(self.norms.before()) + usize::from(self.norms.after()));
        let norms = of_halves + self.qk_norm.sizes(self.heads).map_or(0, |sizes| sizes.iter().sum());
        d * self.heads.row() + bias + h * c * d + 3 * d * self.inner + norms
    }

    /// What the products of queries and keys are multiplied by.
    pub(crate) fn score_scale(&self) -> f32 {
        1.0 / (self.score_divisor as f32).sqrt()
    }
}
