//! A block of the transformer as one operation, forward and backward.
//!
//! Between the products stand many small steps, each a pass over memory. Here a few rows go through all of them while
//! they are in the processor's cache, and what is needed again is kept in one buffer. The backward pass makes the cheap
//! parts anew: the norms' and SwiGLU's results.
//!
//! This is the block of most families: norms before each half, SwiGLU. [`Transformer`](crate::model::transformer) says
//! which blocks are of this kind; the others are made of Burn's operations and of [`attend`](super::attend).

mod head_norm;

use std::{ops::Range, sync::Arc};

use burn::tensor::Tensor;

use self::head_norm::HeadNorm;
use super::{
    attention::{Attention, Heads},
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    buffers::Buffer,
    laid_out::laid_out,
    low_rank::{Plan, Site},
    norm::{norm_again, norm_rows, norm_rows_back},
    panels::Panels,
    product::{Into, Matrix, product, product_with},
    swiglu::{swiglu_rows, swiglu_rows_back},
    vector::add_rows_to,
};

/// The weights of a block, as tensors of one device. Shapes stand at
/// [`model::transformer::Block`](crate::model::transformer::Block).
#[allow(missing_docs, reason = "each is the field of the same name there")]
pub struct Weights {
    pub input_norm: Tensor<1>,
    pub qkv: Tensor<2>,
    pub qkv_bias: Option<Tensor<1>>,
    /// Scales of the norms of the query heads and of the key heads.
    pub qk_norm: Option<[Tensor<1>; 2]>,
    pub output: Tensor<2>,
    pub post_norm: Tensor<1>,
    pub gate_up: Tensor<2>,
    pub down: Tensor<2>,
    /// Low-rank additions, if any, and their weights.
    pub adapter: Option<(Arc<Plan>, Tensor<1>)>,
}

/// The block over rows of `attention.t` positions, `x: [B T, d]`. `None` when the tensors are not f32 of the CPU backend.
/// With `recompute` the backward pass makes everything anew from `x`, to the same bits, and nothing else is kept for it.
pub(crate) fn block(
    x: &Tensor<2>,
    weights: &Weights,
    attention: &Attention,
    eps: f64,
    recompute: bool,
) -> Option<Tensor<2>> {
    let w = weights;
    let plan = w.adapter.as_ref().map(|(plan, _)| plan.clone());
    let (attention, has_bias) = (attention.clone(), w.qkv_bias.is_some());
    let kernel = Block { attention, eps: eps as f32, has_bias, plan, recompute };
    let mut inputs = vec![
        Input::of(x),
        Input::of(&w.input_norm),
        Input::of(&w.qkv),
        Input::of(&w.output),
        Input::of(&w.post_norm),
        Input::of(&w.gate_up),
        Input::of(&w.down),
    ];
    inputs.extend(w.qkv_bias.iter().map(Input::of));
    inputs.extend(w.qk_norm.iter().flatten().map(Input::of));
    inputs.extend(w.adapter.iter().map(|(_, weights)| Input::of(weights)));
    match inputs.len() {
        7 => apply::<_, 7, 2>(kernel, inputs.try_into().ok()?),
        8 => apply::<_, 8, 2>(kernel, inputs.try_into().ok()?),
        9 => apply::<_, 9, 2>(kernel, inputs.try_into().ok()?),
        10 => apply::<_, 10, 2>(kernel, inputs.try_into().ok()?),
        _ => apply::<_, 11, 2>(kernel, inputs.try_into().ok()?),
    }
}

#[derive(Debug, Clone)]
struct Block {
    attention: Attention,
    eps: f32,
    has_bias: bool,
    plan: Option<Arc<Plan>>,
    recompute: bool,
}

/// Rows that go through the feed-forward together.
const ROWS: usize = 208;

/// The inputs by name, and sizes: `n` rows, `d` hidden, `h` of all heads' results, `row` of queries, keys and values.
struct Parts<'a> {
    x: &'a [f32],
    input_norm: &'a [f32],
    qkv: &'a CpuTensor,
    output: &'a CpuTensor,
    post_norm: &'a [f32],
    gate_up: &'a CpuTensor,
    down: &'a CpuTensor,
    bias: Option<&'a [f32]>,
    qk_norm: Option<[&'a [f32]; 2]>,
    adapter: Option<(&'a Plan, &'a [f32])>,
    n: usize,
    d: usize,
    h: usize,
    row: usize,
    f: usize,
    t: usize,
    heads: Heads,
}

