//! The run directory: everything a run leaves on disk. A crash at any moment loses at most the current step,
//! and a torn or broken line costs only itself.

pub mod checkpoint;
pub mod directory;
pub mod disk;
pub mod edits;
mod elsewhere;
pub mod error;
pub mod fingerprint;
pub mod follower;
pub mod frontier;
pub mod journal;
pub(crate) mod leftovers;
pub(crate) mod lineage;
mod lines;
pub mod lock;
mod meta;
pub mod notes;
pub mod overview;
pub mod pinned;
pub mod place;
pub mod playback;
pub(crate) mod progress;
pub mod reader;
pub mod rollout_index;
pub mod shelf;
pub(crate) mod soundness;
pub mod source;
pub mod state;
mod steps;
pub mod sweep;
mod tail;

pub use checkpoint::{CheckpointWriter, Manifest, newest_valid, verify};
pub use directory::{RunAtStep, RunDirectory};
pub use error::{CheckpointError, RunError};
pub use follower::{Follower, Fresh};
pub use frontier::FrontierWatch;
pub use journal::{Journal, JournalPosition};
pub use lineage::{Ancestor, Segment, ancestors, fork_points, segments};
pub use lock::RunLock;
pub use reader::{Log, Reader};
pub use rollout_index::{RolloutIndex, RolloutSummary};
pub use state::TrainingState;
pub use tail::BadLine;

pub use crate::config::RunInfo;
