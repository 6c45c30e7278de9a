//! The heads of an attention layer.

/// The number of heads and their width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads `H`.
    pub queries: usize,
    /// Key/value heads `G`.
    pub groups: usize,
    /// Head width `c`.
    pub width: usize,
}

impl Heads {
    /// Numbers in a row of queries, keys and values side by side, `(H + 2G) c`.
    pub fn row(&self) -> usize {
        (self.queries + 2 * self.groups) * self.width
    }

    /// Query heads per key/value head.
    pub fn repeat(&self) -> usize {
        self.queries / self.groups
    }
}