impl<'a> Parts<'a> {
    fn new(kernel: &'a Block, inputs: &'a [CpuTensor]) -> Option<Self> {
        let ([x, input_norm, qkv, output, post_norm, gate_up, down], rest) = inputs.split_first_chunk()?;
        let Attention { t, heads, .. } = kernel.attention;
        let (bias, rest) = rest.split_at(usize::from(kernel.has_bias));
        let (norms, adapter) = rest.split_at(rest.len() - usize::from(kernel.plan.is_some()));
        let qk_norm = match norms {
            [queries, keys] => Some([queries.values(), keys.values()]),
            _ => None,
        };
        Some(Self {
            x: x.values(),
            input_norm: input_norm.values(),
            qkv,
            output,
            post_norm: post_norm.values(),
            gate_up,
            down,
            bias: bias.first().map(CpuTensor::values),
            qk_norm,
            adapter: kernel.plan.as_deref().zip(adapter.first().map(CpuTensor::values)),
            n: x.rows(),
            d: x.width(),
            h: heads.queries * heads.width,
            row: heads.row(),
            f: down.rows(),
            t,
            heads,
        })
    }

    /// Adds to the product of `x` with the matrix at `site`, `out: [rows, width]`.
    fn adapt(&self, site: Site, x: &[f32], out: &mut [f32], width: usize) {
        if let Some((plan, weights)) = self.adapter {
            plan.add(site, weights, x, out, width);
        }
    }

    /// The backward pass of [`Self::adapt`].
    fn adapt_back(
        &self,
        site: Site,
        x: &[f32],
        (dy, width): (&[f32], usize),
        dx: &mut [f32],
        slopes: &mut Slopes,
    ) {
        if let Some((plan, weights)) = self.adapter {
            plan.add_back(site, weights, x, dy, width, dx, &mut slopes.adapter);
        }
    }

    /// Rows of each sequence.
    fn sequences(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let t = self.t;
        (0..self.n / t.max(1)).map(move |i| i * t..(i + 1) * t)
    }

    /// Rows that go through the feed-forward together.
    fn chunks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (n, count) = (self.n, self.n.div_ceil(ROWS));
        (0..count).map(move |i| i * n / count..(i + 1) * n / count)
    }
}

/// What the backward pass finds of the forward pass.
#[derive(Debug)]
struct Made {
    /// What each row was multiplied by in the first norm, `[n]`, and in the second.
    first: Buffer,
    second: Buffer,
    /// `[n, row]`.
    qkv: Buffer,
    /// Attention's result, `[n, h]`, and its sums, `[B, H, T]`.
    mixed: Buffer,
    sums: Buffer,
    /// The residual stream between the halves, `[n, d]`.
    middle: Buffer,
    /// `[n, 2 f]`.
    gate_up: Buffer,
}

impl Made {
    fn new(parts: &Parts<'_>) -> Self {
        let of = |width: usize| Buffer::new(parts.n * width);
        Self {
            first: of(1),
            second: of(1),
            qkv: of(parts.row),
            mixed: of(parts.h),
            sums: of(parts.heads.queries),
            middle: of(parts.d),
            gate_up: of(2 * parts.f),
        }
    }
}

/// The numbers of some rows, each `width` wide.
fn of(rows: &Range<usize>, width: usize) -> Range<usize> {
    rows.start * width..rows.end * width
}

/// Rows `x` times laid out weights.
fn times(out: &mut [f32], into: Into, x: &[f32], w: &Panels) {
    product_with(out, into, Matrix::new(x, x.len() / w.rows().max(1), w.rows()), w);
}

/// Adds `x^T dy`, the gradient by the weights between them.
fn add_outer(out: &mut [f32], x: &[f32], dy: &[f32], rows: usize) {
    // Of weights that are not trained.
    if out.is_empty() {
        return;
    }
    let (x, dy) = (Matrix::new(x, rows, x.len() / rows), Matrix::new(dy, rows, dy.len() / rows));
    product(out, Into::Sum, x.t(), dy);
}

impl Block {
    /// From the residual stream to the residual stream, in `x: [n, d]`.
    fn run(&self, parts: &Parts<'_>, x: &mut [f32]) -> Made {
        let mut made = Made::new(parts);
        self.attend(parts, x, &mut made);
        made.middle.copy_from_slice(x);
        self.feed_forward(parts, x, &mut made);
        made
    }

