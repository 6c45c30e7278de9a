//! What must hold for any bytes at all in the files and lines that strangers write. Each public function is one fuzz
//! target; `cargo test` runs them over the corpus.

use std::{io::Cursor, path::Path};

use super::lab::{
    config::{Config, ConfigFile},
    model::{
        config::ModelConfig,
        gguf::Gguf,
        host::{HostModel, HostTensors, arrange, shard_names},
        template::Template,
        tokenizer::{StreamingDecoder, Tokenizer},
    },
    record::Measurement,
    runs::{
        Manifest, TrainingState,
        checkpoint::FORMAT,
        notes,
        source::{
            parquet::{Holds, Table},
            tfevents,
        },
        sweep,
    },
    socket::{Line, Request},
};

/// A refusal is a sentence that fits on a screen, without anything that moves the cursor.
fn assert_sentence(error: &impl std::fmt::Display) {
    let said = error.to_string();
    assert!(said.ends_with('.') && said.len() < 1000 && !said.contains(char::is_control), "{said:?}");
}

/// The same, where a number may be off by a rounding: the reader of JSON does not round to the nearest.
pub fn nearly(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            (a - b).abs() <= 1e-15 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| nearly(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| nearly(a, b)))
        }
        _ => a == b,
    }
}

/// A model folder: the index of its shards, or the length of `config.json` in two bytes, `config.json`, the weights.
pub fn model(data: &[u8]) {
    if data.starts_with(b"{") {
        return shards(data);
    }
    let Some((length, data)) = data.split_at_checked(2) else { return };
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    let Some((config, weights)) = data.split_at_checked(length) else { return };
    let path = Path::new("model.safetensors");
    let mut host = HostTensors::none(path.to_owned());
    let read = host.add(weights, path);
    let config = match ModelConfig::parse(config) {
        Ok(config) => config,
        Err(said) => return assert_sentence(&said),
    };
    match read.and_then(|()| arrange(host, &config)) {
        Err(error) => assert_sentence(&error),
        Ok(model) => {
            check_arranged(&model, &config);
            // Never more memory than the file is large: two bytes a number at the least.
            assert!(2 * config.parameters() <= weights.len());
        }
    }
}

/// A GGUF file: one that is taken has finite weights of a known shape, and takes no more memory than its size allows.
pub fn gguf(data: &[u8]) {
    let path = Path::new("model.gguf");
    let file = match Gguf::read(Cursor::new(data), data.len() as u64, path) {
        Ok(file) => file,
        Err(error) => return assert_sentence(&error),
    };
    // Four bits a number at the least, and one piece of the file beside them.
    assert!(file.memory() <= 9 * data.len() as u64);
    if let Err(error) = Tokenizer::with_ends(&file.tokenizer, path, &file.companions.ends()) {
        assert_sentence(&error);
    }
    let config = file.config.clone();
    match file.weights().and_then(|host| arrange(host, &config)) {
        Err(error) => assert_sentence(&error),
        Ok(model) => check_arranged(&model, &config),
    }
}

/// The numbers of a model that was taken are finite, and as many as its shape has.
fn check_arranged(model: &HostModel, config: &ModelConfig) {
    let matrices = model.blocks.iter().flat_map(|b| [&b.qkv, &b.output, &b.gate_up, &b.down]);
    let matrices: Vec<_> = matrices.chain([&model.embedding]).chain(&model.head).collect();
    let vectors = model.blocks.iter().flat_map(|b| {
        let norms = [&b.input_norm, &b.attention_norm, &b.post_norm, &b.feed_forward_norm];
        let norms = norms.into_iter().flatten().chain(b.qk_norm.iter().flatten());
        norms.chain(&b.qkv_bias).collect::<Vec<_>>()
    });
    let vectors: usize = vectors.chain([&model.norm]).map(Vec::len).sum();
    assert!(matrices.iter().all(|matrix| matrix.values.len() == matrix.rows * matrix.columns));
    assert!(matrices.iter().all(|matrix| matrix.values.iter().all(|value| value.is_finite())));
    let numbers: usize = matrices.iter().map(|matrix| matrix.values.len()).sum();
    assert_eq!(numbers + vectors, config.parameters());
}

