//! Which answer counts.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::settings::{Choice, Unbounded, choices};

choices! {
    /// Which answer is graded when a completion states several.
    #[derive(Serialize, Deserialize)] #[serde(rename_all = "lowercase")]
    pub enum Graded {
        /// The first that is complete. What follows it earns and costs nothing.
        First = "first",
        /// The last, also where it was never closed and so is no answer.
        Last = "last",
    }
}

#[allow(clippy::derivable_impls, reason = "`choices!` takes no attribute of a value")]
impl Default for Graded {
    fn default() -> Self {
        Self::Last
    }
}

impl FromStr for Graded {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::of_name(name).ok_or_else(|| format!("it takes {}", Self::allowed()))
    }
}
