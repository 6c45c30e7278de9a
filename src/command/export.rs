//! `aha-lab export`: a checkpoint as a Hugging Face folder.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::Failure;
use crate::{
    engine::setup::WEIGHTS_FILE,
    run::{RunAtStep, RunDirectory},
    task::{self, lessons},
};

/// Write a checkpoint as a Hugging Face folder that transformers loads
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  aha-lab export seed1@20 ./my-model

In Python:
  model = AutoModelForCausalLM.from_pretrained('./my-model')
  tokenizer = PreTrainedTokenizerFast.from_pretrained('./my-model')
AutoTokenizer would take the vocabulary for Qwen's own, because the model has Qwen2's shape.")]
pub struct ExportArgs {
    /// RUN@STEP, RUN (its newest checkpoint), or `embedded`
    #[arg(value_name = "RUN@STEP")]
    pub checkpoint: String,
    /// The folder to write; it must not hold a model yet
    pub folder: PathBuf,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// The task whose embedded model is meant by `embedded`
    #[arg(long, value_name = "NAME", default_value = task::FAMILIES[0].name)]
    pub task: String,
}

/// Exports; the exit code.
///
/// # Errors
/// A sentence that names what is missing or in the way.
pub fn run(args: &ExportArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    if args.folder.join(WEIGHTS_FILE).exists() {
        return Err(Failure(format!(
            "{} holds a model already; name another folder.",
            args.folder.display()
        )));
    }
    let files: Vec<(&str, Vec<u8>)> = if args.checkpoint == "embedded" {
        let base = &task::family(&args.task).map_err(Failure)?.base;
        vec![
            ("config.json", base.config.to_vec()),
            ("tokenizer.json", base.tokenizer.to_vec()),
            (WEIGHTS_FILE, base.weights.to_vec()),
        ]
    } else {
        let at: RunAtStep = args.checkpoint.parse()?;
        let checkpoint = RunDirectory::find(&args.runs, &at.run)?.checkpoint(at.step)?;
        let read = |name: &'static str| {
            let path = checkpoint.path.join(name);
            std::fs::read(&path)
                .map(|bytes| (name, bytes))
                .map_err(|e| Failure(format!("{}: {e}.", path.display())))
        };
        vec![read("config.json")?, read("tokenizer.json")?, read(WEIGHTS_FILE)?]
    };
    write_folder(&args.folder, &files)?;
    writeln!(stdout, "{}", args.folder.display())?;
    Ok(0)
}

/// Writes a model's files and what transformers wants to know beside them.
///
/// # Errors
/// A sentence that names the file.
pub fn write_folder(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Failure> {
    let at = |path: &Path, e: std::io::Error| Failure(format!("{}: {e}.", path.display()));
    std::fs::create_dir_all(folder).map_err(|e| at(folder, e))?;
    let wrapper = serde_json::json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": lessons::END,
        "pad_token": lessons::PAD,
        "unk_token": lessons::UNKNOWN,
        "clean_up_tokenization_spaces": false,
    });
    let wrapper = serde_json::to_vec_pretty(&wrapper)?;
    for (name, bytes) in files.iter().map(|(n, b)| (*n, b)).chain([("tokenizer_config.json", &wrapper)]) {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|e| at(&path, e))?;
    }
    Ok(())
}
