//! The program's `run`, all of it: it needs neither tensors nor a terminal. Its private parts are open here.

#[path = "../../src/runs/checkpoint/mod.rs"]
pub mod checkpoint;
#[path = "../../src/runs/directory.rs"]
pub mod directory;
#[path = "../../src/runs/disk.rs"]
pub mod disk;
#[path = "../../src/runs/error.rs"]
pub mod error;
#[path = "../../src/runs/fingerprint.rs"]
pub mod fingerprint;
#[path = "../../src/runs/follower.rs"]
pub mod follower;
#[path = "../../src/runs/frontier.rs"]
pub mod frontier;
#[path = "../../src/runs/journal.rs"]
pub mod journal;
#[path = "../../src/runs/lineage.rs"]
pub mod lineage;
#[path = "../../src/runs/lines.rs"]
pub mod lines;
#[path = "../../src/runs/lock.rs"]
pub mod lock;
#[path = "../../src/runs/meta.rs"]
pub mod meta;
#[path = "../../src/runs/pinned.rs"]
pub mod pinned;
#[path = "../../src/runs/place.rs"]
pub mod place;
#[path = "../../src/runs/reader.rs"]
pub mod reader;
#[path = "../../src/runs/rollout_index.rs"]
pub mod rollout_index;
#[path = "../../src/runs/state.rs"]
pub mod state;
#[path = "../../src/runs/steps.rs"]
pub mod steps;
#[path = "../../src/runs/tail.rs"]
pub mod tail;

pub use checkpoint::{CheckpointWriter, Manifest, newest_valid, verify};
pub use directory::{RunAtStep, RunDirectory};
pub use error::{CheckpointError, RunError};
pub use follower::{Follower, Fresh};
pub use frontier::FrontierWatch;
pub use journal::{Journal, JournalPosition};
pub use lineage::{Ancestor, Segment, ancestors, segments};
pub use lock::RunLock;
pub use reader::{Log, Reader};
pub use rollout_index::{RolloutIndex, RolloutSummary};
pub use state::TrainingState;
pub use tail::BadLine;

pub use crate::{config::RunInfo, source};
