//! The README of a project.

use super::{
    engine::Engine,
    needs::{Needs, READ, UTILIZED},
    plan::{PROMPT_TOKENS, Plan},
};
use crate::cli::printable;

/// In Markdown.
pub(super) fn text(engine: &dyn Engine, plan: &Plan, needs: &Needs, price: Option<f64>) -> String {
    let task = plan.config.puzzles.task;
    let name = printable(&plan.base.name);
    let gpus = match (plan.gpus, plan.nodes) {
        (1, 1) => "one GPU".to_owned(),
        (gpus, 1) => format!("{gpus} GPUs"),
        (gpus, nodes) => format!("{nodes} nodes of {gpus} GPUs"),
    };
    let prompt = match plan.is_chat() {
        true => "in the model's chat template".to_owned(),
        false => format!("as `prompt={}` writes them, with nothing around them", plan.base.prompt),
    };
    let mut text = format!(
        "# {} of {name} with {}\n\n`aha-lab scale` wrote this project: {} with `{}` on {gpus} ({}), {} steps of {} prompts with \
         {} completions each.\n\n- `data/train.parquet`, `data/heldout.parquet`: {} and {} puzzles of level `{}`, in TinyZero's \
         schema. No set of numbers is in both. Prompts are asked {prompt}.\n- The reward is the lab's: 1 for a right answer, \
         0.1 for a well-formed wrong one, 0 otherwise; exact arithmetic decides.\n\n",
        capitalised(task.name),
        engine.name(),
        capitalised(task.name),
        plan.algorithm,
        plan.gpu.name,
        plan.steps,
        plan.config.sampling.prompts_per_step,
        plan.config.sampling.group_size,
        plan.puzzles(),
        plan.held_out(),
        plan.config.puzzles.level.name(),
    );
    text.push_str(&engine.guide(plan));
    text.push_str(&memory(plan, needs));
    text.push_str(&cost(plan, needs, price));
    text.push_str("\n## Where it differs from the lab\n\n");
    for deviation in engine.deviations(plan).iter().chain(&plan.notes) {
        text.push_str(&format!("- {}\n", printable(deviation)));
    }
    text.push_str("\nNothing of this was measured on GPUs by those who wrote `aha-lab scale`; the settings were checked against the engine's own.\n");
    text
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn memory(plan: &Plan, needs: &Needs) -> String {
    let shape = plan.base.shape;
    let gb = |bytes: f64| format!("{:.1}", bytes / 1e9);
    let state = match plan.config.lora.lora_rank {
        0 => "weights, gradients, two moments, float32: `16 P / N`",
        _ => "the frozen base, and an adapter with gradients and moments, float32: `(4 P + 16 A) / N`",
    };
    let fits = match needs.problem(plan) {
        Some(problem) => format!("\n**{problem}**\n"),
        None => format!("\nA {} has {} GB.\n", plan.gpu.name, gb(plan.gpu.memory)),
    };
    format!(
        "\n## Memory\n\nGB (10^9 bytes) of each GPU. `P` = {:.3e} weights, `N` = {} GPUs, `d` = {:.0}, `L` = {:.0} layers, `V` = \
         {:.0}; `b` = {} completions at once, of `S` = {} + {} tokens.\n\n| what | GB |\n|---|---|\n| {state} | {} |\n| frozen \
         reference, if any: `4 P / N` | {} |\n| two gathered blocks: `4 P / L` | {} |\n| activations with checkpointing: \
         `b S d (2 L + 34)` | {} |\n| logits: `10 b S' V`, S' without the prompt | {} |\n| sampling (vLLM, {:.0} % of the GPU, \
         given back before an update) | {} |\n| **at its peak**: the first two, and sampling or the rest | **{}** \
         |\n{fits}",
        shape.parameters,
        plan.world(),
        shape.hidden,
        shape.layers,
        shape.vocabulary,
        plan.micro,
        PROMPT_TOKENS,
        plan.config.sampling.max_new_tokens,
        gb(needs.state),
        gb(needs.reference),
        gb(needs.gathered),
        gb(needs.activations),
        gb(needs.logits),
        plan.utilization * 100.0,
        gb(needs.sampling),
        gb(needs.peak),
    )
}

fn cost(plan: &Plan, needs: &Needs, price: Option<f64>) -> String {
    let gpu = plan.gpu;
    let dollars = match price {
        Some(price) => {
            format!(
                "At {price} dollars for an hour of a GPU: **{:.0} dollars**.",
                (needs.gpu_hours * price).ceil()
            )
        }
        None => "Times your price for an hour of a GPU (`--price`) is the cost.".to_owned(),
    };
    format!(
        "\n## Time and cost\n\nAn estimate for completions that are all as long as they may be; most runs begin far below \
         that. `C` = {} completions a step, `F` = {:.0} TFLOP/s, `B` = {:.0} GB/s of a {}, `t` = {} GPUs for one copy of the \
         model.\n\n| | formula | |\n|---|---|---|\n| training, a step | `P C S (8 E + 2 R) / (N F {UTILIZED})`; E = {} passes \
         with recomputation, R forward passes without gradient | {:.0} s |\n| sampling, a step | the larger of \
         `S' (2 P + kept) / (t B {READ})` and `2 P C S / (N F {UTILIZED})`; kept = keys and values at half length | {:.0} s \
         |\n| {} steps | | {:.1} hours, **{:.0} GPU hours** |\n\n{dollars} Loading, evaluations and checkpoints come on \
         top.\n",
        plan.completions(),
        gpu.flops / 1e12,
        gpu.bandwidth / 1e9,
        gpu.name,
        plan.tensor_parallel,
        plan.config.update.inner_epochs,
        needs.train_seconds.ceil(),
        needs.sample_seconds.ceil(),
        plan.steps,
        needs.gpu_hours / plan.world() as f64,
        needs.gpu_hours.ceil(),
    )
}
