//! Whether a puzzle can be solved at all and, if not, what comes nearest.

use super::solver::{self, SolverError};
use crate::task::{NumberPuzzle, Prospect};

/// Decides by exact search whether anything reaches the target.
pub fn prospect(puzzle: &NumberPuzzle) -> Prospect {
    let searched = || -> Result<Prospect, SolverError> {
        if solver::is_solvable(&puzzle.numbers, puzzle.target)? {
            return Ok(Prospect::Solvable);
        }
        let (value, expression) = solver::nearest(&puzzle.numbers, puzzle.target)?;
        Ok(Prospect::Nearest { value: value.to_string(), expression })
    };
    searched().unwrap_or_else(|error| Prospect::Unknown(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_whether_and_otherwise_what_is_near() {
        let of = |numbers: &[i64], target| prospect(&NumberPuzzle { numbers: numbers.to_vec(), target });
        assert_eq!(of(&[4, 1, 16], 19), Prospect::Solvable);
        let near = Prospect::Nearest { value: "6".into(), expression: "2 * 3".into() };
        assert_eq!(of(&[2, 3], 100), near);
        assert!(matches!(of(&[1; 7], 3), Prospect::Unknown(reason) if reason.contains("1 to 6 numbers")));
    }
}