/// `model.safetensors.index.json`: whatever it names lies in its folder.
fn shards(data: &[u8]) {
    let folder = Path::new("/folder");
    match shard_names(data, Path::new("index.json")) {
        Err(error) => assert_sentence(&error),
        Ok(names) => {
            assert!(!names.is_empty());
            for name in names {
                assert_eq!(folder.join(&name).parent(), Some(folder), "{name:?}");
                assert!(folder.join(&name).file_name().is_some(), "{name:?}");
            }
        }
    }
}

/// `tokenizer.json`: one that is taken turns a prompt into tokens that it has, or refuses to, and tokens into text
/// that is the same all at once and piece by piece.
pub fn tokenizer(data: &[u8]) {
    let path = Path::new("tokenizer.json");
    let tokenizer = match Tokenizer::from_bytes(data, path) {
        Ok(tokenizer) => tokenizer,
        Err(error) => return assert_sentence(&error),
    };
    assert!(tokenizer.end().as_slice().iter().all(|&end| (end as usize) < tokenizer.size()));
    match tokenizer.encode("use 4 1 16 to make 19 . <think>") {
        Err(error) => assert_sentence(&error),
        Ok(tokens) => {
            assert!(tokens.iter().all(|token| (*token as usize) < tokenizer.size()), "{tokens:?}");
            let _ = tokenizer.decode(&tokens);
            let mut decoder = StreamingDecoder::new();
            for token in tokens.iter().take(64) {
                let _ = decoder.push(&tokenizer, *token);
            }
        }
    }
}

/// A chat template: one that is taken ends, with a text that fits or a sentence.
pub fn template(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let variables = minijinja::context! { bos_token => "<s>", numbers => [4, 1, 16], target => 19 };
    let template = match Template::parse(source, "The template") {
        Ok(template) => template,
        Err(said) => return assert_sentence(&said),
    };
    let once = template.conversation("use 4 1 16 make 19", variables.clone());
    match &once {
        Ok(text) => assert!(text.len() <= 64 << 10),
        Err(said) => assert_sentence(said),
    }
    assert_eq!(once, template.conversation("use 4 1 16 make 19", variables));
}

/// `config.toml`: what is taken is valid, and the same after it was written and read again.
pub fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(file) = ConfigFile::parse(text) else { return };
    file.config.validate().expect("what was read is valid");
    let written = file.to_toml().expect("what was read can be written");
    assert_eq!(ConfigFile::parse(&written).expect("what was written can be read"), file, "{written}");
    for key in Config::keys() {
        let value = file.config.get(key.name).expect("a key of the table");
        let mut again = file.config.clone();
        again.set(key.name, &value).expect("its own value");
        assert!(key.name == "preset" || again == file.config, "{} = {value}", key.name);
    }
}

/// `notes.toml` of a run, and the manifest of a sweep: what is taken keeps the rules, what is not is told in a sentence.
pub fn notes(data: &[u8]) {
    match notes::parse(data, Path::new("notes.toml")) {
        Ok(notes) => notes.check().expect("what was read is allowed"),
        Err(said) => assert_sentence(&said),
    }
    match sweep::parse(data, Path::new("sweep.json")) {
        Ok(plan) => assert!(!plan.name().contains(['/', '\\']), "{plan:?}"),
        Err(said) => assert_sentence(&said),
    }
}

/// The two files of a checkpoint that are JSON.
pub fn checkpoint(data: &[u8]) {
    state(data);
    manifest(data);
}

/// `state.json`: what is taken has a valid configuration, and is the same after it was written and read again.
fn state(data: &[u8]) {
    let path = Path::new("state.json");
    let Ok(state) = TrainingState::parse(data, path) else { return };
    state.config.validate().expect("what was read is valid");
    let written = state.to_json().expect("what was read can be written");
    let again = TrainingState::parse(&written, path).expect("what was written can be read");
    let value = |text: &[u8]| serde_json::from_slice(text).expect("JSON");
    let again = again.to_json().expect("as before");
    assert!(nearly(&value(&again), &value(&written)), "{}", String::from_utf8_lossy(&written));
}