    fn attend(&self, parts: &Parts<'_>, x: &mut [f32], made: &mut Made) {
        let Parts { d, h, row, t, .. } = *parts;
        let (qkv_weights, output) = (laid_out(parts.qkv, false), laid_out(parts.output, false));
        let mut normed = Buffer::new(t * d);
        let mut heads = HeadNorm::new(parts);
        for rows in parts.sequences() {
            let qkv = &mut made.qkv[of(&rows, row)];
            let mixed = &mut made.mixed[of(&rows, h)];
            let x = &mut x[of(&rows, d)];
            norm_rows(x, parts.input_norm, self.eps, &mut normed, &mut made.first[rows.clone()]);
            if let Some(bias) = parts.bias {
                qkv.chunks_exact_mut(row).for_each(|row| row.copy_from_slice(bias));
            }
            let into = if parts.bias.is_some() { Into::Sum } else { Into::Fresh };
            times(qkv, into, &normed, &qkv_weights);
            parts.adapt(Site::Qkv, &normed, qkv, row);
            let qkv = heads.forward(parts, self.eps, qkv);
            self.attention.forward(qkv, mixed, &mut made.sums[of(&rows, parts.heads.queries)]);
            times(x, Into::Sum, mixed, &output);
            parts.adapt(Site::Output, mixed, x, d);
        }
    }

    fn feed_forward(&self, parts: &Parts<'_>, x: &mut [f32], made: &mut Made) {
        let Parts { d, f, .. } = *parts;
        let (gate_up_weights, down) = (laid_out(parts.gate_up, false), laid_out(parts.down, false));
        let (mut normed, mut gated) = (Buffer::new(ROWS * d), Buffer::new(ROWS * f));
        for rows in parts.chunks() {
            let (normed, gated) = (&mut normed[..rows.len() * d], &mut gated[..rows.len() * f]);
            let gate_up = &mut made.gate_up[of(&rows, 2 * f)];
            let x = &mut x[of(&rows, d)];
            norm_rows(x, parts.post_norm, self.eps, normed, &mut made.second[rows.clone()]);
            times(gate_up, Into::Fresh, normed, &gate_up_weights);
            parts.adapt(Site::GateUp, normed, gate_up, 2 * f);
            swiglu_rows(gate_up, f, gated);
            times(x, Into::Sum, gated, &down);
            parts.adapt(Site::Down, gated, x, d);
        }
    }
}

/// Gradients by the weights, in the order of the inputs, all added up; those by matrices that are not trained are empty.
struct Slopes {
    input_norm: Vec<f32>,
    qkv: Vec<f32>,
    output: Vec<f32>,
    post_norm: Vec<f32>,
    gate_up: Vec<f32>,
    down: Vec<f32>,
    bias: Vec<f32>,
    qk_norm: [Vec<f32>; 2],
    adapter: Vec<f32>,
}

impl Slopes {
    /// `wanted` is about the inputs.
    fn new(parts: &Parts<'_>, wanted: &[bool]) -> Self {
        let Parts { d, h, row, f, .. } = *parts;
        let zeros = |count: usize| vec![0.0; count];
        let trained = |input: usize, count| if wanted[input] { zeros(count) } else { Vec::new() };
        Self {
            input_norm: zeros(d),
            qkv: trained(2, d * row),
            output: trained(3, h * d),
            post_norm: zeros(d),
            gate_up: trained(5, d * 2 * f),
            down: trained(6, f * d),
            bias: zeros(parts.bias.map_or(0, <[f32]>::len)),
            qk_norm: [0, 1].map(|i| zeros(parts.qk_norm.map_or(0, |scales| scales[i].len()))),
            adapter: zeros(parts.adapter.map_or(0, |(_, weights)| weights.len())),
        }
    }
}

impl Block {
    /// From the gradient by the result to the one by `x`, in `dx: [n, d]`.
    fn run_back(&self, parts: &Parts<'_>, made: &Made, dx: &mut [f32], wanted: &[bool]) -> Slopes {
        let mut slopes = Slopes::new(parts, wanted);
        feed_forward_back(parts, made, dx, &mut slopes);
        self.attend_back(parts, made, dx, &mut slopes);
        slopes
    }

