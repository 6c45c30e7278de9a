//! Tests that all vector units of this machine compute the same.

use super::{
    activation::Activation,
    gate::gate_rows,
    norm::norm_rows,
    swiglu::swiglu_rows,
    unit::forced::with_each,
    vector::{add_rows_to, dot, exp, exp_sum, largest, mul_add, sigmoid, sum, vectorized},
};

/// Numbers from -4 to 4.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 21) as f32 - 4.0
    };
    (0..count).map(|_| next()).collect()
}

vectorized! {
    /// All operations that the kernels consist of.
    fn everything<'a>(x: &'a [f32], y: &'a [f32], out: &'a mut Vec<f32>) {
        out.extend(x.iter().map(|&x| exp::<S>(x)));
        out.extend(x.iter().map(|&x| sigmoid::<S>(x)));
        out.extend(x.iter().zip(y).map(|(&x, &y)| mul_add::<S>(x, y, 1.0 / x)));
        out.extend([dot::<S>(x, y), sum(x), largest(x)]);
        let mut weights = y.to_vec();
        out.push(exp_sum::<S>(&mut weights, 0.7, 2.0));
        out.append(&mut weights);
    }
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// Tests lengths that fill whole vectors and lengths that leave a remainder.
#[test]
fn elementwise_kernels_give_the_same_bits_with_every_unit() {
    for d in [1, 15, 32, 53, 172] {
        let (rows, other) = (numbers(3 * 2 * d), numbers(4 * d).split_off(2 * d));
        let made = with_each(|| {
            let (mut all, mut out, mut inverse) = (Vec::new(), vec![0.0; 3 * 2 * d], vec![0.0; 6]);
            everything(&rows[..d], &other[..d], &mut all);
            norm_rows(&rows, &other[..d], 1e-6, &mut out, &mut inverse);
            all.extend(out.iter().chain(&inverse));
            swiglu_rows(&rows, d, &mut out[..3 * d]);
            all.extend(&out[..3 * d]);
            gate_rows(Activation::GeluTanh, &rows, d, &mut out[..3 * d]);
            add_rows_to(&mut out[..d], &rows);
            all.append(&mut out);
            bits(&all)
        });
        for (unit, found) in &made {
            assert!(*found == made[0].1, "{d} numbers, {unit} against {}", made[0].0);
        }
    }
}
