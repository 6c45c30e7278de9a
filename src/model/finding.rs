//! Errors for a path without a readable model: most people mean something that exists in another form.

use std::path::Path;

use super::{
    config::ModelConfig,
    gguf,
    host::{ModelError, broken, weight_files},
};
use crate::system::memory::Memory;

/// Whether a path is meant as a model folder, rather than the name of a run.
pub(crate) fn is_meant(path: &Path) -> bool {
    let holds = |name: &str| path.join(name).exists();
    path.join("config.json").is_file()
        || gguf::is_meant(path)
        || ["model.safetensors", "pytorch_model.bin", "adapter_config.json"].into_iter().any(holds)
        || gguf::within(path).is_some()
}

/// What a model consists of.
const WANTED: &str =
    "A folder with config.json, model.safetensors and tokenizer.json, or one GGUF file, is needed";

/// Refuses a path where nothing is.
///
/// # Errors
/// A sentence that says what is needed.
pub fn check_exists(path: &Path) -> Result<(), ModelError> {
    if path.exists() {
        return Ok(());
    }
    let kind = if gguf::is_meant(path) { "file" } else { "folder" };
    Err(broken(path, format!("There is no such {kind}. {WANTED}.")))
}

/// Refuses a path that lacks one of a model's three files, with a hint if something else is there.
///
/// # Errors
/// A sentence that says what is missing and where to get it.
pub(crate) fn check_folder(folder: &Path) -> Result<(), ModelError> {
    let refused = |reason: String| Err(broken(folder, reason));
    check_exists(folder)?;
    if !folder.is_dir() {
        return refused(format!("This is not a folder. {WANTED}."));
    }
    let has = |name: &str| std::fs::symlink_metadata(folder.join(name)).is_ok();
    if !has("config.json") {
        let hint = gguf::within(folder)
            .map_or(String::new(), |name| format!(" It holds {name}: give that file itself."));
        return refused(format!("config.json is missing.{hint} {WANTED}."));
    }
    if !has("model.safetensors") && !has("model.safetensors.index.json") {
        let hint = match () {
            () if has("pytorch_model.bin") || has("pytorch_model.bin.index.json") => {
                " The folder has the older pytorch_model.bin, which is not supported. In Python, \
                 `AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(NEW)` converts it to safetensors; copy \
                 the tokenizer's files too."
            }
            () if gguf::within(folder).is_some() => " It holds a GGUF file: give that file itself.",
            () => " Fetch the folder again.",
        };
        return refused(format!("model.safetensors is missing.{hint}"));
    }
    if !has("tokenizer.json") {
        let hint = match has("tokenizer.model") || has("vocab.json") {
            true => {
                "The folder has the tokenizer in another format; in Python, \
                 `AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)` writes it."
            }
            false => "Fetch the folder again.",
        };
        return refused(format!("tokenizer.json is missing. {hint}"));
    }
    Ok(())
}

/// Refuses weights that certainly do not fit in memory, or that are larger than `config.json` implies, before
/// reading any of them.
///
/// # Errors
/// A sentence with both sizes.
pub(crate) fn check_size(
    folder: &Path,
    config: &ModelConfig,
    memory: Option<Memory>,
) -> Result<(), ModelError> {
    let files = weight_files(folder)?;
    let sizes: Vec<u64> =
        files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|f| f.len()).collect();
    let (all, largest) = (sizes.iter().sum::<u64>(), sizes.iter().copied().max().unwrap_or(0));
    let parameters = config.parameters() as u64;
    // Leaves room for a header, and for a head and tables that other programs also write.
    let most = 4 * (parameters + (config.vocab_size * config.hidden_size) as u64) + (64 << 20);
    if all > most {
        return Err(broken(
            folder,
            format!(
                "The weights have {all} bytes, but the model in config.json needs at most {most}; they do not belong \
                 together."
            ),
        ));
    }
    // One file as it is on disk, plus every weight in four bytes; on disk a weight takes at least two.
    let needed = largest + 4 * parameters.min(all / 2);
    check_memory(folder, needed, parameters, memory)
}

/// Refuses weights whose reading takes `needed` bytes if that is certainly more than there is.
///
/// # Errors
/// A sentence with both sizes.
pub fn check_memory(
    path: &Path,
    needed: u64,
    parameters: u64,
    memory: Option<Memory>,
) -> Result<(), ModelError> {
    let gibibytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    match memory.filter(|memory| needed > memory.total_bytes) {
        None => Ok(()),
        Some(memory) => Err(broken(
            path,
            format!(
                "The model has {:.1} billion parameters and needs {:.1} GiB to load, but this machine has {:.1}. Use \
                 a smaller model.",
                parameters as f64 / 1e9,
                gibibytes(needed),
                gibibytes(memory.total_bytes)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_larger_than_memory_is_refused_before_it_is_read() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let seven_billion = br#"{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
            "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 32000}"#;
        let config = ModelConfig::parse(seven_billion)?;
        let file = std::fs::File::create(folder.path().join("model.safetensors"))?;
        // A sparse file, which takes up no disk space.
        file.set_len(13_476_839_424)?;
        let machine = |gibibytes: u64| Some(Memory { total_bytes: gibibytes << 30, available_bytes: 0 });
        let said =
            check_size(folder.path(), &config, machine(24)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(
            said.contains("6.7 billion parameters and needs 37.7 GiB to load, but this machine has 24.0"),
            "{said}"
        );
        assert!(check_size(folder.path(), &config, machine(64)).is_ok());
        assert!(check_size(folder.path(), &config, None).is_ok(), "it is not known everywhere");
        file.set_len(40_000_000_000)?;
        let said = check_size(folder.path(), &config, None).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(said.contains("do not belong together"), "{said}");
        Ok(())
    }
}
