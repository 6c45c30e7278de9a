//! The model card of a primed model.

use std::fmt::Write;

use super::printable;
use crate::pretrain::priming::{Line, Recipe, Taught};

/// The card: how the model was made, and what the traces showed, as counted by the analysis that reads completions.
pub(super) fn card(base: &str, recipe: &Recipe, taught: &Taught, losses: [Option<Line>; 2]) -> String {
    let trained = match recipe.lora_rank {
        0 => "all weights".to_owned(),
        rank => {
            format!("a LoRA adapter (rank {rank}, alpha {}, on {})", recipe.lora_alpha, recipe.lora_targets)
        }
    };
    let thoughts = match recipe.behaviours.as_str() {
        "none" => {
            "none (a placeholder of the same length, in tokens, as thoughts with all behaviours)".to_owned()
        }
        list => list.replace(',', ", "),
    };
    let answers = if recipe.right_answers {
        "right"
    } else {
        "wrong; the thoughts before them are right, and only the answer does not follow"
    };
    let [first, last] =
        losses.map(|line| line.map_or_else(|| "-".into(), |line| format!("{:.4}", line.loss)));
    let mut text = format!(
        "# A primed model\n\n\
         `aha-lab prime` (version {}) trained it, supervised, on worked thoughts in English, before any reinforcement \
         learning. The program wrote the thoughts itself; a person or another model wrote none of them.\n\n\
         | | |\n|---|---|\n\
         | base | `{}`, SHA-256 of its weights {} |\n\
         | trained | {trained} |\n\
         | task | {}, level {}, puzzles of the training split only; whole number sets are held out |\n\
         | asked in the words of | `prompt={}` |\n\
         | behaviours in the thoughts | {thoughts} |\n\
         | answers | {answers} |\n\
         | updates | {} of {} traces, seed {}, learning rate {}, decaying to a tenth |\n\
         | loss per token | {first} in the first update, {last} in the last |\n\n\
         ## What the traces taught\n\n\
         Counted by the analysis that also reads completions:\n\n| | |\n|---|---|\n",
        env!("CARGO_PKG_VERSION"),
        printable(base),
        recipe.base,
        recipe.task,
        recipe.level,
        recipe.prompt,
        recipe.updates,
        recipe.traces,
        recipe.seed,
        recipe.learning_rate,
    );
    for (name, count) in taught.rows() {
        let _ = writeln!(text, "| {name} | {count} |");
    }
    text.push_str(
        "\nEvery statement in a thought is true: each step, each comparison with the target, each value that is said to be \
         needed. Attempts that miss are drawn at random, the nearer of two; the attempt that hits was found by exhaustive \
         search, so the thoughts search better than such a search would by itself.\n",
    );
    text
}
