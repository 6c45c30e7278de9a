//! Of GRPO, what the configuration names.

#[path = "../../src/grpo/preset.rs"]
pub mod preset;
#[path = "../../src/grpo/settings.rs"]
pub mod settings;
