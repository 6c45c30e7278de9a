//! `aha-lab export`: a checkpoint as a Hugging Face folder.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use clap::Args;

use super::{Failure, eval};
use crate::{
    config::Config,
    engine::setup::WEIGHTS_FILE,
    model::{
        adapter,
        publish::{self, WeightType},
    },
    system::files,
    task,
};

/// Write a checkpoint as a Hugging Face folder that transformers loads
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  aha-lab export seed1@20 ./my-model

In Python:
  model = AutoModelForCausalLM.from_pretrained('./my-model')
  tokenizer = AutoTokenizer.from_pretrained('./my-model')
  pipeline('text-generation', './my-model')('use 4 1 16 make 19 : <think>')

With --adapter, after the base was exported too:
  model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained('./base'), './my-adapter')

A Qwen2 model with a vocabulary other than Qwen's is written as `llama`, which computes the same:
transformers would assume Qwen's own vocabulary for `qwen2`.")]
pub struct ExportArgs {
    /// RUN@STEP, RUN (its newest checkpoint), `embedded`, a Hugging Face folder, a GGUF file, or a model's name on
    /// the hub
    #[arg(value_name = "RUN@STEP")]
    pub checkpoint: String,
    /// The folder to write; it must not hold a model yet
    pub folder: PathBuf,
    /// float32 (the trained weights, exactly), bfloat16 or float16 [default: the type of the run's base]
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<String>,
    /// Only the LoRA adapter, as PEFT loads it; without this it is merged into its base
    #[arg(long)]
    pub adapter: bool,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// The task whose embedded model is meant by `embedded`
    #[arg(long, value_name = "NAME", default_value = task::FAMILIES[0].name)]
    pub task: String,
    /// Its level, if that has its own embedded model
    #[arg(long, value_name = "NAME")]
    pub level: Option<String>,
}

/// Exports and returns the exit code.
///
/// # Errors
/// A sentence that names what is missing or in the way.
pub fn run(args: &ExportArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    if [WEIGHTS_FILE, adapter::WEIGHTS].iter().any(|name| args.folder.join(name).exists()) {
        return Err(Failure(format!(
            "{} already holds a model; choose another folder.",
            args.folder.display()
        )));
    }
    let asked = args.dtype.as_deref().map(weight_type).transpose()?;
    let device = Device::flex();
    let mut config = Config::default();
    config.set("task", &args.task)?;
    if let Some(level) = &args.level {
        config.set("level", level)?;
    }
    let loaded = eval::find(&args.checkpoint, &args.runs)?.load(&config.puzzles, &device)?;
    if args.adapter && loaded.model.lora().is_none() {
        let given = super::printable(&args.checkpoint);
        return Err(Failure(format!(
            "{given} has no LoRA adapter; leave out --adapter to export the whole model."
        )));
    }
    let files = match args.adapter {
        // What was trained is F32, whatever the base is.
        true => adapter::files(&loaded.model, loaded.adapter_of.as_ref(), asked.unwrap_or(WeightType::F32))?,
        false => {
            let as_type = asked.unwrap_or_else(|| publish::base_type(&loaded.companions));
            publish::files(&loaded, as_type)?
        }
    };
    write_folder(&args.folder, &files)?;
    writeln!(stdout, "{}", args.folder.display())?;
    Ok(0)
}

/// The type of weights that `--dtype` names.
///
/// # Errors
/// A sentence that lists the types.
pub(super) fn weight_type(name: &str) -> Result<WeightType, Failure> {
    WeightType::named(name).ok_or_else(|| {
        Failure(format!("--dtype must be float32, bfloat16 or float16, not `{}`.", super::printable(name)))
    })
}

/// Writes a model's files.
///
/// # Errors
/// A sentence that names the file.
pub(crate) fn write_folder(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let at = |path: &Path, e: std::io::Error| Failure(format!("{}: {e}.", path.display()));
    std::fs::create_dir_all(folder).map_err(|e| at(folder, e))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        files::write(&path, bytes).map_err(|e| at(&path, e))?;
    }
    Ok(())
}
