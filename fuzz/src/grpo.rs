//! What `config` needs of the program's `grpo`: settings, and the names of parts. What the parts do needs Burn, so that one
//! of each kind stands for all.

#[path = "../../src/grpo/control.rs"]
pub mod control;
#[path = "../../src/grpo/preset.rs"]
pub mod preset;
#[path = "../../src/grpo/registry.rs"]
pub mod registry;
#[path = "../../src/grpo/settings.rs"]
pub mod settings;

pub mod explain {
    use super::settings::Settings;
    use crate::record::explain::StepExplanation;

    pub fn step(_settings: &Settings, _rewards: &[f64]) -> StepExplanation {
        StepExplanation::default()
    }
}

macro_rules! only {
    ($module:ident, $kind:ident, $name:literal) => {
        pub mod $module {
            pub trait $kind: Send + Sync {}
            struct Only;
            impl $kind for Only {}
            impl super::registry::Registered for dyn $kind {
                const ALL: &'static [(&'static str, &'static Self)] = &[($name, &Only)];
                fn about(&self) -> &'static str {
                    "Stands for all."
                }
            }
        }
    };
}
only!(advantage, Advantage, "group");
only!(batching, Batching, "fixed");
only!(objective, Objective, "clip");
