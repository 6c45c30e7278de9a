//! Weights that are laid out once for all the micro-batches of an update.

use std::{cell::RefCell, rc::Rc};

use super::{autodiff::CpuTensor, panels::Panels, product::Matrix};

/// Numbers that a thread keeps laid out at most; a model that is larger is laid out again for each micro-batch.
pub(crate) const MOST_KEPT: usize = 1 << 24;

struct Entry {
    /// Held, so that nothing else can come to lie in its place, nor it be changed there.
    weights: CpuTensor,
    turned: bool,
    panels: Rc<Panels>,
}

thread_local! {
    static KEPT: RefCell<Option<Vec<Entry>>> = const { RefCell::new(None) };
}

/// Forgets what was kept, also when the work panics.
struct Forget;

impl Drop for Forget {
    fn drop(&mut self) {
        KEPT.set(None);
    }
}

/// Does the work, on this thread; weights that it lays out are kept until its end.
pub(crate) fn keeping<T>(work: impl FnOnce() -> T) -> T {
    let _forget = Forget;
    KEPT.set(Some(Vec::new()));
    work()
}

/// The weights, or where `turned` their transpose, as the right side of products.
pub(super) fn laid_out(weights: &CpuTensor, turned: bool) -> Rc<Panels> {
    let numbers = weights.values();
    let make = || {
        let matrix = Matrix::new(numbers, weights.rows(), weights.width());
        Rc::new(Panels::of(if turned { matrix.t() } else { matrix }))
    };
    KEPT.with_borrow_mut(|kept| {
        let Some(kept) = kept else { return make() };
        let same = |entry: &&Entry| {
            std::ptr::eq(entry.weights.values(), numbers)
                && entry.weights.shape() == weights.shape()
                && entry.turned == turned
        };
        if let Some(found) = kept.iter().find(same) {
            return found.panels.clone();
        }
        let panels = make();
        let held: usize = kept.iter().map(|entry| entry.weights.values().len()).sum();
        if held + numbers.len() <= MOST_KEPT {
            kept.push(Entry { weights: weights.clone(), turned, panels: panels.clone() });
        }
        panels
    })
}
