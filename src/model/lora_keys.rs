//! The keys of LoRA, apart from how an adapter is computed.

use crate::settings::{Several, choices, section};

section! {
    /// What is trained of the model: all of it, or a LoRA adapter beside it.
    #[derive(Copy)]
    pub struct Lora {
        /// Rank of the LoRA adapter; 0 trains all weights. An adapter takes a higher learning rate, up to ten times.
        fixed lora_rank: usize = 0, 0..=1_024;
        /// What is added to a matrix is multiplied by this, divided by the rank.
        fixed lora_alpha: f64 = 32.0, 0.001..=1e6;
        /// Which matrices of every block the adapter adds to.
        fixed lora_targets: Several<Target> = Several::ALL;
    }
}

choices! {
    /// A matrix that an adapter adds to.
    pub enum Target {
        /// Queries.
        Q = "q",
        /// Keys.
        K = "k",
        /// Values.
        V = "v",
        /// From attention back to the residual stream.
        O = "o",
        /// The feed-forward's gate.
        Gate = "gate",
        /// What the gate lets through.
        Up = "up",
        /// From the feed-forward back to the residual stream.
        Down = "down",
    }
}
