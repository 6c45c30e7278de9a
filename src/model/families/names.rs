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
    pub post_norm: &'static str,
    pub gate: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub norm: &'static str,
    pub head: &'static str,
}

impl TensorNames {
    /// Llama's names, which most families adopted.
    pub(super) const LLAMA: Self = Self {
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
        post_norm: "post_attention_layernorm",
        gate: "mlp.gate_proj",
        up: "mlp.up_proj",
        down: "mlp.down_proj",
        norm: "norm",
        head: "lm_head",
    };
}
