//! `aha-lab doctor`: what this machine offers, what a run would use, and what would stop it.

mod needs;

use std::{
    env,
    error::Error,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    thread::available_parallelism,
};

use clap::Args;
use ratatui::crossterm::terminal;
use serde::Serialize;

use self::needs::Needs;
use super::base::place_of;
use crate::{
    device::{self, Adapter, BackendRequest},
    hub::Want,
    kernels::unit::{VARIABLE, VectorUnit},
    system::{files::Folder, memory::Memory, workers::worker_count},
};

/// Show what this machine offers: GPU adapters, the backend and vector unit that would be used, memory,
/// paths, terminal.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The exit code is 1 when something would keep a run from starting.

Examples:
  aha-lab doctor
  aha-lab doctor --json | jq .backend.reason
  aha-lab doctor --base ./smollm2 --set lora_rank=16 --set max_new_tokens=512")]
pub struct DoctorArgs {
    /// A model's folder, a GGUF file, or a model's name on the hub: say what a run from it would take of this
    /// machine's memory. The weights of a folder on the hub are not fetched for that
    #[arg(long, value_name = "DIR|FILE|NAME")]
    pub base: Option<String>,
    /// A setting of that run; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "base")]
    pub set: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Facts that only the rest of the program knows.
#[derive(Debug, Clone)]
pub struct DoctorFacts {
    /// The program's version.
    pub version: String,
    /// The backend that a run would ask for.
    pub request: BackendRequest,
    /// The folder that holds the runs; it need not exist yet.
    pub runs_root: PathBuf,
    /// The base models inside the program, the default first.
    pub base_models: Vec<BaseModelFacts>,
}

/// A base model inside the program.
#[derive(Debug, Clone, Serialize)]
pub struct BaseModelFacts {
    /// The task that it was made for.
    pub task: &'static str,
    /// The level that it was made for.
    pub level: &'static str,
    /// Trainable parameters.
    pub parameters: usize,
    /// Size in the program.
    pub bytes: usize,
    /// SHA-256 of the weights, in hexadecimal.
    pub sha256: String,
}

/// Examines the machine, prints the findings on `stdout`, and returns the exit code: 0, or 1 if something
/// would keep a run from starting.
///
/// # Errors
/// Output that cannot be written; a base that cannot be read, or a setting that is none.
pub fn run(args: &DoctorArgs, facts: &DoctorFacts, mut stdout: impl Write) -> Result<i32, Box<dyn Error>> {
    let mut report = Report::new(facts);
    if let Some(base) = &args.base {
        let place = place_of(base, Want::Shape).map_err(|failure| failure.0)?;
        let needs = Needs::of(&place, &args.set).map_err(|failure| failure.0)?;
        report.problems.extend(needs.problem());
        report.needs = Some(needs);
    }
    if args.json {
        serde_json::to_writer(&mut stdout, &report)?;
        writeln!(stdout)?;
    } else {
        report.print(&mut stdout)?;
    }
    stdout.flush()?;
    Ok(i32::from(!report.problems.is_empty()))
}

#[derive(Serialize)]
struct Report {
    version: String,
    backend: Option<Backend>,
    /// Whether the graphics drivers reported their adapters; if not, a warning says why.
    adapters_known: bool,
    adapters: Vec<Adapter>,
    processor: Processor,
    memory: Option<Memory>,
    base_models: Vec<BaseModelFacts>,
    /// What a run from a base would take.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<Needs>,
    runs: Runs,
    terminal: Terminal,
    /// Sentences about what makes a run slow, or is wrong without keeping it from starting.
    warnings: Vec<String>,
    /// Sentences; each would keep a run from starting.
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Backend {
    request: String,
    name: String,
    reason: String,
    is_gpu: bool,
}

#[derive(Serialize)]
struct Processor {
    /// What `threads = 0` means.
    cores: usize,
    /// Threads that the operating system lets this process use.
    threads: usize,
    /// The unit that the CPU kernels use.
    vector_unit: VectorUnit,
    /// All units that they could use here, widest first.
    vector_units: Vec<VectorUnit>,
}

#[derive(Serialize)]
struct Runs {
    path: PathBuf,
    exists: bool,
    writable: bool,
}

#[derive(Serialize)]
struct Terminal {
    /// Whether standard output is a terminal.
    is_terminal: bool,
    columns: Option<u16>,
    rows: Option<u16>,
    /// `none`, `16`, `256` or `24-bit`.
    colours: &'static str,
    unicode: bool,
    term: Option<String>,
}

impl Report {
    fn new(facts: &DoctorFacts) -> Self {
        let mut problems = Vec::new();
        // Listed even for the backend `cpu`: people run this to find out why their card is not used.
        let adapters = device::adapters();
        let backend = match device::choose_among(facts.request, || adapters.clone()) {
            Ok(choice) => Some(Backend {
                request: facts.request.to_string(),
                name: choice.name,
                reason: choice.reason,
                is_gpu: choice.is_gpu,
            }),
            Err(error) => {
                problems.push(error.to_string());
                None
            }
        };
        let writable = is_writable(&facts.runs_root);
        if let Err(error) = &writable {
            let path = facts.runs_root.display();
            problems
                .push(format!("Runs cannot be written to {path}: {error}. Name another folder with --runs."));
        }
        let mut warnings: Vec<String> = VectorUnit::in_use().warning().into_iter().collect();
        warnings.extend(adapters.as_ref().err().map(ToString::to_string));
        Self {
            version: facts.version.clone(),
            backend,
            adapters_known: adapters.is_ok(),
            adapters: adapters.unwrap_or_default(),
            processor: Processor {
                cores: worker_count(0),
                threads: available_parallelism().map_or(1, usize::from),
                vector_unit: VectorUnit::in_use(),
                vector_units: VectorUnit::available(),
            },
            memory: Memory::of_this_machine(),
            base_models: facts.base_models.clone(),
            needs: None,
            runs: Runs {
                path: facts.runs_root.clone(),
                exists: facts.runs_root.is_dir(),
                writable: writable.is_ok(),
            },
            terminal: Terminal::here(),
            warnings,
            problems,
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "aha-lab {}", self.version)?;
        let mut line = |label: &str, text: &str| writeln!(out, "  {label:<10}  {text}");
        match &self.backend {
            Some(backend) => line("backend", &format!("{}: {}", backend.name, backend.reason))?,
            None => line("backend", "none can be used")?,
        }
        if self.adapters.is_empty() {
            line("adapters", if self.adapters_known { "none" } else { "not known" })?;
        }
        for (i, adapter) in self.adapters.iter().enumerate() {
            let software = if adapter.software { ", software" } else { "" };
            let driver =
                if adapter.driver.is_empty() { String::new() } else { format!(", {}", adapter.driver) };
            let text = format!("{} ({}, {}{software}{driver})", adapter.name, adapter.api, adapter.kind);
            line(if i == 0 { "adapters" } else { "" }, &text)?;
        }
        line("processor", &self.processor.to_string())?;
        match &self.memory {
            Some(Memory { total_bytes, available_bytes }) => {
                let text =
                    format!("{} GiB available of {}", gibibytes(*available_bytes), gibibytes(*total_bytes));
                line("memory", &text)?;
            }
            None => line("memory", "not known on this system")?,
        }
        for BaseModelFacts { task, level, parameters, bytes, sha256 } in &self.base_models {
            let hash: String = sha256.chars().take(12).collect();
            let size = *bytes as f64 / 1e6;
            let of = format!("{task} {level}, {parameters} parameters, {size:.1} MB, sha256 {hash}");
            line("base model", &of)?;
        }
        for (i, text) in self.needs.iter().flat_map(Needs::lines).enumerate() {
            line(if i == 0 { "a run" } else { "" }, &text)?;
        }
        let state = match (self.runs.writable, self.runs.exists) {
            (true, true) => "writable",
            (true, false) => "does not exist yet, can be created",
            (false, _) => "not writable",
        };
        line("runs", &format!("{} ({state})", self.runs.path.display()))?;
        line("terminal", &self.terminal.to_string())?;
        for warning in &self.warnings {
            writeln!(out, "warning: {warning}")?;
        }
        for problem in &self.problems {
            writeln!(out, "problem: {problem}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Processor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cores, threads, vector_unit, vector_units } = self;
        write!(f, "{cores} cores, {threads} threads, vector unit {vector_unit}")?;
        match vector_units.first().filter(|greatest| *greatest != vector_unit) {
            Some(greatest) => write!(f, " (set by {VARIABLE}; the machine has {greatest})"),
            None => Ok(()),
        }
    }
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 30))
}

/// Tries to create a file in the folder, or, if that does not exist yet, in its parent.
fn is_writable(folder: &Path) -> io::Result<()> {
    let folder = if folder.is_relative() { env::current_dir()?.join(folder) } else { folder.to_path_buf() };
    let existing = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&folder);
    let (existing, trial) = (Folder::open(existing)?, format!(".aha-lab-doctor-{}", std::process::id()));
    existing.create(&trial)?.write_all(b"trial")?;
    existing.remove_file(&trial)
}

impl Terminal {
    fn here() -> Self {
        let lookup = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let is_terminal = io::stdout().is_terminal();
        let size = if is_terminal { terminal::size().ok() } else { None };
        Self {
            is_terminal,
            columns: size.map(|(columns, _)| columns),
            rows: size.map(|(_, rows)| rows),
            colours: colours(lookup),
            unicode: speaks_unicode(lookup),
            term: lookup("TERM"),
        }
    }
}

impl std::fmt::Display for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.columns, self.rows) {
            (Some(columns), Some(rows)) => write!(f, "{columns}x{rows}")?,
            _ if self.is_terminal => f.write_str("of unknown size")?,
            _ => f.write_str("standard output is not a terminal")?,
        }
        write!(f, ", TERM {}", self.term.as_deref().unwrap_or("not set"))?;
        match self.colours {
            "none" => f.write_str(", no colours")?,
            "24-bit" => f.write_str(", 24-bit colours")?,
            count => write!(f, ", {count} colours")?,
        }
        f.write_str(if self.unicode { ", Unicode" } else { ", no Unicode" })
    }
}

