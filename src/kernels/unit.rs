//! The vector unit of the processor on which the kernels run.
//!
//! It is detected once, by `pulp`, and everything in this folder uses it: the loops of
//! [`vector`](super::vector) and the matrix products of [`product`](super::product). `docs/vector-units.md`
//! says what the libraries underneath do for themselves.

use std::{env, fmt, sync::OnceLock};

use pulp::Arch;
use serde::Serialize;

/// Environment variable that selects a lower unit than the machine's best, for tests and comparisons.
pub const VARIABLE: &str = "AHA_LAB_VECTOR";

/// A vector unit, or none. Ordered: a greater one does more at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorUnit {
    /// What every processor of the architecture has: on x86-64, 128-bit vectors without fused multiply-add.
    None,
    /// 128 bits, ARM.
    Neon,
    /// 256 bits, x86-64, with fused multiply-add: Intel since 2013, AMD since 2017.
    Avx2,
    /// 512 bits, x86-64: servers, and AMD since 2022.
    Avx512,
}

impl VectorUnit {
    const ALL: [Self; 4] = [Self::None, Self::Neon, Self::Avx2, Self::Avx512];

    /// The best unit that this machine has and the kernels are compiled for.
    pub(crate) fn of_this_machine() -> Self {
        of(Arch::new())
    }

    /// All units usable here, the best first.
    pub(crate) fn available() -> Vec<Self> {
        Self::ALL.into_iter().rev().filter(|unit| unit.arch().is_some()).collect()
    }

    /// The unit on which the kernels run.
    pub(crate) fn in_use() -> Self {
        of(arch())
    }

    /// The name used by `AHA_LAB_VECTOR` and in the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// A warning for the user before a run begins, if there is one.
    pub fn warning(self) -> Option<String> {
        let why = match Self::of_this_machine() {
            Self::None => "this processor has neither AVX2 with FMA nor AVX-512",
            _ => "AHA_LAB_VECTOR turns it off",
        };
        (self == Self::None).then(|| {
            format!("The kernels run without a vector unit, many times slower than with one, because {why}.")
        })
    }

    /// The corresponding `pulp` architecture; `None` if the machine or the build lacks it.
    #[cfg(target_arch = "x86_64")]
    fn arch(self) -> Option<Arch> {
        match self {
            Self::None => Some(Arch::Scalar),
            Self::Neon => None,
            Self::Avx2 => pulp::x86::V3::try_new().map(Arch::V3),
            Self::Avx512 => pulp::x86::V4::try_new().map(Arch::V4),
        }
    }

    /// The corresponding `pulp` architecture. Where every program may use vectors, as on ARM, no lower unit
    /// can be chosen.
    #[cfg(not(target_arch = "x86_64"))]
    fn arch(self) -> Option<Arch> {
        (self == Self::of_this_machine()).then(Arch::new)
    }
}

impl fmt::Display for VectorUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
fn of(arch: Arch) -> VectorUnit {
    match arch {
        Arch::V4(_) => VectorUnit::Avx512,
        Arch::V3(_) => VectorUnit::Avx2,
        _ => VectorUnit::None,
    }
}

