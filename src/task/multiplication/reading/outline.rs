//! Lists the ways that a completion took, for the Search screen.

use super::{formula::Term, with_reader};
use crate::task::{NumberPuzzle, Tried};

/// The ways that a completion took, each followed by its partial products.
pub fn outline(puzzle: &NumberPuzzle, completion: &str) -> Vec<Tried> {
    with_reader(puzzle, completion, |reader| {
        let mut lines = Vec::new();
        for way in &reader.ways.taken {
            let product =
                |factors: &[i128]| factors.iter().map(i128::to_string).collect::<Vec<_>>().join(" * ");
            let mut words = String::new();
            for (i, Term { sign, factors }) in way.said.iter().enumerate() {
                words += match (*sign < 0, i) {
                    (true, 0) => "- ",
                    (true, _) => " - ",
                    (false, 0) => "",
                    (false, _) => " + ",
                };
                words += &product(factors);
            }
            let stated = way.stated.filter(|_| way.adds_up);
            lines.push(Tried {
                depth: 0,
                words,
                stated: stated.map(|stated| stated.to_string()),
                right: stated.map(|stated| stated == reader.product),
            });
            for Term { factors, .. } in way.said.iter().filter(|_| way.said.len() > 1) {
                let value = reader.ways.stated_product(factors);
                let exact = factors.iter().try_fold(1i128, |product, factor| product.checked_mul(*factor));
                lines.push(Tried {
                    depth: 1,
                    words: product(factors),
                    stated: value.map(|value| value.to_string()),
                    right: value.map(|value| Some(value) == exact),
                });
            }
        }
        lines
    })
}
