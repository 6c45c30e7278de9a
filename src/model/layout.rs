//! The layout of a weights file: each weight's names and shape, and whether it is transposed in memory.
//! Reading and writing both follow it.
//!
//! Weights are `[out, in]` on disk and `[in, out]` in memory. One matrix in memory may be several on disk:
//! their rows are stacked, and one transpose turns them into columns side by side.

use super::{config::ModelConfig, families::TensorNames};
use crate::kernels::attention::Heads;

/// A weight of the model, and the tensors in the file that make it up.
pub(crate) struct Place {
    /// Their names, and how many rows (of a vector, numbers) each has.
    pub parts: Vec<(String, usize)>,
    /// How wide their rows are; `None` for a vector.
    pub columns: Option<usize>,
    /// Whether it is transposed in memory.
    pub transposed: bool,
}

impl Place {
    fn matrix(parts: Vec<(String, usize)>, columns: usize) -> Self {
        let parts = parts.into_iter().map(|(name, rows)| (format!("{name}.weight"), rows)).collect();
        Self { parts, columns: Some(columns), transposed: true }
    }

    fn scale(name: String, size: usize) -> Self {
        Self { parts: vec![(format!("{name}.weight"), size)], columns: None, transposed: false }
    }

    fn bias(parts: Vec<(String, usize)>) -> Self {
        let parts = parts.into_iter().map(|(name, size)| (format!("{name}.bias"), size)).collect();
        Self { parts, columns: None, transposed: false }
    }

    /// Rows of all parts.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|(_, rows)| rows).sum()
    }

    /// The shape of a part with this many rows.
    pub fn shape(&self, rows: usize) -> Vec<usize> {
        std::iter::once(rows).chain(self.columns).collect()
    }
}

/// The places of a block's weights.
#[allow(missing_docs, reason = "each is the field of the same name in the model's block")]
pub struct BlockLayout {
    pub input_norm: Option<Place>,
    pub qkv: Place,
    pub qkv_bias: Option<Place>,
    pub qk_norm: Option<[Place; 2]>,
    pub output: Place,
    /// A bias that is zero in the file and absent in memory.
    pub output_bias: Option<Place>,
    pub attention_norm: Option<Place>,
    pub post_norm: Option<Place>,
    pub gate_up: Place,
    pub down: Place,
    pub feed_forward_norm: Option<Place>,
}

/// The places of a model's weights.
pub(crate) struct Layout<'a> {
    config: &'a ModelConfig,
    names: &'static TensorNames,
    /// The prefix of all names but the head's.
    prefix: &'static str,
}

impl<'a> Layout<'a> {
    /// The layout that the family uses.
    pub fn of(config: &'a ModelConfig) -> Self {
        let names = &config.family.names;
        Self { config, names, prefix: names.prefix }
    }

    /// The layout without the prefix that files of the bare model omit.
    #[must_use]
    pub(crate) fn bare(self) -> Self {
        Self { prefix: "", ..self }
    }

    /// The embedding.
    pub fn embedding(&self) -> Place {
        let parts = vec![(self.named(self.names.embedding), self.config.vocab_size)];
        Place { transposed: false, ..Place::matrix(parts, self.config.hidden_size) }
    }

    /// The scale of the last norm.
    pub fn norm(&self) -> Place {
        Place::scale(self.named(self.names.norm), self.config.hidden_size)
    }

    /// The output layer, whether or not the model has its own.
    pub fn head(&self) -> Place {
        Place::matrix(vec![(self.names.head.into(), self.config.vocab_size)], self.config.hidden_size)
    }

    /// A block.
    pub fn block(&self, layer: usize) -> BlockLayout {
        let (spec, names) = (self.config.arch(), self.names);
        let (d, f, Heads { queries: h, groups: g, width: c }) = (spec.hidden, spec.inner, spec.heads);
        let named = |part: &str| self.named(&format!("{}.{layer}.{part}", names.layers));
        let qkv =
            || vec![(named(names.queries), h * c), (named(names.keys), g * c), (named(names.values), g * c)];
        let output = || vec![(named(names.output), d)];
        let (before, after) = (spec.norms.before(), spec.norms.after());
        let norm = |stands: bool, name: &str| stands.then(|| Place::scale(named(name), d));
        let qk_names = [names.query_norm, names.key_norm];
        BlockLayout {
            input_norm: norm(before, names.input_norm),
            qkv: Place::matrix(qkv(), d),
            qkv_bias: spec.qkv_bias.then(|| Place::bias(qkv())),
            qk_norm: spec
                .qk_norm
                .sizes(spec.heads)
                .map(|sizes| [0, 1].map(|i| Place::scale(named(qk_names[i]), sizes[i]))),
            output: Place::matrix(output(), h * c),
            output_bias: spec.output_bias.then(|| Place::bias(output())),
            attention_norm: norm(after, names.attention_norm),
            post_norm: norm(before, names.post_norm),
            gate_up: Place::matrix(vec![(named(names.gate), f), (named(names.up), f)], d),
            down: Place::matrix(vec![(named(names.down), d)], f),
            feed_forward_norm: norm(after, names.feed_forward_norm),
        }
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}
