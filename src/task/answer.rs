//! The answers that a completion states between tags, and which of them is graded. What stands in a thought is no answer:
//! nobody would be shown it.

use super::rules::Rule;
pub use crate::record::Graded;

const OPEN: &str = "<answer>";
/// Tag that ends an answer.
pub(crate) const CLOSE: &str = "</answer>";
const THOUGHT: &str = "<think>";
const THOUGHT_ENDS: &str = "</think>";

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
        Some((_, answer)) => Ok(answer.trim()),
        None if is_opened(completion) => Err(format!("The last {OPEN} is never closed by {CLOSE}.")),
        None if completion.contains(OPEN) => {
            Err(format!("The completion has an {OPEN} in the thought only, where it does not count."))
        }
        None => Err(format!("The completion has no {OPEN}.")),
    }
}

/// The rule that a completion breaks of which [`graded`] finds no answer.
pub(super) fn broken(completion: &str) -> Rule {
    if is_opened(completion) { Rule::Closed } else { Rule::Answered }
}

/// The part of a completion that the analysis reads: all of it or, if the first answer is graded, the text up
/// to the end of that answer. What follows was not graded.
pub(super) fn read_for(completion: &str, which: Graded) -> &str {
    let end = complete(completion).next().map(|(at, answer)| at + answer.len() + CLOSE.len());
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

/// For each closing tag that has an opening tag before it: the text from the last such opening tag on, and where it begins.
fn complete(completion: &str) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    let of_part = |(begins, part): (usize, &'_ str)| -> Vec<(usize, usize)> {
        let mut from = 0;
        let mut found = Vec::new();
        for (ends, _) in part.match_indices(CLOSE) {
            if let Some(at) = part[from..ends].rfind(OPEN) {
                found.push((begins + from + at + OPEN.len(), begins + ends));
            }
            from = ends + CLOSE.len();
        }
        found
    };
    let places: Vec<(usize, usize)> = outside_thoughts(completion).into_iter().flat_map(of_part).collect();
    places.into_iter().map(|(begins, ends)| (begins, &completion[begins..ends]))
}

/// Whether the last opening tag has no closing tag after it.
fn is_left_open(completion: &str) -> bool {
    let parts = outside_thoughts(completion);
    let last = parts.iter().rev().find_map(|(_, part)| Some((part, part.rfind(OPEN)?)));
    last.is_some_and(|(part, at)| !part[at..].contains(CLOSE))
}

/// Whether an answer is opened.
fn is_opened(completion: &str) -> bool {
    outside_thoughts(completion).iter().any(|(_, part)| part.contains(OPEN))
}

/// The parts of a completion that are no thought, and where they begin. A thought goes to its closing tag, or to the end
/// where it has none; one that the prompt has opened has no opening tag here, and only its closing tag shows it.
fn outside_thoughts(completion: &str) -> Vec<(usize, &str)> {
    let first = |tag| completion.find(tag).unwrap_or(usize::MAX);
    let mut thinks = first(THOUGHT_ENDS) < first(THOUGHT);
    let (mut parts, mut at) = (Vec::new(), 0);
    loop {
        let tag = if thinks { THOUGHT_ENDS } else { THOUGHT };
        let ends = completion[at..].find(tag).map(|length| at + length);
        if !thinks {
            parts.push((at, &completion[at..ends.unwrap_or(completion.len())]));
        }
        let Some(ends) = ends else { return parts };
        (at, thinks) = (ends + tag.len(), !thinks);
    }
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
            // Thoughts, with and without their opening tag, which the prompt may have.
            ("a <answer>1</answer> </think> <answer>2</answer>", Some("2"), Some("2"), 1),
            ("<answer>1</answer> <think> <answer>2</answer> </think>", Some("1"), Some("1"), 1),
            ("<think> <answer> or </think> <answer>1</answer>", Some("1"), Some("1"), 1),
            ("<think> <answer>1</answer> </think> <answer>2", None, None, 1),
            ("<think> a </think> <answer>1 <think> b </think> </answer>", None, None, 1),
            ("<think> never closed <answer>1</answer>", None, None, 0),
            ("<answer>1</answer>", Some("1"), Some("1"), 1),
        ] {
            assert_eq!(graded(text, Graded::First).ok(), first, "{text}");
            assert_eq!(graded(text, Graded::Last).ok(), last, "{text}");
            assert_eq!(super::count(text), count, "{text}");
        }
        assert_eq!(graded("1", Graded::First), Err("The completion has no <answer>.".into()));
        let open = graded("<answer>1</answer> <answer>2", Graded::Last);
        assert_eq!(open, Err("The last <answer> is never closed by </answer>.".into()));
        let thought = graded("<answer>1</answer> </think> so", Graded::Last);
        let only = "The completion has an <answer> in the thought only, where it does not count.";
        assert_eq!(thought, Err(only.into()));
    }

    #[test]
    fn the_analysis_reads_up_to_the_answer_that_is_graded() {
        for (text, first) in [
            ("a <answer>1</answer> b <answer>2</answer> c", "a <answer>1</answer>"),
            ("</answer> <answer>1</answer> b", "</answer> <answer>1</answer>"),
            ("a <answer>1", "a <answer>1"),
            ("a", "a"),
            (
                "<answer>0</answer> </think> <answer>1</answer> b",
                "<answer>0</answer> </think> <answer>1</answer>",
            ),
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
