//! Hand-written CPU kernels behind Burn's tensors.
//!
//! Burn's CPU backend multiplies matrices at the speed of the machine; what it loses is lost between the products:
//! a pass over memory for every elementwise operation, a buffer for every intermediate, scalar `exp`. The kernels
//! here do the same arithmetic in as few passes as it needs. They take and give [`Tensor`](burn::tensor::Tensor)s,
//! know their own derivatives, and answer `None` for tensors of another backend: the caller then uses Burn's
//! operations, which stay beside them as the definition (`model/transformer.rs`) and as the reference of the tests.
//!
//! - [`unit`]: which of the processor's vector units all of them run with;
//! - [`product`]: matrix products on slices; the only unsafe code;
//! - [`vector`]: elementwise loops, compiled for each vector unit;
//! - [`autodiff`]: makes a kernel with a hand-written derivative a differentiable operation of Burn's;
//! - [`linear`], [`norm`], [`swiglu`], [`attention`], [`log_probs`]: the operations of the model in training;
//! - [`decoder`]: one more token for many sequences at once, with a key/value cache of its own.

pub mod attention;
pub mod autodiff;
pub mod decoder;
pub mod heads;
pub mod linear;
pub mod log_probs;
pub mod norm;
pub mod product;
pub mod swiglu;
pub mod unit;
pub mod vector;

#[cfg(test)]
mod agreement;
