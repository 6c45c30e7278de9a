//! Model folders of strangers: what computes something else than it seems is refused by name, what is taken computes
//! what transformers computes, and what is written is taken there.

use std::path::Path;

use aha_lab::model::{
    companions::Companions,
    config::ModelConfig,
    families,
    folder::{self, LoadedModel},
    publish::{self, WeightType},
    transformer::Transformer,
};
use burn::tensor::Device;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{int_tensor, tiny, values};

/// A small folder of random weights whose `config.json` is this, and the tokenizer of the embedded model.
fn folder_of(config: &Value) -> TempDir {
    let folder = TempDir::new().unwrap();
    let shape = json!({
        "model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 162, "head_dim": 4,
        "attention_bias": config["model_type"] == "qwen2" || config["attention_bias"] == true,
        "tie_word_embeddings": config["tie_word_embeddings"],
    });
    let model =
        Transformer::random(&ModelConfig::parse(shape.to_string().as_bytes()).unwrap(), &Device::flex());
    // Without the zeros that are written for `llama`.
    let model =
        Transformer { config: ModelConfig { family: families::QWEN2, ..model.config.clone() }, ..model };
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("config.json", config.to_string().as_bytes());
    write("model.safetensors", &folder::to_bytes(&model).unwrap());
    write("tokenizer.json", aha_lab::task::countdown::FAMILY.base.tokenizer);
    folder
}

fn config(kind: &str) -> Value {
    json!({
        "model_type": kind, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 162, "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": false, "sliding_window": null,
        "head_dim": 4, "attention_bias": kind == "qwen2",
    })
}

fn load(config: &Value) -> Result<LoadedModel, String> {
    folder::load(folder_of(config).path(), &Device::flex()).map_err(|error| error.to_string())
}

