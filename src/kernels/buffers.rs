//! Memory for numbers that is used again.
//!
//! A pass over the model needs some megabytes for a moment. Asked of the allocator every time, they come as fresh pages
//! or have to be filled with zeros, and either takes a tenth of the time of training.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
};

/// Buffers that a thread keeps for later, and numbers in each of them at most.
const MOST_KEPT: (usize, usize) = (48, 1 << 22);

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Numbers on loan; their memory goes to the thread that drops them.
#[derive(Debug, Default)]
pub struct Buffer(Vec<f32>);

impl Buffer {
    /// So many numbers: whatever was left in them.
    pub fn new(length: usize) -> Self {
        let found = FREE.with_borrow_mut(|free| {
            let size = |index: &usize| free[*index].capacity();
            // A small need does not take what a large one will ask for.
            let fitting = (0..free.len()).filter(|index| (length..=2 * length).contains(&size(index)));
            fitting.min_by_key(size).map(|index| free.swap_remove(index))
        });
        let mut numbers = found.unwrap_or_else(|| Vec::with_capacity(length));
        numbers.resize(length, 0.0);
        Self(numbers)
    }

    /// So many zeros.
    pub fn zeros(length: usize) -> Self {
        let mut buffer = Self::new(length);
        buffer.fill(0.0);
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let numbers = std::mem::take(&mut self.0);
        let (buffers, size) = MOST_KEPT;
        if (1..=size).contains(&numbers.capacity()) {
            // A thread that is ending keeps nothing.
            let _ = FREE.try_with(|free| {
                let mut free = free.borrow_mut();
                if free.len() < buffers {
                    free.push(numbers);
                }
            });
        }
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(numbers: Vec<f32>) -> Self {
        Self(numbers)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_has_the_length_that_is_asked_for() {
        let first = Buffer::zeros(1000);
        let place = first.as_ptr();
        drop(first);
        let (small, again) = (Buffer::new(10), Buffer::new(900));
        assert_eq!((small.len(), again.len()), (10, 900));
        assert!(again.as_ptr() == place && small.as_ptr() != place);
        drop(again);
        assert_eq!(Buffer::zeros(1000).iter().filter(|x| **x == 0.0).count(), 1000);
    }
}
