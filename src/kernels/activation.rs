//! The kinds of gates, apart from how they are computed.

/// What the gate goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x sigmoid(x)`.
    Silu,
    /// `x Phi(x)` (<https://arxiv.org/abs/1606.08415>) with a hyperbolic tangent in place of the error function.
    GeluTanh,
}
