//! The names of a model's tensors in a weights file, without the suffixes `.weight` and `.bias`.

/// A name for each weight. Those of a block follow `layers.N.`.
#[derive(PartialEq)]
#[allow(missing_docs, reason = "each names a weight of the model")]
pub struct TensorNames {
    /// The prefix of all names but the head's; files of the bare model omit it.
    pub prefix: &'static str,
    pub embedding: &'static str,
    pub layers: &'static str,
    pub input_norm: &'static str,
    pub queries: &'static str,
    pub keys: &'static str,
    pub values: &'static str,
    pub query_norm: &'static str,
    pub key_norm: &'static str,
    pub output: &'static str,
    /// Of attention's result, in families that have it.
    pub attention_norm: &'static str,
    /// Before the feed-forward, in families that have it.
    pub post_norm: &'static str,
    pub gate: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    /// Of the feed-forward's result, in families that have it.
    pub feed_forward_norm: &'static str,
    pub norm: &'static str,
    pub head: &'static str,
}

impl TensorNames {
    /// Llama's names, which most families adopted.
    pub(super) const LLAMA: Self = Self { post_norm: "post_attention_layernorm", ..Self::FOUR_NORMS };

    /// The names where norms may stand after each half too: what other families call the norm after attention is here
    /// just that.
    pub(super) const FOUR_NORMS: Self = Self {
        prefix: "model.",
        embedding: "embed_tokens",
        layers: "layers",
        input_norm: "input_layernorm",
        queries: "self_attn.q_proj",
        keys: "self_attn.k_proj",
        values: "self_attn.v_proj",
        query_norm: "self_attn.q_norm",
        key_norm: "self_attn.k_norm",
        output: "self_attn.o_proj",
        attention_norm: "post_attention_layernorm",
        post_norm: "pre_feedforward_layernorm",
        gate: "mlp.gate_proj",
        up: "mlp.up_proj",
        down: "mlp.down_proj",
        feed_forward_norm: "post_feedforward_layernorm",
        norm: "norm",
        head: "lm_head",
    };
}
