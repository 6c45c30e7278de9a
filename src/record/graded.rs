//! Which answer counts.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::settings::{Choice, Unbounded, choices};

choices! {
    /// Which answer is graded when a completion states several.
    #[derive(Serialize, Deserialize)] #[serde(rename_all = "lowercase")]
    pub enum Graded {
        /// The first complete one. Whatever follows it is ignored.
        First = "first",
        /// The last one, even if its tag is never closed, which makes it no answer.
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
