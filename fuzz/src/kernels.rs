//! What `model::config` needs of the program's `kernels`.

#[path = "../../src/kernels/activation.rs"]
pub mod activation;
#[path = "../../src/kernels/heads.rs"]
mod heads;
pub mod attention {
    pub use super::heads::Heads;
}