#[cfg(target_arch = "aarch64")]
fn of(arch: Arch) -> VectorUnit {
    match arch {
        Arch::Neon(_) => VectorUnit::Neon,
        _ => VectorUnit::None,
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn of(_: Arch) -> VectorUnit {
    VectorUnit::None
}

/// The unit named by a value of `AHA_LAB_VECTOR`.
fn named(value: &str) -> Result<Arch, String> {
    let list = |units: Vec<VectorUnit>| {
        let names: Vec<String> = units.iter().map(|unit| format!("`{unit}`")).collect();
        names.join(" or ")
    };
    let here = list(VectorUnit::available());
    let unit = VectorUnit::ALL
        .into_iter()
        .find(|unit| unit.name() == value)
        .ok_or_else(|| format!("{VARIABLE} is `{value}`, which is not a vector unit; use {here}."))?;
    unit.arch().ok_or_else(|| match unit {
        VectorUnit::None => {
            format!(
                "{VARIABLE} is `none`, but every program for this processor uses its vectors; use {here}."
            )
        }
        _ => format!("{VARIABLE} is `{unit}`, which this machine does not have; use {here}."),
    })
}

fn chosen() -> &'static Result<Arch, String> {
    static CHOSEN: OnceLock<Result<Arch, String>> = OnceLock::new();
    CHOSEN.get_or_init(|| match env::var_os(VARIABLE) {
        Some(value) if !value.is_empty() => named(&value.to_string_lossy()),
        _ => Ok(Arch::new()),
    })
}

/// Rejects an unusable value of `AHA_LAB_VECTOR`. Called before anything is computed.
///
/// # Errors
/// A sentence that lists the allowed values.
pub fn check() -> Result<(), String> {
    chosen().as_ref().map(|_| ()).map_err(Clone::clone)
}

/// Runs a kernel of [`vectorized!`](super::vector) on the selected unit.
#[inline(always)]
pub(crate) fn dispatch<K: pulp::WithSimd>(kernel: K) -> K::Output {
    arch().dispatch(kernel)
}

/// The architecture on which kernels run.
#[cfg(not(test))]
pub(super) fn arch() -> Arch {
    chosen().as_ref().map_or_else(|_| Arch::new(), |&arch| arch)
}

#[cfg(test)]
pub(super) use forced::arch;

/// Lets tests run kernels on each unit in turn, on their own thread.
#[cfg(test)]
pub(crate) mod forced {
    use std::cell::Cell;

    use super::{Arch, VectorUnit, chosen};

    thread_local! {
        static FORCED: Cell<Option<Arch>> = const { Cell::new(None) };
    }

    pub(in crate::kernels) fn arch() -> Arch {
        FORCED.get().unwrap_or_else(|| chosen().as_ref().map_or_else(|_| Arch::new(), |&arch| arch))
    }

    /// The result of `work` on each unit of this machine, the best first.
    pub(crate) fn with_each<T>(work: impl Fn() -> T) -> Vec<(VectorUnit, T)> {
        let made = VectorUnit::available().into_iter().map(|unit| {
            FORCED.set(unit.arch());
            assert_eq!(VectorUnit::in_use(), unit);
            (unit, work())
        });
        let made = made.collect();
        FORCED.set(None);
        made
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A dependency's features must not be lost unnoticed: without one of them, every loop runs as scalar
    /// code on the processors that need it.
    #[test]
    fn the_kernels_are_compiled_for_the_vector_unit_of_this_machine() {
        let found = VectorUnit::of_this_machine();
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let has_avx512 = has_avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            assert!(!has_avx2 || found >= VectorUnit::Avx2, "AVX2 and FMA are here, the kernels use {found}");
            assert!(!has_avx512 || found == VectorUnit::Avx512, "AVX-512 is here, the kernels use {found}");
            // The unit below the best here must be compiled too, for machines where it is the best.
            assert!(!has_avx2 || VectorUnit::available().contains(&VectorUnit::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        assert_eq!(found, VectorUnit::Neon);
        assert_eq!(VectorUnit::available()[0], found);
    }

    #[test]
    fn the_environment_decides_and_only_what_the_machine_has_is_taken() {
        let wanted = env::var(VARIABLE).unwrap_or_default();
        let used = VectorUnit::in_use();
        let expected = if wanted.is_empty() { VectorUnit::of_this_machine().name() } else { &wanted };
        assert_eq!(used.name(), expected);
        for unit in VectorUnit::ALL {
            match named(unit.name()) {
                Ok(arch) => assert_eq!((of(arch), unit.arch().is_some()), (unit, true)),
                Err(said) => {
                    assert!(
                        unit.arch().is_none() && said.contains(unit.name()) && said.ends_with('.'),
                        "{said}"
                    );
                }
            }
        }
        let said = named("sse9").err().unwrap();
        assert!(said.starts_with("AHA_LAB_VECTOR is `sse9`, which is not a vector unit"), "{said}");
    }

    #[test]
    fn only_none_is_warned_of() {
        for unit in VectorUnit::ALL {
            assert_eq!(unit.warning().is_some(), unit == VectorUnit::None);
        }
    }
}
