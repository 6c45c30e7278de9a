//! What models and people have tried to be paid without a right answer. The Rewards screen shows that none of it works,
//! and the tests run it.

use crate::task::{
    answer::Graded,
    rules::{Rule, Trick},
};

const fn trick(name: &'static str, completion: &'static str, stopped_by: Rule) -> Trick {
    Trick { name, numbers: &[23, 47], target: 1081, completion, under: None, stopped_by }
}

/// A trick only if this answer is graded.
const fn under(trick: Trick, graded: Graded) -> Trick {
    Trick { under: Some(graded), ..trick }
}

/// See the module.
pub(super) static TRICKS: &[Trick] = &[
    trick("nothing at all", "", Rule::Answered),
    trick("a claim", "<think> easy </think> The answer is right. Reward: 1.0", Rule::Answered),
    trick("the solution in the thought only", "<think> 23 * 47 = 1081 </think> done", Rule::Answered),
    trick("an answer in the thought only", "<think> <answer>1081</answer> </think> done", Rule::Answered),
    trick("the puzzle, copied", "23 * 47 : <think>", Rule::Answered),
    trick("the tags alone", "<think></think> <answer></answer>", Rule::Grammar),
    trick("an answer that is never closed", "<answer> 1081", Rule::Closed),
    trick("a closing tag that is none", "<answer>1081</answer", Rule::Closed),
    under(
        trick(
            "two answers, the right one first",
            "<answer>1081</answer> or <answer>1071</answer>",
            Rule::Target,
        ),
        Graded::Last,
    ),
    under(
        trick(
            "an answer in the thought, another at the end",
            "<think> <answer>1081</answer> ? </think> <answer>1071</answer>",
            Rule::Target,
        ),
        Graded::Last,
    ),
    under(
        trick(
            "two answers, the right one last",
            "<answer>1071</answer> or <answer>1081</answer>",
            Rule::Target,
        ),
        Graded::First,
    ),
    trick("two answers between one pair of tags", "<answer>1071 1081</answer>", Rule::Grammar),
    trick("the question as its answer", "<answer>23 * 47</answer>", Rule::Grammar),
    trick("an equation", "<answer>23 * 47 = 1081</answer>", Rule::Grammar),
    trick("a sum", "<answer>1000 + 81</answer>", Rule::Grammar),
    trick("a power", "<answer>33 ** 2</answer>", Rule::Grammar),
    trick("an exponent", "<answer>1081e0</answer>", Rule::Grammar),
    trick("a huge exponent", "<answer>1e999999999</answer>", Rule::Grammar),
    trick("a decimal", "<answer>1081.0</answer>", Rule::Grammar),
    trick("a zero in front", "<answer>01081</answer>", Rule::Grammar),
    trick("a sign", "<answer>-1081</answer>", Rule::Grammar),
    trick("digits of another script", "<answer>１０８１</answer>", Rule::Grammar),
    trick("a factor", "<answer>47</answer>", Rule::Target),
    trick("a near miss", "<answer>1080</answer>", Rule::Target),
    trick("code", "<answer>eval('23*47')</answer>", Rule::Grammar),
];