/// A checkpoint's manifest: what is taken names nothing outside its folder.
fn manifest(data: &[u8]) {
    let path = Path::new("/checkpoint/manifest.json");
    let folder = Path::new("/checkpoint");
    let inside = |manifest: &Manifest| {
        manifest
            .files
            .keys()
            .all(|name| folder.join(name).parent() == Some(folder) && name != "manifest.json")
    };
    if let Ok(manifest) = Manifest::parse(data, path) {
        assert!(inside(&manifest) && manifest.format == FORMAT);
    }
    // Past the digest, which a stranger can compute as well.
    let Ok(manifest) = serde_json::from_slice::<Manifest>(data) else { return };
    let manifest = manifest.sealed();
    let written = serde_json::to_vec(&manifest).expect("what was read can be written");
    match Manifest::parse(&written, path) {
        Ok(again) => {
            assert_eq!(again, manifest);
            assert!(inside(&again) && again.format == FORMAT);
        }
        Err(error) => assert_sentence(&error),
    }
}

/// A measurement in a run's folder `frontier`: what is taken is the same after it was written and read again.
pub fn frontier(data: &[u8]) {
    let measurement = match Measurement::parse(data) {
        Ok(measurement) => measurement,
        Err(said) => return assert_sentence(&said),
    };
    assert!(measurement.points.iter().all(|point| (0.0..=1.0).contains(&point.accuracy().value)));
    let value = |of: &Measurement| serde_json::to_value(of).expect("what was read can be written");
    let written = serde_json::to_vec(&measurement).expect("what was read can be written");
    let again = Measurement::parse(&written).expect("what was written can be read");
    assert!(nearly(&value(&again), &value(&measurement)), "{}", String::from_utf8_lossy(&written));
}

/// Lines of the control socket, either way.
pub fn messages(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(request) = serde_json::from_slice::<Request>(line) {
            let text = serde_json::to_vec(&request).expect("what was read can be written");
            let again = serde_json::from_slice::<Request>(&text).expect("what was written can be read");
            let value =
                |request: &Request| serde_json::to_value(request).expect("what was read can be written");
            assert!(nearly(&value(&again), &value(&request)), "{}", String::from_utf8_lossy(&text));
            if let Request::Command(command) = request
                && let Err(said) = command.check()
            {
                assert_sentence(&said);
            }
        }
        if let Ok(line) = serde_json::from_slice::<Line>(line) {
            let value = |line: &Line| serde_json::to_value(line).expect("what was read can be written");
            let text = serde_json::to_vec(&line).expect("what was read can be written");
            let again = serde_json::from_slice(&text).expect("what was written can be read");
            assert!(nearly(&value(&again), &value(&line)), "{}", String::from_utf8_lossy(&text));
        }
    }
}

/// A parquet file: every column has a value for each row, or a reason why it has none.
pub fn parquet(data: &[u8]) {
    let said = |reason: &String| assert_sentence(&format!("It is skipped: {reason}."));
    let table = match Table::of(data.to_vec()) {
        Ok(table) => table,
        Err(reason) => return said(&reason),
    };
    for column in table.columns() {
        let rows = match column.holds {
            Holds::Reals | Holds::Wholes => table.numbers(&column.name).map(|values| values.len()),
            Holds::Texts => table.texts(&column.name).map(|values| values.len()),
            Holds::Nested => table.messages(&column.name).map(|values| values.len()),
        };
        match rows {
            Ok(rows) => assert_eq!(rows, table.rows()),
            Err(reason) => said(&reason),
        }
    }
}

/// TensorBoard's events: what is read in pieces is what is read at once.
pub fn events(data: &[u8]) {
    let Ok((used, whole)) = tfevents::scalars(data) else { return };
    assert!(used <= data.len());
    let Ok((first, mut found)) = tfevents::scalars(&data[..data.len() / 2]) else { return };
    found.extend(tfevents::scalars(&data[first..used]).map(|(_, rest)| rest).unwrap_or_default());
    assert_eq!(format!("{found:?}"), format!("{whole:?}"));
}
