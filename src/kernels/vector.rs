//! Elementwise loops for the vector units of the machine.
//!
//! Functions here are plain loops over slices, always inlined. A function defined inside `vectorized!` is
//! compiled once for each instruction set, together with everything it inlines, and runs the version for the
//! selected [`unit`](super::unit). A closure would not do: it may remain a separate function, compiled
//! without vector instructions. The body knows the instruction set as the type `S` and passes it to functions
//! that multiply and add.
//!
//! Results have the same bits on every vector unit, and without one: sums go through [`LANES`] partial sums
//! in a fixed order, whatever the width of the vectors, and [`mul_add`] rounds once on every processor.

use pulp::Simd;

/// Number of partial sums in a reduction.
pub(crate) const LANES: usize = 16;

/// Compiles a function for the vector units of the machine it runs on. Arguments are names and types;
/// borrowed arguments carry the lifetime declared after the function's name.
macro_rules! vectorized {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<$life:lifetime>($($argument:ident: $kind:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$life>($($argument: $kind),*) $(-> $out)? {
            struct Arguments<$life> { $($argument: $kind),* }
            impl<$life> pulp::WithSimd for Arguments<$life> {
                type Output = $crate::kernels::vector::vectorized!(@out $($out)?);
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
                    let Self { $($argument),* } = self;
                    $body
                }
            }
            $crate::kernels::unit::dispatch(Arguments { $($argument),* })
        }
    };
    (@out) => { () };
    (@out $out:ty) => { $out };
}
pub(crate) use vectorized;

/// `a b + c`, rounded once.
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    // Without the instruction, the method calls the C library for every number.
    if S::IS_SCALAR && cfg!(all(target_arch = "x86_64", not(target_feature = "fma"))) {
        mul_add_in_f64(a, b, c)
    } else {
        a.mul_add(b, c)
    }
}

/// [`mul_add`] with operations that every processor has. The product is exact in f64. The sum is rounded to
/// odd, which keeps it off the midpoint between two f32s unless it lies there, so rounding again to f32 gives
/// the result of a single rounding (Boldo and Melquiond, <https://doi.org/10.1109/TC.2007.70819>).
#[inline(always)]
fn mul_add_in_f64(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    // The exact error of the sum's rounding; NaN beside infinities, where nothing needs correction.
    let part = sum - product;
    let error = (product - (sum - part)) + (c - part);
    let (above, below) = (error > 0.0, error < 0.0);
    let too_far = u64::from(if sum > 0.0 { below } else { above });
    let odd = (sum.to_bits() - too_far) | u64::from(above | below);
    f64::from_bits(odd) as f32
}

/// `e^x` within 2 units in the last place for `-87 < x < 88`, clamped outside; NaN stays NaN. Uses Cephes'
/// polynomial.
#[inline(always)]
pub fn exp<S: Simd>(x: f32) -> f32 {
    // A float this large has no fraction: adding it rounds and leaves `round(x / ln 2) + 127` in the low
    // bits.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = mul_add::<S>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<S>(n, -0.693_359_4, x);
    let r = mul_add::<S>(n, 2.121_944_4e-4, r);
    let p = 1.987_569_1e-4_f32;
    let p = mul_add::<S>(p, r, 1.398_199_9e-3);
    let p = mul_add::<S>(p, r, 8.333_452e-3);
    let p = mul_add::<S>(p, r, 4.166_579_6e-2);
    let p = mul_add::<S>(p, r, 1.666_666_5e-1);
    let p = mul_add::<S>(p, r, 0.5);
    let value = mul_add::<S>(p, r * r, r) + 1.0;
    value * f32::from_bits(shifted.to_bits() << 23)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<S>(-x))
}

#[inline(always)]
fn reduce(lanes: [f32; LANES], rest: impl Iterator<Item = f32>, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = join(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    rest.fold(lanes[0], join)
}

/// The sum of all numbers.
#[inline(always)]
pub fn sum(x: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += chunk[i];
        }
    }
    reduce(lanes, rest.iter().copied(), |a, b| a + b)
}

/// The dot product.
#[inline(always)]
pub(crate) fn dot<S: Simd>(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b);
    for (a, b) in xs.zip(ys) {
        for i in 0..LANES {
            lanes[i] = mul_add::<S>(a[i], b[i], lanes[i]);
        }
    }
    reduce(lanes, rest, |a, b| a + b)
}

/// The largest number. NaN is ignored here; it shows up in whatever is computed from the numbers later.
#[inline(always)]
pub fn largest(x: &[f32]) -> f32 {
    let join = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = join(lanes[i], chunk[i]);
        }
    }
    reduce(lanes, rest.iter().copied(), join)
}