/// `config`, with these fields put in.
pub fn with(kind: &str, fields: Value) -> Value {
    let mut config = config(kind);
    for (name, value) in fields.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

#[test]
fn each_kind_of_model_that_computes_something_else_is_refused_by_the_name_of_the_field() {
    let yarn_without = json!({"rope_type": "yarn", "factor": 4.0, "attention_factor": -1.0});
    let contradiction =
        json!({"rope_type": "llama3", "factor": 8.0, "high_freq_factor": 1.0, "low_freq_factor": 4.0});
    let two_lengths = json!({"original_max_position_embeddings": 512,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256}});
    for (kind, fields, named) in [
        (
            "llama",
            json!({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}),
            "`low_freq_factor` is missing",
        ),
        ("llama", json!({"rope_scaling": contradiction}), "`low_freq_factor`"),
        ("llama", json!({"rope_scaling": {"rope_type": "linear", "factor": 0.0}}), "`factor`"),
        ("llama", json!({"rope_scaling": {"rope_type": "linear", "factor": "4"}}), "`factor`"),
        ("llama", json!({"rope_scaling": {"rope_type": "linear", "type": "yarn", "factor": 4.0}}), "`type`"),
        ("llama", json!({"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}}), "`dynamic`"),
        ("llama", json!({"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0]}}), "`longrope`"),
        (
            "llama",
            json!({"rope_scaling": {"rope_type": "linear", "factor": 4.0, "beta_fast": 3.0}}),
            "`beta_fast`",
        ),
        ("llama", json!({"rope_parameters": yarn_without}), "`attention_factor`"),
        ("qwen2", two_lengths, "`original_max_position_embeddings`"),
        ("qwen2", json!({"rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}}), "`mrope`"),
        ("qwen2", json!({"rope_parameters": {"rope_type": "default", "factor": 2.0}}), "`factor`"),
        (
            "qwen2",
            json!({"rope_parameters": {"full_attention": {"rope_type": "default"}}}),
            "`full_attention`",
        ),
        ("llama", json!({"rope_parameters": {"partial_rotary_factor": 0.5}}), "`partial_rotary_factor`"),
        ("llama", json!({"partial_rotary_factor": 0.5}), "`partial_rotary_factor`"),
        ("llama", json!({"sliding_window": 512}), "`sliding_window`"),
        ("mistral", json!({"sliding_window": "512"}), "`sliding_window`"),
        ("mistral", json!({"sliding_window": 0}), "`sliding_window`"),
        ("ministral", json!({"sliding_window": 512}), "`model_type`"),
        ("mistral", json!({"layer_types": ["full_attention", "sliding_attention"]}), "`layer_types`"),
        ("llama", json!({"use_sliding_window": true}), "`use_sliding_window`"),
        ("qwen2", json!({"layer_types": ["chunked_attention", "full_attention"]}), "`layer_types`"),
        ("qwen3", json!({"layer_types": ["full_attention"]}), "`layer_types`"),
        ("qwen2", json!({"layer_types": ["sliding_attention", "sliding_attention"]}), "`layer_types`"),
        ("smollm3", json!({"no_rope_layers": [1]}), "`no_rope_layers`"),
        ("smollm3", json!({"no_rope_layers": [1, 2]}), "`no_rope_layers`"),
        ("smollm3", json!({"no_rope_layer_interval": 0}), "`no_rope_layer_interval`"),
        ("smollm3", json!({"mlp_bias": true}), "`mlp_bias`"),
        ("olmo2", json!({"hidden_act": "gelu_pytorch_tanh"}), "`hidden_act`"),
        ("olmo2", json!({"clip_qkv": 8.0}), "`clip_qkv`"),
        ("olmo3", json!({}), "`model_type`"),
        ("gemma3", json!({}), "`model_type`"),
        ("gemma2", json!({}), "`model_type`"),
        ("gemma3_text", json!({"hidden_act": "silu"}), "`hidden_act`"),
        ("gemma3_text", json!({"hidden_act": null, "hidden_activation": "gelu"}), "`hidden_activation`"),
        (
            "gemma3_text",
            json!({"hidden_act": null, "final_logit_softcapping": 30.0}),
            "`final_logit_softcapping`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "attn_logit_softcapping": 50.0}),
            "`attn_logit_softcapping`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "use_bidirectional_attention": true}),
            "`use_bidirectional_attention`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "sliding_window": 8, "query_pre_attn_scalar": -1.0}),
            "`query_pre_attn_scalar`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "sliding_window": 8, "sliding_window_pattern": 0}),
            "`sliding_window_pattern`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "sliding_window": 8, "_sliding_window_pattern": 2}),
            "`_sliding_window_pattern`",
        ),
        ("gemma3_text", json!({"hidden_act": null, "sliding_window": null}), "`sliding_window`"),
        (
            "gemma3_text",
            json!({"hidden_act": null, "sliding_window": 8, "rope_parameters": {"rope_theta": 1e4}}),
            "`rope_theta`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "sliding_window": 8, "rope_scaling": {"type": "linear", "factor": 8.0}}),
            "`rope_scaling`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "sliding_window": 8, "rope_scaling": {"rope_type": "yarn", "factor": 8.0}}),
            "`yarn`",
        ),
        (
            "gemma3_text",
            json!({"hidden_act": null, "sliding_window": 8, "rope_parameters": {"sliding_attention": {"rope_type": "linear", "factor": 2.0}}}),
            "`sliding_attention`",
        ),
        ("llama", json!({"query_pre_attn_scalar": 256}), "`query_pre_attn_scalar`"),
        ("llama", json!({"rope_local_base_freq": 1e4}), "`rope_local_base_freq`"),
        ("llama", json!({"no_rope_layers": [1, 0]}), "`no_rope_layers`"),
        ("gemma", json!({}), "`model_type`"),
        ("granite", json!({}), "`model_type`"),
        ("llama", json!({"attention_multiplier": 0.015}), "`attention_multiplier`"),
        ("llama", json!({"residual_multiplier": 0.22}), "`residual_multiplier`"),
        ("llama", json!({"embedding_multiplier": 12.0}), "`embedding_multiplier`"),
        ("llama", json!({"logits_scaling": 8.0}), "`logits_scaling`"),
        ("ernie4_5", json!({}), "`model_type`"),
        ("helium", json!({}), "`model_type`"),
        ("llama", json!({"model_type": null}), "`model_type`"),
        ("llama", json!({"hidden_act": "gelu"}), "`hidden_act`"),
        ("llama", json!({"mlp_bias": true}), "`mlp_bias`"),
        ("seed_oss", json!({"attention_out_bias": true}), "`attention_out_bias`"),
        ("mistral", json!({"attention_bias": true}), "`attention_bias`"),
        ("qwen2", json!({"attention_bias": false}), "`attention_bias`"),
        ("llama", json!({"final_logit_softcapping": 30.0}), "`final_logit_softcapping`"),
        ("llama", json!({"use_qk_norm": true}), "`use_qk_norm`"),
        ("llama", json!({"clip_qkv": 8.0}), "`clip_qkv`"),
        ("llama", json!({"quantization_config": {"bits": 4}}), "`quantization_config`"),
        ("llama", json!({"query_norm_gain": 2}), "`query_norm_gain`"),
    ] {
        let said =
            load(&with(kind, fields.clone())).err().unwrap_or_else(|| panic!("{kind} {fields} was taken"));
        assert!(said.contains(named) && said.ends_with('.') && said.len() < 600, "{kind} {fields}: {said}");
    }
}

#[test]
fn what_changes_nothing_is_taken() {
    for (kind, fields) in [
        ("qwen2", json!({})),
        ("llama", json!({})),
        ("mistral", json!({})),
        ("seed_oss", json!({})),
        (
            "llama",
            json!({"rope_scaling": null, "mlp_bias": false, "pretraining_tp": 1, "logits_scaling": 1.0}),
        ),
        ("llama", json!({"rope_scaling": {"type": "default"}, "no_rope_layers": [], "use_mrope": false})),
        ("qwen2", json!({"use_sliding_window": false, "sliding_window": 8, "max_window_layers": 0})),
        ("qwen2", json!({"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 2})),
        ("qwen2", json!({"layer_types": ["full_attention", "full_attention"]})),
        ("mistral", json!({"sliding_window": 1024})),
        ("llama", json!({"sliding_window": 1024})),
        ("llama", json!({"attention_dropout": 0.1, "torch_dtype": "bfloat16", "eos_token_id": [1, 2]})),
    ] {
        let loaded =
            load(&with(kind, fields.clone())).unwrap_or_else(|said| panic!("{kind} {fields}: {said}"));
        assert_eq!(loaded.notes, Vec::<String>::new());
    }
    let told = load(&with("llama", json!({"made_on_a_sunday": true}))).unwrap().notes;
    assert!(matches!(&told[..], [only] if only.contains("`made_on_a_sunday`")), "{told:?}");
}

#[test]
fn theta_is_where_transformers_looks_for_it() {
    for (fields, theta) in [
        (json!({}), 10_000.0),
        (json!({"rope_theta": 5e5}), 5e5),
        (json!({"rope_theta": 5e5, "rope_parameters": {"rope_type": "default"}}), 5e5),
        (json!({"rope_theta": 5e5, "rope_parameters": {"rope_type": "default", "rope_theta": 3e4}}), 3e4),
        (
            json!({"rope_parameters": {"rope_theta": 3e4}, "rope_scaling": {"type": "default", "rope_theta": 2e4}}),
            2e4,
        ),
    ] {
        let config = ModelConfig::parse(with("llama", fields.clone()).to_string().as_bytes()).unwrap();
        assert_eq!(config.rope_theta, theta, "{fields}");
    }
    let mut seed = config("seed_oss");
    seed.as_object_mut().unwrap().retain(|name, _| name != "head_dim" && name != "attention_bias");
    let seed = ModelConfig::parse(seed.to_string().as_bytes()).unwrap();
    assert_eq!((seed.head_dim(), seed.arch().qkv_bias), (128, true));
    let mut llama = config("llama");
    llama["num_key_value_heads"] = json!(null);
    assert_eq!(ModelConfig::parse(llama.to_string().as_bytes()).unwrap().num_key_value_heads, 4);
}

/// Names, shapes, bytes.
type Tensors = Vec<(String, Vec<usize>, Vec<u8>)>;
/// A shape, what is done to the tensors of a folder that has it, and what is then said.
type Case<'a> = (Value, &'a dyn Fn(&mut Tensors), &'a str);

/// The tensors of a folder, changed.
fn edited(folder: &Path, edit: impl FnOnce(&mut Tensors)) {
    let path = folder.join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, view.shape().to_vec(), view.data().to_vec()))
        .collect();
    edit(&mut tensors);
    let views = tensors.iter().map(|(name, shape, data)| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
    });
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn a_missing_surplus_or_misshapen_tensor_is_named() {
    let ones = |count: usize| 1.0f32.to_le_bytes().repeat(count);
    let cases: [Case<'_>; 8] = [
        (
            config("llama"),
            &|all| all.retain(|t| t.0 != "model.norm.weight"),
            "`model.norm.weight` is missing",
        ),
        (
            config("llama"),
            &|all| all.push(("model.layers.0.self_attn.q_norm.weight".into(), vec![4], ones(4))),
            "q_norm",
        ),
        (
            config("llama"),
            &|all| all.iter_mut().filter(|t| t.0 == "lm_head.weight").for_each(|t| t.1.reverse()),
            "`lm_head.weight` has shape",
        ),
        (
            with("llama", json!({"attention_bias": true})),
            &|all| all.push(("model.layers.1.self_attn.o_proj.bias".into(), vec![16], ones(16))),
            "`model.layers.1.self_attn.o_proj.bias` is not zero",
        ),
        (
            config("llama"),
            &|all| all.push(("model.layers.1.self_attn.o_proj.bias".into(), vec![16], ones(16))),
            "`model.layers.1.self_attn.o_proj.bias` is not part",
        ),
        (config("olmo2"), &|_| {}, "`model.layers.0.post_feedforward_layernorm.weight` is missing"),
        (
            with("smollm3", json!({})),
            &|all| all.push(("model.layers.1.post_feedforward_layernorm.weight".into(), vec![16], ones(16))),
            "`model.layers.1.post_feedforward_layernorm.weight` is not part of the model",
        ),
        (
            with("llama", json!({"tie_word_embeddings": true})),
            &|all| all.push(("lm_head.weight".into(), vec![162, 16], ones(162 * 16))),
            "`tie_word_embeddings` is true",
        ),
    ];
    for (config, edit, named) in cases {
        let folder = folder_of(&config);
        edited(folder.path(), edit);
        let said = folder::load(folder.path(), &Device::flex()).err().unwrap().to_string();
        assert!(said.contains(named), "{named}: {said}");
    }
    // The same head twice is no contradiction.
    let folder = folder_of(&with("llama", json!({"tie_word_embeddings": true})));
    edited(folder.path(), |all| {
        let embedding = all.iter().find(|t| t.0 == "model.embed_tokens.weight").unwrap().clone();
        all.push(("lm_head.weight".into(), embedding.1, embedding.2));
    });
    folder::load(folder.path(), &Device::flex()).unwrap();
}

pub fn written(loaded: &LoadedModel, as_type: WeightType) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in publish::files(loaded, as_type).unwrap() {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

pub fn json_of(folder: &TempDir, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path().join(name)).unwrap()).unwrap()
}

#[test]
fn our_own_model_is_written_as_llama_and_reads_back_the_same() {
    let tokenizer = aha_lab::task::countdown::FAMILY.base.tokenizer.to_vec();
    let loaded = LoadedModel::made(tiny(), tokenizer.clone());
    let folder = written(&loaded, WeightType::F32);
    let config = json_of(&folder, "config.json");
    for (name, value) in [
        ("model_type", json!("llama")),
        ("architectures", json!(["LlamaForCausalLM"])),
        ("attention_bias", json!(true)),
        ("dtype", json!("float32")),
        ("eos_token_id", json!(1)),
        ("pad_token_id", json!(0)),
    ] {
        assert_eq!(config[name], value, "{name}");
    }
    assert_eq!(json_of(&folder, "generation_config.json")["eos_token_id"], 1);
    assert_eq!(json_of(&folder, "tokenizer_config.json")["eos_token"], "<eos>");
    let again = folder::load(folder.path(), &Device::flex()).unwrap();
    assert_eq!(again.read_tokenizer().unwrap().end().as_slice(), [1]);
    assert_eq!(folder::to_bytes(&again.model).unwrap(), folder::to_bytes(&loaded.model).unwrap());
    let ids = [vec![1, 5, 9, 12, 30]];
    let logits = |model: &Transformer| values(model.logits(model.hidden(int_tensor(&ids, &Device::flex()))));
    assert_eq!(logits(&again.model), logits(&tiny()));
    // What is written again is the same.
    let twice = written(&again, WeightType::F32);
    for (name, bytes) in publish::files(&again, WeightType::F32).unwrap() {
        assert_eq!(std::fs::read(folder.path().join(&name)).unwrap(), bytes, "{name}");
        assert!(twice.path().join(name).exists());
    }
}

#[test]
fn another_base_keeps_its_files_its_type_and_its_end_tokens() {
    let base = folder_of(&with(
        "llama",
        json!({"torch_dtype": "bfloat16", "eos_token_id": [1, 7], "rope_theta": 5e5, "bos_token_id": 3,
            "rope_scaling": null, "tie_word_embeddings": true}),
    ));
    let put = |name: &str, text: &str| std::fs::write(base.path().join(name), text).unwrap();
    put("chat_template.jinja", "{{ messages }}");
    put("generation_config.json", r#"{"eos_token_id": [7, 8], "top_p": 0.9}"#);
    put("tokenizer_config.json", r#"{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>"}"#);
    put("notes.txt", "not a part of it");
    let loaded = folder::load(base.path(), &Device::flex()).unwrap();
    assert_eq!(loaded.read_tokenizer().unwrap().end().as_slice(), [7, 8]);
    assert_eq!(publish::base_type(&loaded.companions), WeightType::Bf16);
    // As a checkpoint, in full; from it, as the base was.
    let checkpoint = written(&loaded, WeightType::F32);
    let of_checkpoint = folder::load(checkpoint.path(), &Device::flex()).unwrap();
    assert_eq!(json_of(&checkpoint, "config.json")["dtype"], "float32");
    assert_eq!(publish::base_type(&of_checkpoint.companions), WeightType::Bf16);
    assert_eq!(of_checkpoint.read_tokenizer().unwrap().end().as_slice(), [7, 8]);
    let export = written(&of_checkpoint, WeightType::Bf16);
    let config = json_of(&export, "config.json");
    for (name, value) in [
        ("dtype", json!("bfloat16")),
        ("eos_token_id", json!([1, 7])),
        ("bos_token_id", json!(3)),
        ("rope_theta", json!(5e5)),
        ("architectures", json!(["LlamaForCausalLM"])),
        ("base_dtype", json!(null)),
    ] {
        assert_eq!(config[name], value, "{name}");
    }
    let same = |name: &str| {
        std::fs::read(export.path().join(name)).unwrap() == std::fs::read(base.path().join(name)).unwrap()
    };
    for name in ["chat_template.jinja", "generation_config.json", "tokenizer_config.json", "tokenizer.json"] {
        assert!(same(name), "{name}");
    }
    assert!(!export.path().join("notes.txt").exists());
    let size = |folder: &TempDir| std::fs::metadata(folder.path().join("model.safetensors")).unwrap().len();
    assert!(size(&export) < size(&checkpoint) * 6 / 10);
    assert!(Companions::of_config(b"{}").ends().ids.is_empty());
}
