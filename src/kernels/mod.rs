//! Hand-written CPU kernels behind Burn's tensors.
//!
//! Burn's CPU backend multiplies matrices as fast as the machine can. Time is lost between the products: a
//! pass over memory for every elementwise operation, a buffer for every intermediate, scalar `exp`. The
//! kernels here do the same arithmetic in as few passes as it needs. They take and return
//! [`Tensor`](burn::tensor::Tensor)s, define their own derivatives, and return `None` for tensors of another
//! backend. The caller then uses Burn's operations, which remain beside the kernels as the definition
//! (`model/transformer.rs`) and as the reference in tests.
//!
//! - [`mod@unit`]: the vector unit of the processor on which all kernels run;
//! - [`product`]: matrix products on slices, made of [`panels`] and `tile`;
//! - [`vector`]: elementwise loops, compiled for each vector unit;
//! - [`buffers`]: memory that is used again; [`laid_out`]: weights that are laid out once;
//! - [`autodiff`]: turns a kernel with a hand-written derivative into a differentiable operation of Burn;
//! - [`block`], made of [`norm`], [`attention`], [`swiglu`] and [`low_rank`], [`linear`], [`log_probs`], [`head`]: the
//!   operations of the model in training; [`attend`], where a family's block is another;
//! - [`angles`], [`gate`]: rotary positions, and what the feed-forward's gate goes through;
//! - [`decoder`]: extends many sequences by one token at once, with its own key/value cache.

pub(crate) mod activation;
pub mod angles;
pub mod attend;
pub mod attention;
pub mod autodiff;
pub mod block;
pub(crate) mod buffers;
pub mod decoder;
pub mod gate;
pub mod head;
pub mod heads;
pub(crate) mod laid_out;
pub mod linear;
pub(crate) mod log_probs;
pub mod low_rank;
pub mod norm;
pub(crate) mod panels;
pub mod product;
pub(crate) mod swiglu;
mod tile;
pub mod unit;
pub mod vector;

#[cfg(test)]
mod agreement;