    fn attend_back(&self, parts: &Parts<'_>, made: &Made, dx: &mut [f32], slopes: &mut Slopes) {
        let Parts { d, h, row, t, .. } = *parts;
        let (qkv_weights, output) = (laid_out(parts.qkv, true), laid_out(parts.output, true));
        let (mut normed, mut dnormed) = (Buffer::new(t * d), Buffer::new(t * d));
        let (mut dmixed, mut dqkv) = (Buffer::new(t * h), Buffer::new(t * row));
        let mut heads = HeadNorm::new(parts);
        for rows in parts.sequences() {
            let (x, dx) = (&parts.x[of(&rows, d)], &mut dx[of(&rows, d)]);
            let (qkv, mixed) = (&made.qkv[of(&rows, row)], &made.mixed[of(&rows, h)]);
            let first = &made.first[rows.clone()];
            add_outer(&mut slopes.output, mixed, dx, t);
            times(&mut dmixed, Into::Fresh, dx, &output);
            parts.adapt_back(Site::Output, mixed, (dx, d), &mut dmixed, slopes);
            let attended = heads.forward(parts, self.eps, qkv);
            self.attention.backward(
                attended,
                mixed,
                &made.sums[of(&rows, parts.heads.queries)],
                &dmixed,
                &mut dqkv,
            );
            heads.backward(parts, qkv, &mut dqkv, &mut slopes.qk_norm);
            if parts.bias.is_some() {
                add_rows_to(&mut slopes.bias, &dqkv);
            }
            norm_again(x, parts.input_norm, first, &mut normed);
            add_outer(&mut slopes.qkv, &normed, &dqkv, t);
            times(&mut dnormed, Into::Fresh, &dqkv, &qkv_weights);
            parts.adapt_back(Site::Qkv, &normed, (&dqkv, row), &mut dnormed, slopes);
            norm_rows_back(x, parts.input_norm, &dnormed, first, dx, &mut slopes.input_norm);
        }
    }
}

fn feed_forward_back(parts: &Parts<'_>, made: &Made, dx: &mut [f32], slopes: &mut Slopes) {
    let Parts { d, f, .. } = *parts;
    let (gate_up_weights, down) = (laid_out(parts.gate_up, true), laid_out(parts.down, true));
    let (mut normed, mut dnormed) = (Buffer::new(ROWS * d), Buffer::new(ROWS * d));
    let (mut gated, mut dgated) = (Buffer::new(ROWS * f), Buffer::new(ROWS * f));
    let mut dgate_up = Buffer::new(ROWS * 2 * f);
    for rows in parts.chunks() {
        let n = rows.len();
        let (normed, dnormed) = (&mut normed[..n * d], &mut dnormed[..n * d]);
        let (gated, dgated) = (&mut gated[..n * f], &mut dgated[..n * f]);
        let dgate_up = &mut dgate_up[..n * 2 * f];
        let (x, dx) = (&made.middle[of(&rows, d)], &mut dx[of(&rows, d)]);
        let second = &made.second[rows.clone()];
        times(dgated, Into::Fresh, dx, &down);
        if parts.adapter.is_some() {
            swiglu_rows(&made.gate_up[of(&rows, 2 * f)], f, gated);
            parts.adapt_back(Site::Down, gated, (dx, d), dgated, slopes);
        }
        swiglu_rows_back(&made.gate_up[of(&rows, 2 * f)], dgated, f, gated, dgate_up);
        add_outer(&mut slopes.down, gated, dx, n);
        norm_again(x, parts.post_norm, second, normed);
        add_outer(&mut slopes.gate_up, normed, dgate_up, n);
        times(dnormed, Into::Fresh, dgate_up, &gate_up_weights);
        parts.adapt_back(Site::GateUp, normed, (dgate_up, 2 * f), dnormed, slopes);
        norm_rows_back(x, parts.post_norm, dnormed, second, dx, &mut slopes.post_norm);
    }
}

impl<const N: usize> Kernel<N> for Block {
    type Extra = Option<Made>;

    fn forward(&self, inputs: &[CpuTensor; N]) -> (CpuTensor, Self::Extra) {
        let mut x = inputs[0].values().to_vec();
        let made = Parts::new(self, inputs).map(|parts| self.run(&parts, &mut x));
        (CpuTensor::new(x, inputs[0].shape()), made.filter(|_| !self.recompute))
    }

    fn backward(
        &self,
        inputs: &[CpuTensor; N],
        kept: &Kept<Self::Extra>,
        dy: &CpuTensor,
        wanted: [bool; N],
    ) -> [Option<CpuTensor>; N] {
        let Some(parts) = Parts::new(self, inputs) else { return [const { None }; N] };
        let again = kept.extra.is_none().then(|| self.run(&parts, &mut parts.x.to_vec()));
        let Some(made) = kept.extra.as_ref().as_ref().or(again.as_ref()) else {
            return [const { None }; N];
        };
        let mut dx = dy.values().to_vec();
        let Slopes { input_norm, qkv, output, post_norm, gate_up, down, bias, qk_norm, adapter } =
            self.run_back(&parts, made, &mut dx, &wanted);
        let always = [dx, input_norm, qkv, output, post_norm, gate_up, down];
        let norms = qk_norm.into_iter().filter(|_| parts.qk_norm.is_some());
        let mut found = always.into_iter().chain(self.has_bias.then_some(bias)).chain(norms).chain([adapter]);
        std::array::from_fn(|i| {
            let values = found.next().filter(|_| wanted[i])?;
            Some(CpuTensor::new(values, inputs[i].shape()))
        })
    }
}
