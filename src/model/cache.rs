//! The KV cache: keys and values of earlier positions, so that a new token costs one position.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, s};

use super::config::ModelConfig;

/// One `[B, G, capacity, c]` tensor of keys and one of values per layer, written in place.
#[derive(Debug)]
pub struct KvCache {
    /// `None` only while a layer is being written.
    layers: Vec<Option<(Tensor<4>, Tensor<4>)>>,
    length: usize,
}

impl KvCache {
    /// Room for `capacity` positions of `rows` rows.
    pub fn new(config: &ModelConfig, rows: usize, capacity: usize, device: &Device) -> Self {
        let shape = [rows, config.num_key_value_heads, capacity, config.head_dim()];
        let layers = (0..config.num_hidden_layers)
            .map(|_| Some((Tensor::zeros(shape, device), Tensor::zeros(shape, device))))
            .collect();
        Self { layers, length: 0 }
    }

    /// Positions held.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Counts `positions` more, once all layers have written them.
    pub(crate) fn advance(&mut self, positions: usize) {
        self.length += positions;
    }

    /// Writes `keys` and `values`, `[B, G, n, c]`, from position `start` on. Takes the tensors out first: an
    /// assignment is in place only while nothing else holds them.
    pub fn write(&mut self, layer: usize, start: usize, keys: Tensor<4>, values: Tensor<4>) {
        let Some((k, v)) = self.layers[layer].take() else { return };
        let end = start + keys.dims()[2];
        let k = k.slice_assign(s![.., .., start..end, ..], keys);
        let v = v.slice_assign(s![.., .., start..end, ..], values);
        self.layers[layer] = Some((k, v));
    }

    /// These positions of a layer, `[B, G, positions, c]` each.
    ///
    /// # Panics
    /// Never: a layer is missing only inside [`Self::write`].
    #[allow(clippy::expect_used)]
    pub fn read(&self, layer: usize, positions: Range<usize>) -> (Tensor<4>, Tensor<4>) {
        let (k, v) = self.layers[layer].as_ref().expect("a layer is put back as soon as it is written");
        let seen = s![.., .., positions, ..];
        (k.clone().slice(seen), v.clone().slice(seen))
    }

    /// Keeps only the rows of `rows: [n]`, in that order.
    pub(crate) fn keep_rows(&mut self, rows: Tensor<1, Int>) {
        for layer in &mut self.layers {
            *layer = layer.take().map(|(k, v)| (k.select(0, rows.clone()), v.select(0, rows.clone())));
        }
    }
}
