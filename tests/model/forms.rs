//! What `config.json` says of positions and windows, in every form in which it is said, and what is written of it.

use aha_lab::model::{config::ModelConfig, folder, publish::WeightType, transformer::Transformer};
use burn::tensor::Device;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    families::{json_of, with, written},
    int_tensor, values,
};

fn parsed(config: &Value) -> ModelConfig {
    ModelConfig::parse(config.to_string().as_bytes()).unwrap_or_else(|said| panic!("{config}: {said}"))
}

/// `config`, without fields whose defaults differ between families.
fn bare(kind: &str, fields: Value) -> Value {
    let mut config = with(kind, fields);
    let left_out = ["sliding_window", "attention_bias", "tie_word_embeddings", "rms_norm_eps"];
    config.as_object_mut().unwrap().retain(|name, value| {
        !(left_out.contains(&name.as_str()) && (value.is_null() || value == false || value == 1e-6))
    });
    config
}

#[test]
fn the_old_form_of_scaled_positions_is_the_new_one() {
    let llama3 = json!({"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192});
    let yarn = json!({"factor": 4.0, "original_max_position_embeddings": 512});
    for (kind, numbers) in [("llama3", llama3), ("linear", json!({"factor": 4})), ("yarn", yarn)] {
        let of = |key: &str, theta: Option<f64>| {
            let mut rope = numbers.clone();
            rope[key] = json!(kind);
            theta.iter().for_each(|theta| rope["rope_theta"] = json!(theta));
            rope
        };
        let new = parsed(&with("llama", json!({"rope_parameters": of("rope_type", Some(5e5))})));
        assert!(new.rope_scaling.is_some() && new.rope_theta == 5e5);
        assert_eq!(new.layers()[1].rope.unwrap().scaling, new.rope_scaling);
        for fields in [
            json!({"rope_theta": 5e5, "rope_scaling": of("rope_type", None)}),
            json!({"rope_theta": 5e5, "rope_scaling": of("type", None)}),
            json!({"rope_theta": 1e4, "rope_parameters": of("type", Some(5e5))}),
            json!({"rope_scaling": of("type", Some(5e5)), "rope_parameters": {"rope_type": "default"}}),
        ] {
            assert_eq!(parsed(&with("llama", fields.clone())), new, "{fields}");
        }
    }
    // The length that the model was first trained on may stand outside, and is else the length of today.
    let yarn = |more: Value| {
        let mut fields = json!({"rope_scaling": {"type": "yarn", "factor": 2.0}});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::to_value(parsed(&with("qwen2", fields)).rope_scaling).unwrap()
    };
    assert_eq!(yarn(json!({}))["original_max_position_embeddings"], 1024);
    assert_eq!(
        yarn(json!({"original_max_position_embeddings": 256}))["original_max_position_embeddings"],
        256
    );
}

#[test]
fn windows_are_in_the_layers_that_transformers_gives_them() {
    let windows = |kind: &str, fields: Value| -> Vec<Option<usize>> {
        let mut config = bare(kind, fields);
        config["num_hidden_layers"] = json!(4);
        parsed(&config).layers().iter().map(|layer| layer.window).collect()
    };
    let sliding = "sliding_attention";
    let full = "full_attention";
    for (kind, fields, expected) in [
        ("mistral", json!({}), [Some(4096); 4]),
        (
            "mistral",
            json!({"sliding_window": 7, "layer_types": [sliding, sliding, sliding, sliding]}),
            [Some(7); 4],
        ),
        (
            "qwen2",
            json!({"use_sliding_window": false, "sliding_window": 7, "max_window_layers": 0}),
            [None; 4],
        ),
        (
            "qwen2",
            json!({"use_sliding_window": true, "sliding_window": 7, "max_window_layers": 3}),
            [None, None, None, Some(7)],
        ),
        ("qwen2", json!({"use_sliding_window": true, "max_window_layers": 0}), [Some(4096); 4]),
        (
            "qwen3",
            json!({"use_sliding_window": true, "sliding_window": 7, "layer_types": [sliding, full, full, sliding]}),
            [Some(7), None, None, Some(7)],
        ),
        ("smollm3", json!({"sliding_window": 7}), [None; 4]),
        ("smollm3", json!({"use_sliding_window": true, "sliding_window": 7}), [None, None, None, Some(7)]),
        (
            "gemma3_text",
            json!({"sliding_window": 7, "sliding_window_pattern": 2, "hidden_act": null}),
            [Some(7), None, Some(7), None],
        ),
        ("gemma3_text", json!({"hidden_act": null}), [Some(4096); 4]),
        (
            "gemma3_text",
            json!({"sliding_window": 7, "_sliding_window_pattern": 9, "hidden_act": null,
                "layer_types": [sliding, full, full, sliding]}),
            [Some(7), None, None, Some(7)],
        ),
    ] {
        assert_eq!(windows(kind, fields.clone()), expected, "{kind} {fields}");
    }
}

#[test]
fn what_is_missing_is_what_transformers_makes_of_it() {
    let smollm3 = |fields: Value| {
        let mut config = bare("smollm3", fields);
        config["num_hidden_layers"] = json!(5);
        parsed(&config)
    };
    let turned = |config: &ModelConfig| -> Vec<bool> {
        config.layers().iter().map(|layer| layer.rope.is_some()).collect()
    };
    let made = smollm3(json!({}));
    assert_eq!((made.rope_theta, made.tie_word_embeddings), (2e6, true));
    assert_eq!(turned(&made), [true, true, true, false, true]);
    assert_eq!(turned(&smollm3(json!({"no_rope_layer_interval": 2}))), [true, false, true, false, true]);
    let list = json!({"no_rope_layers": [0, 1, 1, 1, 0], "no_rope_layer_interval": 2});
    assert_eq!(turned(&smollm3(list)), [false, true, true, true, false]);

    let mut olmo2 = bare("olmo2", json!({}));
    olmo2.as_object_mut().unwrap().remove("num_key_value_heads");
    let olmo2 = parsed(&olmo2);
    assert_eq!((olmo2.rms_norm_eps, olmo2.num_key_value_heads), (1e-5, 4));

    // As published: the old form, in which the scaling belongs to the layers without a window.
    let gemma = |fields: Value| {
        let mut config = bare("gemma3_text", fields);
        let fields = config.as_object_mut().unwrap();
        fields.remove("hidden_act");
        fields.remove("head_dim");
        fields.insert("hidden_activation".into(), json!("gelu_pytorch_tanh"));
        parsed(&config)
    };
    let thetas = |config: &ModelConfig| -> Vec<f64> {
        config.layers().iter().map(|layer| layer.rope.unwrap().theta).collect()
    };
    let made = gemma(json!({}));
    assert_eq!(
        (made.head_dim(), made.tie_word_embeddings, made.query_pre_attn_scalar),
        (256, true, Some(256.0))
    );
    let old = gemma(json!({"rope_theta": 2e6, "rope_local_base_freq": 3e4, "sliding_window_pattern": 2,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0}}));
    assert_eq!(thetas(&old), [3e4, 2e6]);
    assert!(
        old.layers()[0].rope.unwrap().scaling.is_none() && old.layers()[1].rope.unwrap().scaling.is_some()
    );
    let new = gemma(json!({"sliding_window_pattern": 2, "rope_parameters": {
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 2e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 3e4}}}));
    assert_eq!(new, old);
    assert_eq!(thetas(&gemma(json!({"sliding_window_pattern": 2}))), [1e4, 1e6]);
}

