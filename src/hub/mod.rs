//! Models by their names on the hub. A name becomes a folder of the cache that transformers uses too, at one commit, and
//! the loader reads that folder like any other: what one of the two programs has fetched, the other finds.
//!
//! The names and places of the cache are those of the crate `hf-hub`. Its transfers are not used: they give the token to
//! any host that a redirect names, wait for a silent server without end, append a whole file to its first part where a
//! server knows no ranges, and check nothing. Ours stand beside it, on `ureq`.

mod cache;
mod client;
mod error;
mod listing;
mod name;
mod plan;
mod settings;
mod transfer;

use std::path::PathBuf;

pub use error::HubError;
pub use name::Name;
pub use plan::Plan;
pub use settings::Settings;

use cache::Snapshots;
use client::Client;
use listing::Listing;

/// A model on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Its folder in the cache, or a GGUF file in it. Both say the commit.
    pub path: PathBuf,
    /// Why it may not be the newest, in a sentence.
    pub note: Option<String>,
}

/// What is to be done for a model.
#[derive(Debug)]
pub enum Found {
    /// Nothing: all its files are here.
    Here(Local),
    /// These files are missing.
    Missing(Box<Plan>),
}

/// How much of a model is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// All that the loader reads.
    Model,
    /// All but the weights of a folder: what a run would need can be told of these.
    Shape,
}

/// Looks for a model, in the cache and on the hub. Fetches none of its files.
///
/// # Errors
/// A sentence that says why it cannot be had.
pub fn find(name: &Name, settings: &Settings, want: Want) -> Result<Found, HubError> {
    let snapshots = Snapshots::of(name, settings);
    let here = snapshots.whole(name, want);
    if settings.offline {
        return here
            .map(|path| Found::Here(Local { path, note: None }))
            .ok_or_else(|| snapshots.offline(name));
    }
    // A commit never changes.
    if let (Some(path), true) = (&here, name.is_commit()) {
        return Ok(Found::Here(Local { path: path.clone(), note: None }));
    }
    let client = Client::new(settings)?;
    match Listing::ask(&client, name) {
        Ok(listing) => plan::of(name, want, listing, snapshots, client),
        // A lab on a train goes on with what it has.
        Err(error) => match here {
            Some(path) => {
                let note = format!("{error} What the cache has of {name} is used; it may not be the newest.");
                Ok(Found::Here(Local { path, note: Some(note) }))
            }
            None => Err(error),
        },
    }
}