/// How many colours the environment promises.
fn colours(lookup: impl Fn(&str) -> Option<String>) -> &'static str {
    let term = lookup("TERM").unwrap_or_default();
    let direct = lookup("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
    if lookup("NO_COLOR").is_some_and(|value| !value.is_empty()) || term == "dumb" {
        "none"
    } else if direct || lookup("WT_SESSION").is_some() {
        "24-bit"
    } else if term.contains("256color") {
        "256"
    } else {
        "16"
    }
}

/// Whether the locale uses UTF-8; the first of the three variables that is set decides, as in POSIX.
fn speaks_unicode(lookup: impl Fn(&str) -> Option<String>) -> bool {
    if cfg!(windows) {
        return true;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| lookup(name)).unwrap_or_default();
    let locale = locale.to_lowercase();
    // macOS uses UTF-8 whatever the locale says, and many of its shells set none.
    locale.contains("utf-8") || locale.contains("utf8") || (cfg!(target_os = "macos") && locale.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn facts(runs_root: PathBuf) -> DoctorFacts {
        DoctorFacts {
            version: "9.8.7".into(),
            request: BackendRequest::Cpu,
            runs_root,
            base_models: vec![BaseModelFacts {
                task: "countdown",
                level: "3x20",
                parameters: 1_234_567,
                bytes: 4_900_000,
                sha256: "0123456789abcdef".into(),
            }],
        }
    }

    fn doctor(json: bool, facts: &DoctorFacts) -> (i32, String) {
        let mut out = Vec::new();
        let code = run(&DoctorArgs { json, base: None, set: Vec::new() }, facts, &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_report_names_backend_model_and_paths_and_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let runs = root.path().join("not/there/yet");
        let (code, text) = doctor(false, &facts(runs.clone()));
        assert_eq!(code, 0, "{text}");
        for part in [
            "aha-lab 9.8.7",
            &format!(" threads, vector unit {}", VectorUnit::in_use()),
            "cpu: The backend `cpu` was requested.",
            "1234567 parameters, 4.9 MB",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains(&format!("{} (does not exist yet, can be created)", runs.display())), "{text}");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn json_is_one_object_with_the_facts() {
        let root = tempfile::tempdir().unwrap();
        let (code, text) = doctor(true, &facts(root.path().into()));
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, text.lines().count()), (0, 1));
        assert_eq!(report["backend"]["name"], "cpu");
        assert_eq!(report["runs"]["writable"], true);
        assert_eq!(report["base_models"][0]["sha256"], "0123456789abcdef");
        assert!(report["processor"]["cores"].as_u64() >= Some(1));
        let unit = VectorUnit::in_use();
        assert_eq!(report["processor"]["vector_unit"], unit.name());
        assert!(report["processor"]["vector_units"].as_array().unwrap().contains(&unit.name().into()));
        assert_eq!(report["warnings"].as_array().unwrap().is_empty(), unit != VectorUnit::None);
        assert_eq!(report["problems"], serde_json::json!([]));
    }

    #[test]
    fn a_runs_folder_that_is_a_file_is_a_problem_with_exit_code_1() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (code, text) = doctor(false, &facts(file.path().into()));
        assert_eq!(code, 1);
        assert!(text.contains("problem: Runs cannot be written to"), "{text}");
    }

    #[test]
    fn colours_and_unicode_follow_the_environment() {
        let with = |pairs: &'static [(&str, &str)]| {
            move |name: &str| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string())
            }
        };
        assert_eq!(colours(with(&[("TERM", "xterm-256color")])), "256");
        assert_eq!(colours(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")])), "24-bit");
        assert_eq!(colours(with(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")])), "none");
        // An empty variable does not count, nor does it on screen.
        assert_eq!(colours(with(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")])), "24-bit");
        assert_eq!(colours(with(&[("TERM", "dumb")])), "none");
        assert_eq!(colours(with(&[("TERM", "linux")])), "16");
        assert!(speaks_unicode(with(&[("LANG", "de_DE.UTF-8")])));
        #[cfg(not(windows))]
        assert!(!speaks_unicode(with(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])));
    }
}
