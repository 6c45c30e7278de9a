//! The program's `run`, all of it: it needs neither tensors nor a terminal. Its private parts are open here.

#[path = "../../src/run/checkpoint.rs"]
pub mod checkpoint;
#[path = "../../src/run/directory.rs"]
pub mod directory;
#[path = "../../src/run/disk.rs"]
pub mod disk;
#[path = "../../src/run/error.rs"]
pub mod error;
#[path = "../../src/run/fingerprint.rs"]
pub mod fingerprint;
#[path = "../../src/run/follower.rs"]
pub mod follower;
#[path = "../../src/run/frontier.rs"]
pub mod frontier;
#[path = "../../src/run/journal.rs"]
pub mod journal;
#[path = "../../src/run/lineage.rs"]
pub mod lineage;
#[path = "../../src/run/lines.rs"]
pub mod lines;
#[path = "../../src/run/lock.rs"]
pub mod lock;
#[path = "../../src/run/pinned.rs"]
pub mod pinned;
#[path = "../../src/run/place.rs"]
pub mod place;
#[path = "../../src/run/reader.rs"]
pub mod reader;
#[path = "../../src/run/record.rs"]
pub mod record;
#[path = "../../src/run/rollout_index.rs"]
pub mod rollout_index;
#[path = "../../src/run/state.rs"]
pub mod state;
#[path = "../../src/run/steps.rs"]
pub mod steps;
#[path = "../../src/run/tail.rs"]
pub mod tail;

pub use checkpoint::{CheckpointWriter, Manifest, newest_valid, verify};
pub use directory::{RunAtStep, RunDirectory};
pub use error::{CheckpointError, RunError};
pub use follower::{Follower, Fresh};
pub use frontier::{HowMeasured, Measurement};
pub use journal::{Journal, JournalPosition};
pub use lineage::{Ancestor, Segment, ancestors, segments};
pub use lock::RunLock;
pub use reader::{Log, Reader};
pub use rollout_index::{RolloutIndex, RolloutSummary};
pub use state::TrainingState;
pub use tail::BadLine;

pub use crate::config::RunInfo;
