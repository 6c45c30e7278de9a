//! The answers that a completion states between tags, and which of them is graded.

use super::rules::Rule;
pub use crate::record::Graded;

const OPEN: &str = "<answer>";
/// Tag that ends an answer.
pub(crate) const CLOSE: &str = "</answer>";

/// The text of the graded answer, trimmed.
///
/// # Errors
/// A sentence that says why there is none.
pub fn graded(completion: &str, which: Graded) -> Result<&str, String> {
    let mut complete = complete(completion);
    let found = match which {
        Graded::First => complete.next(),
        Graded::Last if is_left_open(completion) => None,
        Graded::Last => complete.next_back(),
    };
    match found {
        Some(answer) => Ok(answer.trim()),
        None if completion.contains(OPEN) => Err(format!("The last {OPEN} is never closed by {CLOSE}.")),
        None => Err(format!("The completion has no {OPEN}.")),
    }
}

/// The rule that a completion breaks of which [`graded`] finds no answer.
pub(super) fn broken(completion: &str) -> Rule {
    if completion.contains(OPEN) { Rule::Closed } else { Rule::Answered }
}

/// The part of a completion that the analysis reads: all of it or, if the first answer is graded, the text up
/// to the end of that answer. What follows was not graded.
pub(super) fn read_for(completion: &str, which: Graded) -> &str {
    let complete_at = |(at, _): &(usize, &str)| completion[..*at].contains(OPEN);
    let end = completion.match_indices(CLOSE).find(complete_at).map(|(at, _)| at + CLOSE.len());
    match (which, end) {
        (Graded::First, Some(end)) => &completion[..end],
        _ => completion,
    }
}

/// Counts the answers of a completion: the complete ones, and one at the end that was opened but never
/// closed.
pub fn count(completion: &str) -> usize {
    complete(completion).count() + usize::from(is_left_open(completion))
}

/// For each closing tag that has an opening tag before it: the text from the last such opening tag on.
fn complete(completion: &str) -> impl DoubleEndedIterator<Item = &str> {
    let inside = |before: &'_ str| -> Option<usize> { before.rfind(OPEN).map(|at| at + OPEN.len()) };
    let pieces: Vec<&str> = completion.split(CLOSE).collect();
    let closed = pieces.len().saturating_sub(1);
    pieces.into_iter().take(closed).filter_map(move |before| inside(before).map(|at| &before[at..]))
}

/// Whether the last opening tag has no closing tag after it.
fn is_left_open(completion: &str) -> bool {
    completion.rfind(OPEN).is_some_and(|at| !completion[at..].contains(CLOSE))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_first_complete_answer_or_the_last_one_is_graded() {
        for (text, first, last, count) in [
            ("<answer> 1 </answer> or <answer>2</answer>", Some("1"), Some("2"), 2),
            ("<answer>1</answer> so <answer>2", Some("1"), None, 2),
            ("in <answer> tags : <answer>1</answer>", Some("1"), Some("1"), 1),
            ("<answer>1</answer></answer> <answer>2</answer> .", Some("1"), Some("2"), 2),
            ("</answer> 1 <answer>", None, None, 1),
            ("1", None, None, 0),
            ("<answer></answer>", Some(""), Some(""), 1),
        ] {
            assert_eq!(graded(text, Graded::First).ok(), first, "{text}");
            assert_eq!(graded(text, Graded::Last).ok(), last, "{text}");
            assert_eq!(super::count(text), count, "{text}");
        }
        assert_eq!(graded("1", Graded::First), Err("The completion has no <answer>.".into()));
        let open = graded("<answer>1</answer> <answer>2", Graded::Last);
        assert_eq!(open, Err("The last <answer> is never closed by </answer>.".into()));
    }

    #[test]
    fn the_analysis_reads_up_to_the_answer_that_is_graded() {
        for (text, first) in [
            ("a <answer>1</answer> b <answer>2</answer> c", "a <answer>1</answer>"),
            ("</answer> <answer>1</answer> b", "</answer> <answer>1</answer>"),
            ("a <answer>1", "a <answer>1"),
            ("a", "a"),
        ] {
            assert_eq!(read_for(text, Graded::First), first);
            assert_eq!(read_for(text, Graded::Last), text);
        }
    }

    #[test]
    fn the_names_are_read_back() {
        for which in [Graded::First, Graded::Last] {
            assert_eq!(which.to_string().parse::<Graded>().unwrap(), which);
        }
        assert_eq!("both".parse::<Graded>(), Err("it takes one of first, last".into()));
    }
}
