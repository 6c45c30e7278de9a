//! What can go wrong with a run directory, in sentences that say what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{config::ConfigError, system::files};

/// Why something could not be done with a run directory.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operating system refused.
    #[error("Cannot {action} {}: {cause}.{}", path.display(), advice(cause))]
    Io {
        /// What was tried, as `write` or `create the folder`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// Another process is writing the run.
    #[error(
        "The run {} is being written by {}; wait until it ends, stop it, or watch the run with `aha-lab open`.",
        path.display(),
        match pid { Some(pid) => format!("process {pid}"), None => "another process".into() }
    )]
    Locked {
        /// The run directory.
        path: PathBuf,
        /// The process id, if known.
        pid: Option<u32>,
    },
    /// The lock file belongs to somebody else, who could keep it locked for ever.
    #[error(
        "{} belongs to another user, and only the owner of a run may write to it; copy the run directory and \
         continue with the copy.",
        path.display()
    )]
    ForeignLock {
        /// The lock file.
        path: PathBuf,
    },
    /// The directory of a run was moved or deleted while it was being written.
    #[error(
        "The run directory {} was moved or deleted during the run. Put it back and the run continues, or end the run \
         and resume it where it is now.",
        path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// A log was changed or replaced while it was being written.
    #[error(
        "{} was deleted, replaced or changed by something else during the run. Restore it and the run continues, or \
         end the run and resume it.",
        path.display()
    )]
    Displaced {
        /// The log.
        path: PathBuf,
    },
    /// Another process took the lock of a run that is being written, after the lock file was deleted.
    #[error(
        "The run {} was taken over by {} after its run.lock was deleted; this process no longer writes to it. End \
         one of the two.",
        path.display(),
        match pid { Some(pid) => format!("process {pid}"), None => "another process".into() }
    )]
    Taken {
        /// The run directory.
        path: PathBuf,
        /// The process id, if known.
        pid: Option<u32>,
    },
    /// No run of this name.
    #[error("There is no run `{name}` in {}.{}", root.display(), known_runs(known))]
    NoSuchRun {
        /// The requested name.
        name: String,
        /// The folder of runs.
        root: PathBuf,
        /// The newest existing runs.
        known: Vec<String>,
    },
    /// Several runs match.
    #[error("`{name}` matches several runs: {}. Give more of the name.", candidates.join(", "))]
    Ambiguous {
        /// The requested name.
        name: String,
        /// The runs that match.
        candidates: Vec<String>,
    },
    /// An existing folder that is not a run.
    #[error("{} is not a run directory: it has no config.toml.", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// A file of notes that cannot be used.
    #[error("The notes in {} cannot be read: {reason}. Correct that file, or remove it.", path.display())]
    Notes {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A name, a note or tags that no run can have.
    #[error("Nothing was noted: {reason}.")]
    BadNotes {
        /// Why.
        reason: String,
    },
    /// A manifest of a sweep that cannot be used.
    #[error("The sweep in {} cannot be read: {reason}. Restore that file, or move the folder away.", path.display())]
    Sweep {
        /// The manifest.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What is neither renamed nor deleted.
    #[error("{} is left alone: {reason}.", path.display())]
    LeftAlone {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file or folder that no format recognises.
    #[error("{} is not a run that can be read here. Readable formats: {}.", path.display(), known.join("; "))]
    UnknownFormat {
        /// What was given.
        path: PathBuf,
        /// The known formats, in words.
        known: Vec<&'static str>,
    },
    /// An argument that is neither RUN nor RUN@STEP.
    #[error("`{given}` does not name a checkpoint: write RUN@STEP, for example `first-aha@20`.")]
    NotRunAtStep {
        /// What was given.
        given: String,
    },
    /// The run's configuration is broken.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A record that JSON cannot hold.
    #[error("A record for {} cannot be written as JSON: {reason}.", path.display())]
    Record {
        /// The log.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A log is too short for a checkpoint, or has no line end where the checkpoint says it had.
    #[error(
        "{} does not fit the checkpoint: {reason}. Resume from an earlier checkpoint with `run --resume RUN@STEP`, \
         or restore the file.",
        path.display()
    )]
    LogMismatch {
        /// The log.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A new run's log that is not empty.
    #[error("{} already has records; resume the run instead of starting it again.", path.display())]
    NotEmpty {
        /// The log.
        path: PathBuf,
    },
    /// A record that is no longer where the index says.
    #[error("{} was changed while it was open; open the run again.", path.display())]
    Moved {
        /// The log.
        path: PathBuf,
    },
    /// A checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("Cannot {action} {}: {cause}.{}", path.display(), advice(cause))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// A file of the checkpoint was changed or is missing.
    #[error("The checkpoint file {} is broken: {reason}. Use another checkpoint.", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The checkpoint was written by a newer program.
    #[error(
        "The checkpoint {} has format {found}, but this program reads format {known}: use a newer aha-lab.",
        path.display()
    )]
    OtherFormat {
        /// Its manifest.
        path: PathBuf,
        /// The format version that it states.
        found: u32,
        /// The newest format version read here.
        known: u32,
    },
    /// No checkpoint of this step, or none at all.
    #[error("{} has no usable checkpoint{}.{}", path.display(), of_step(*step), others(others_there))]
    None {
        /// The folder of checkpoints.
        path: PathBuf,
        /// The requested step; `None` for any.
        step: Option<u64>,
        /// The steps that have one.
        others_there: Vec<u64>,
    },
    /// A file name that a checkpoint cannot hold.
    #[error("A checkpoint cannot hold a file named `{name}`: {reason}.")]
    FileName {
        /// The name.
        name: String,
        /// Why.
        reason: &'static str,
    },
}

impl RunError {
    /// Whether the cause is not the disk, but that the run was moved, deleted or taken over while being
    /// written.
    pub(crate) fn is_displacement(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::Displaced { .. } | Self::Taken { .. })
    }

    /// For `map_err` on file operations.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
        move |cause| RunError::Io { action, path: path.to_path_buf(), cause }
    }
}

impl CheckpointError {
    /// For `map_err` on file operations.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CheckpointError {
        move |cause| CheckpointError::Io { action, path: path.to_path_buf(), cause }
    }

    pub(crate) fn broken(path: &Path, reason: impl Into<String>) -> CheckpointError {
        CheckpointError::Broken { path: path.to_path_buf(), reason: reason.into() }
    }
}

/// What to do about it, if the kind of error tells.
fn advice(cause: &io::Error) -> &'static str {
    match files::refusal(cause) {
        None => {}
        Some(files::Refused::Temporary { .. }) => return " Remove it.",
        Some(_) => {
            return " A run directory must hold plain files and folders: put a copy there instead.";
        }
    }
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " Free some space on that disk; everything written before is safe."
        }
        io::ErrorKind::FileTooLarge => {
            " The file reached a size limit, of `ulimit -f` or of the file system; raise it. \
             Everything written before is safe."
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            " Choose a writable folder with --runs DIR."
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            " Choose another folder with --runs DIR."
        }
        io::ErrorKind::Unsupported => " Choose a folder on a local disk with --runs DIR.",
        _ => "",
    }
}

fn known_runs(known: &[String]) -> String {
    match known {
        [] => " There are no runs in it yet.".into(),
        known => format!(" The newest are: {}.", known.join(", ")),
    }
}

fn of_step(step: Option<u64>) -> String {
    step.map(|step| format!(" of step {step}")).unwrap_or_default()
}

fn others(others: &[u64]) -> String {
    match others {
        [] => String::new(),
        steps => {
            let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
            format!(" Checkpoints exist for steps {}.", steps.join(", "))
        }
    }
}
