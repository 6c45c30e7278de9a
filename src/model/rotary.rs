//! The positions of all layers, as tensors: rotary angles, and which positions a query sees.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData, s};

use super::{arch::LayerSpec, config::ModelConfig, rope::Rope};
use crate::kernels::attention::{Angles, Attention};

/// Added to attention scores of masked positions: whatever the score, `exp` of the sum is exactly 0. Finite,
/// because not every GPU computes with infinities.
const UNSEEN: f32 = -1e30;

/// A value for each layer; layers of which the same is asked share one.
#[derive(Debug, Clone)]
struct PerLayer<T> {
    made: Vec<T>,
    of_layer: Vec<usize>,
}

impl<T> PerLayer<T> {
    /// Makes the values of distinct `keys`, one key per layer.
    fn new<K: Copy + PartialEq>(keys: impl Iterator<Item = K>, make: impl FnMut(K) -> T) -> Self {
        let (mut distinct, mut of_layer) = (Vec::new(), Vec::new());
        for key in keys {
            let known = distinct.iter().position(|other| *other == key);
            of_layer.push(known.unwrap_or(distinct.len()));
            if known.is_none() {
                distinct.push(key);
            }
        }
        Self { made: distinct.into_iter().map(make).collect(), of_layer }
    }

    fn of(&self, layer: usize) -> &T {
        &self.made[self.of_layer[layer]]
    }
}

/// The angles of each layer for positions `0..count`, for the CPU's kernels. A layer without rotary positions turns by
/// nothing.
pub(super) fn angles(config: &ModelConfig, layers: &[LayerSpec], count: usize) -> Vec<Arc<Angles>> {
    let width = config.head_dim();
    let unturned = vec![f64::INFINITY; width / 2];
    let table = |rope: Option<Rope>| {
        Arc::new(match rope {
            Some(rope) => Angles::new(&rope.wavelengths(width), rope.amplitude(), count),
            None => Angles::new(&unturned, 1.0, count),
        })
    };
    let tables = PerLayer::new(layers.iter().map(|layer| layer.rope), table);
    (0..layers.len()).map(|layer| tables.of(layer).clone()).collect()
}

/// What attention is in each layer, over rows of `t` positions, for the CPU's kernels.
pub(super) fn attentions(config: &ModelConfig, layers: &[LayerSpec], t: usize) -> Vec<Attention> {
    let (heads, scale) = (config.heads(), config.arch().score_scale());
    let angles = angles(config, layers, t).into_iter();
    let windows = layers.iter().map(|layer| layer.window.unwrap_or(usize::MAX));
    angles.zip(windows).map(|(angles, window)| Attention { t, heads, angles, scale, window }).collect()
}

/// Cosines and sines of the rotary angles, `[positions, c]` each.
#[derive(Debug, Clone)]
struct Table {
    cos: Tensor<2>,
    sin: Tensor<2>,
}

impl Table {
    fn new(rope: Rope, width: usize, start: usize, count: usize, device: &Device) -> Self {
        let (wavelengths, amplitude) = (rope.wavelengths(width), rope.amplitude());
        let angle = |i: usize| (start + i / width) as f64 / wavelengths[i % width % (width / 2)];
        let all = (0..count * width).map(angle);
        let tensor = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [count, width]), device);
        Self {
            cos: tensor(all.clone().map(|a| (a.cos() * amplitude) as f32).collect()),
            sin: tensor(all.map(|a| (a.sin() * amplitude) as f32).collect()),
        }
    }
}

/// The rotary angles of each layer, and the matrix that turns `[x1, x2]` into `[-x2, x1]`
/// (Hugging Face's "rotate half" layout). A product with a constant matrix is one operation forward and one
/// backward, where slicing, negating and joining are five.
#[derive(Debug, Clone)]
pub struct Rotary {
    /// `None` for layers without rotary positions.
    tables: PerLayer<Option<Table>>,
    half_turn: Tensor<2>,
}

impl Rotary {
    /// Angles of positions `start..start + count`.
    pub fn new(config: &ModelConfig, start: usize, count: usize, device: &Device) -> Self {
        let c = config.head_dim();
        let half = c / 2;
        let mut turn = vec![0.0f32; c * c];
        for i in 0..half {
            turn[(i + half) * c + i] = -1.0;
            turn[i * c + i + half] = 1.0;
        }
        let table = |rope: Option<Rope>| rope.map(|rope| Table::new(rope, c, start, count, device));
        Self {
            tables: PerLayer::new(config.layers().iter().map(|layer| layer.rope), table),
            half_turn: Tensor::from_data(TensorData::new(turn, [c, c]), device),
        }
    }

    /// The angles of one of the positions.
    pub fn at(&self, index: usize) -> Self {
        let row = |table: &Tensor<2>| table.clone().slice(s![index..index + 1, ..]);
        let of_one = |table: &Table| Table { cos: row(&table.cos), sin: row(&table.sin) };
        let made = self.tables.made.iter().map(|table| table.as_ref().map(of_one)).collect();
        Self {
            tables: PerLayer { made, of_layer: self.tables.of_layer.clone() },
            half_turn: self.half_turn.clone(),
        }
    }

    /// Turns `x: [B, T, heads, c]` by a layer's angles of its position.
    pub(super) fn turn(&self, layer: usize, x: Tensor<4>) -> Tensor<4> {
        let Some(table) = self.tables.of(layer) else { return x };
        let [b, t, heads, c] = x.dims();
        let turned =
            x.clone().reshape([b * t * heads, c]).matmul(self.half_turn.clone()).reshape([b, t, heads, c]);
        x * table.cos.clone().reshape([1, t, 1, c]) + turned * table.sin.clone().reshape([1, t, 1, c])
    }
}

/// For each layer `[R T, T]`: a large negative number where a query does not see a position, and 0 where it does.
pub(super) struct Masks(PerLayer<Tensor<2>>);

impl Masks {
    pub fn new(layers: &[LayerSpec], t: usize, repeat: usize, device: &Device) -> Self {
        let mask = |window: Option<usize>| unseen(t, window, repeat, device);
        Self(PerLayer::new(layers.iter().map(|layer| layer.window), mask))
    }

    pub fn of(&self, layer: usize) -> &Tensor<2> {
        self.0.of(layer)
    }
}

/// [`UNSEEN`] where the column comes after the row or before its window, repeated for each query head of a key/value
/// head.
fn unseen(t: usize, window: Option<usize>, repeat: usize, device: &Device) -> Tensor<2> {
    let mut bias = vec![0.0f32; repeat * t * t];
    for (row, line) in bias.chunks_mut(t).enumerate() {
        let end = row % t + 1;
        line[..end.saturating_sub(window.unwrap_or(end))].fill(UNSEEN);
        line[end..].fill(UNSEEN);
    }
    Tensor::from_data(TensorData::new(bias, [repeat * t, t]), device)
}
