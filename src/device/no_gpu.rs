//! A program without a GPU stack: there are no adapters, and none can be opened.

use burn::tensor::Device;

use super::Adapter;

/// Whether this program was built with a GPU stack.
pub(super) const BUILT_IN: bool = false;

pub(super) fn list() -> Vec<Adapter> {
    Vec::new()
}

pub(super) fn open() -> Result<(Device, Adapter), String> {
    Err("this program was built without a GPU stack".into())
}