/// Every fixture as a folder: what is written of it computes the same, and no field is lost.
#[test]
fn what_is_written_of_a_family_keeps_its_fields_and_computes_the_same() {
    for entry in std::fs::read_dir(super::fixture("families")).unwrap() {
        let (folder, source) = (TempDir::new().unwrap(), entry.unwrap().path());
        let name = source.file_name().unwrap().to_str().unwrap().to_owned();
        for file in ["config.json", "model.safetensors"] {
            std::fs::copy(source.join(file), folder.path().join(file)).unwrap();
        }
        let tokenizer = aha_lab::task::countdown::FAMILY.base.tokenizer;
        std::fs::write(folder.path().join("tokenizer.json"), tokenizer).unwrap();
        let loaded = folder::load(folder.path(), &Device::flex()).unwrap();
        let export = written(&loaded, WeightType::F32);
        let (before, after) = (json_of(&folder, "config.json"), json_of(&export, "config.json"));
        if before["model_type"] == after["model_type"] {
            for (field, value) in before.as_object().unwrap() {
                assert!(after[field] == *value || value.is_null(), "{name}: {field} was {value}");
            }
        }
        let (before, after) = (parsed(&before), parsed(&after));
        assert_eq!(
            (before.arch().score_divisor, before.layers()),
            (after.arch().score_divisor, after.layers())
        );
        let again = folder::load(export.path(), &Device::flex()).unwrap();
        let ids = [(0..40).collect::<Vec<u32>>()];
        let logits =
            |model: &Transformer| values(model.logits(model.hidden(int_tensor(&ids, &Device::flex()))));
        assert_eq!(logits(&again.model), logits(&loaded.model), "{name}");
    }
}