/// Replaces every `x` by `e^(x scale - shift)` and returns their sum.
#[inline(always)]
pub(crate) fn exp_sum<S: Simd>(x: &mut [f32], scale: f32, shift: f32) -> f32 {
    for value in x.iter_mut() {
        *value = exp::<S>(mul_add::<S>(*value, scale, -shift));
    }
    sum(x)
}

/// Scores to weights: the first `seen` numbers of `row` are multiplied by `scale` and go through a softmax, the others up
/// to `end` become 0. Returns the logarithm of the sum of the exponentials. The row must reach to whole [`LANES`].
#[inline(always)]
pub(crate) fn soften<S: Simd>(row: &mut [f32], seen: usize, end: usize, scale: f32) -> f32 {
    // Whole vectors are computed. What fills the last one vanishes in the sum, whose terms go up to 1.
    let whole = &mut row[..seen.next_multiple_of(LANES)];
    whole[seen..].fill(f32::MIN);
    let top = largest(whole) * scale;
    let total = exp_sum::<S>(whole, scale, top);
    let inverse = 1.0 / total;
    whole[seen..].fill(0.0);
    for weight in whole.iter_mut() {
        *weight *= inverse;
    }
    let whole = whole.len();
    if end > whole {
        row[whole..end].fill(0.0);
    }
    top + total.ln()
}

/// [`soften`] where the numbers before `first` are not seen either: they become 0.
#[inline(always)]
pub fn soften_from<S: Simd>(row: &mut [f32], first: usize, seen: usize, end: usize, scale: f32) -> f32 {
    let start = first - first % LANES;
    row[start..first].fill(f32::MIN);
    let total = soften::<S>(&mut row[start..], seen - start, end - start, scale);
    row[..first].fill(0.0);
    total
}

/// `y += x`.
#[inline(always)]
pub(crate) fn add_to(y: &mut [f32], x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

vectorized! {
    /// Adds every row of `x: [rows, y.len()]` to `y`.
    pub fn add_rows_to<'a>(y: &'a mut [f32], x: &'a [f32]) {
        for row in x.chunks_exact(y.len()) {
            add_to(y, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

    use super::*;

    /// Numbers of all magnitudes that cancel, vanish and overflow, and NaNs.
    #[test]
    fn multiply_and_add_rounds_once_without_the_instruction() {
        let mut state = 1u64;
        let mut bits = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        let special = [0.0, -0.0, 1.0, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NAN, 1e-45];
        for round in 0..300_000 {
            let [mut a, mut b, mut c] = [0; 3].map(|_| f32::from_bits(bits()));
            match round % 4 {
                // Nearly equal, so that the sum loses its leading digits.
                0 => c = -(a * b) * (1.0 + (bits() % 5) as f32 * f32::EPSILON),
                // Short numbers, whose exact sums lie midway between two floats.
                1 => [a, b, c] = [a, b, c].map(|x| f32::from_bits(x.to_bits() & 0xbff8_0000 | 0x3000_0000)),
                2 => {
                    let pick = bits() as usize;
                    a = special[pick % 8];
                    b = if pick.is_multiple_of(3) { special[pick / 8 % 8] } else { b };
                    c = special[pick / 64 % 8];
                }
                _ => {}
            }
            let (found, exact) = (mul_add_in_f64(a, b, c), a.mul_add(b, c));
            let same = found.to_bits() == exact.to_bits() || found.is_nan() && exact.is_nan();
            assert!(same, "{a:e} * {b:e} + {c:e} is {exact:e}, not {found:e}");
        }
    }

    #[test]
    fn exp_is_close_to_the_library_everywhere_it_is_used() {
        let mut x = -86.9f32;
        while x < 87.9 {
            let (found, exact) = (exp::<Scalar>(x), f64::from(x).exp());
            assert!((f64::from(found) / exact - 1.0).abs() < 2.5e-7, "exp({x}) = {found}, not {exact}");
            x += 0.0137;
        }
        let exp = exp::<Scalar>;
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(-1e30) < 1e-37 && exp(1e30) > 1e38);
    }

    #[test]
    fn reductions_see_every_number() {
        for length in 1..70 {
            let x: Vec<f32> = (0..length).map(|i| i as f32).collect();
            assert_eq!(sum(&x), (length * (length - 1) / 2) as f32);
            assert_eq!(dot::<Scalar>(&x, &vec![2.0; length]), (length * (length - 1)) as f32);
            assert_eq!(largest(&x), (length - 1) as f32);
        }
    }
}
