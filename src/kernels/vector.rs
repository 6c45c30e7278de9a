//! Elementwise loops for the vector units that the machine has.
//!
//! Functions here are plain loops over slices, always inlined. A function defined inside [`vectorized!`] is compiled
//! once for each instruction set, with all that it inlines, and runs the best one; a closure would not do, since it
//! may stay a function of its own, compiled for no vectors in particular. Sums go through [`LANES`] partial sums in a
//! fixed order, so that a result does not depend on the width of the vectors.

/// Partial sums of a reduction.
pub const LANES: usize = 16;

/// Compiles a function for the widest vectors of the machine that it runs on. Arguments are names and types; what
/// is borrowed carries the lifetime that is named after the function.
macro_rules! vectorized {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<$life:lifetime>($($argument:ident: $kind:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$life>($($argument: $kind),*) $(-> $out)? {
            struct Arguments<$life> { $($argument: $kind),* }
            impl<$life> pulp::NullaryFnOnce for Arguments<$life> {
                type Output = $crate::kernels::vector::vectorized!(@out $($out)?);
                #[inline(always)]
                fn call(self) -> Self::Output {
                    let Self { $($argument),* } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Arguments { $($argument),* })
        }
    };
    (@out) => { () };
    (@out $out:ty) => { $out };
}
pub(crate) use vectorized;

/// `e^x` within 2 units in the last place for `-87 < x < 88`, clamped outside; NaN stays NaN. Cephes' polynomial.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // A float this large has no fraction: adding it rounds, and leaves `round(x / ln 2) + 127` in the low bits.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.987_569_1e-4_f32;
    let p = p.mul_add(r, 1.398_199_9e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let value = p.mul_add(r * r, r) + 1.0;
    value * f32::from_bits(shifted.to_bits() << 23)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
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

/// The sum.
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

/// The sum of products.
#[inline(always)]
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b);
    for (a, b) in xs.zip(ys) {
        for i in 0..LANES {
            lanes[i] = a[i].mul_add(b[i], lanes[i]);
        }
    }
    reduce(lanes, rest, |a, b| a + b)
}

/// The largest number. NaN is passed over: whatever is made of the numbers afterwards shows it.
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
pub fn exp_sum(x: &mut [f32], scale: f32, shift: f32) -> f32 {
    for value in x.iter_mut() {
        *value = exp(value.mul_add(scale, -shift));
    }
    sum(x)
}

/// `y += x`.
#[inline(always)]
pub fn add_to(y: &mut [f32], x: &[f32]) {
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
    use super::*;

    #[test]
    fn exp_is_close_to_the_library_everywhere_it_is_used() {
        let mut x = -86.9f32;
        while x < 87.9 {
            let (found, exact) = (exp(x), f64::from(x).exp());
            assert!((f64::from(found) / exact - 1.0).abs() < 2.5e-7, "exp({x}) = {found}, not {exact}");
            x += 0.0137;
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(-1e30) < 1e-37 && exp(1e30) > 1e38);
    }

    #[test]
    fn reductions_see_every_number() {
        for length in 1..70 {
            let x: Vec<f32> = (0..length).map(|i| i as f32).collect();
            assert_eq!(sum(&x), (length * (length - 1) / 2) as f32);
            assert_eq!(dot(&x, &vec![2.0; length]), (length * (length - 1)) as f32);
            assert_eq!(largest(&x), (length - 1) as f32);
        }
    }
}
