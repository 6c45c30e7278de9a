//! A project for TRL: its `GRPOTrainer` under accelerate with FSDP, vLLM for sampling, and the lab's callback.

use super::{engine::Engine, plan::Plan, yaml::Settings};
use crate::{
    config::{Config, Decay, KlEstimator, KlIn, LossNorm},
    settings::Choice,
};

pub(super) struct Trl;

impl Engine for Trl {
    fn name(&self) -> &'static str {
        "TRL"
    }

    fn keys(&self) -> &'static [&'static str] {
        &[
            "lora_rank",
            "lora_alpha",
            "lora_targets",
            "checkpoint_every",
            "evaluate_every",
            "evaluate_puzzles",
            "mask_truncated",
        ]
    }

    fn lacks(&self, config: &Config) -> Option<String> {
        let update = &config.update;
        let (objective, advantage) = (update.objective.name(), update.advantage.name());
        if advantage != "group" {
            let other = if advantage == "maxrl" { "" } else { "; verl has it (--engine verl)" };
            return Some(format!("its GRPOTrainer has no advantage={advantage}{other}."));
        }
        if update.kl_coef > 0.0 && (update.kl_in == KlIn::Reward || update.kl_estimator != KlEstimator::K3) {
            return Some("it has KL as k3 in the loss only (kl_in=loss, kl_estimator=k3).".into());
        }
        let norm = match objective {
            "cispo" => Some(LossNorm::Token),
            "sapo" => Some(LossNorm::Sequence),
            _ => None,
        };
        let norm = norm.filter(|norm| *norm != update.loss_norm)?;
        Some(format!("its {objective} averages losses as loss_norm={} only.", norm.name()))
    }

    fn deviations(&self, plan: &Plan) -> Vec<String> {
        let update = &plan.config.update;
        let mut told = Vec::new();
        if plan.config.sampling.batching.name() == "dynamic" {
            told.push("TRL does not replace groups whose rewards are all equal (DAPO's dynamic sampling); `frac_reward_zero_std` says how many there are.".to_owned());
        }
        if update.objective.name() == "cispo" {
            told.push("TRL bounds CISPO's weights from above only, at `epsilon_high` itself.".to_owned());
        }
        if update.updates_per_step() > 1 {
            told.push(format!(
                "TRL counts optimizer updates: each of its steps is one of {} that the lab makes from one round of sampling.",
                update.updates_per_step()
            ));
        }
        told.push("vLLM samples with its own kernels; TRL weighs tokens by the ratio of both probabilities (`vllm_importance_sampling_correction`).".to_owned());
        told.push(
            "Completions end at the model's end token, not after `</answer>`; the last answer counts."
                .to_owned(),
        );
        told
    }

    fn files(&self, plan: &Plan) -> Vec<(String, Vec<u8>)> {
        let launch = include_str!("templates/trl_launch.sh").replace("@NODES@", &plan.nodes.to_string());
        let files = [
            ("train.py", include_str!("templates/trl_train.py").to_owned()),
            ("launch.sh", launch),
            ("grpo.yaml", settings(plan).yaml()),
            ("accelerate.yaml", accelerate(plan).yaml()),
            ("requirements.txt", include_str!("templates/trl_requirements.txt").to_owned()),
        ];
        files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
    }

    fn guide(&self, plan: &Plan) -> String {
        let several = match plan.nodes {
            1 => String::new(),
            nodes => format!(
                "\nOn {nodes} nodes, start it on each, with the address of the first (under Slurm the rank is known):\n\n    \
                 MAIN_ADDRESS=node0 MACHINE_RANK=0 ./launch.sh    # and 1, 2, ... on the others\n"
            ),
        };
        format!(
            "## Train\n\n    pip install -r requirements.txt      # and this lab: aha-lab, with its Python package\n    \
             ./launch.sh\n{several}\nTo try it without a GPU, for a few steps of a small model on two processes:\n\n    \
             CPU=2 ./launch.sh --max_steps 3\n\nAll settings are in `grpo.yaml`; behind `./launch.sh` any of them can be \
             set again (`--learning_rate 2e-6`). `accelerate.yaml` has FSDP's.\n\n## Watch\n\n`train.py` has the lab's \
             callback. On the first node, beside the training:\n\n    aha-lab open runs/*            # every screen that has \
             its data; pause, step, change, checkpoint, stop\n\nFrom elsewhere, copy `runs/` (`rsync -a --append`) and open \
             the copy.\n\n## Bring it back\n\n    aha-lab eval --checkpoint out/checkpoint-{0} --puzzles heldout.jsonl    \
             # before and after on the same puzzles\n    aha-lab play --checkpoint out/checkpoint-{0} --numbers 3,7,25 \
             --target 46\n\n`aha-lab puzzles --count 500 --split heldout --level {1} > heldout.jsonl` writes the puzzles. The \
             Playground of an open run lists its checkpoints.\n",
            plan.config.schedule.checkpoint_every.max(1) * plan.config.update.updates_per_step() as u64,
            plan.config.puzzles.level.name(),
        )
    }
}

/// The arguments of `train.py`.
fn settings(plan: &Plan) -> Settings {
    let (config, update) = (&plan.config, &plan.config.update);
    let updates = update.updates_per_step() as u64;
    let accumulated = plan.per_update() / plan.micro;
    let mut s = Settings::default();
    s.say("model_name_or_path", plan.base.name.as_str(), "The model.");
    if let Some(revision) = &plan.base.revision {
        s.set("model_revision", revision.as_str());
    }
    s.say("dtype", "float32", "The weights that the optimizer changes; passes are computed in bfloat16.");
    if config.lora.lora_rank > 0 {
        s.say("use_peft", true, "A LoRA adapter beside the base.");
        s.set("lora_r", config.lora.lora_rank).set("lora_alpha", config.lora.lora_alpha.round() as u64);
        s.set("lora_dropout", 0.0);
        s.set("lora_target_modules", modules(config));
    }
    s.say("task", config.puzzles.task.name, "The reward, from aha_lab.rewards.");
    s.say("chat", plan.is_chat(), "Whether prompts go through the model's chat template.");
    s.say("overlong_penalty", config.reward.overlong_penalty, "DAPO's soft overlong punishment; 0 is none.");
    let length = config.sampling.max_new_tokens;
    s.set("overlong_tokens", (config.reward.overlong_buffer * length as f64).round() as u64);
    s.say("runs", "runs", "Where the lab's callback writes the run.");

    s.say("output_dir", "out", "Checkpoints.");
    s.say("num_generations", config.sampling.group_size, "Completions of a prompt.");
    s.set("max_completion_length", length).set("temperature", config.sampling.temperature);
    s.say(
        "per_device_train_batch_size",
        plan.micro,
        "Completions that a GPU trains on at once, how often before an update, and how often for one round of sampling.",
    );
    s.set("gradient_accumulation_steps", accumulated);
    s.set("steps_per_generation", accumulated * update.mini_batches);
    s.set("num_iterations", update.inner_epochs);
    s.say("max_steps", plan.steps * updates, "Optimizer updates.");
    s.set("learning_rate", config.optimizer.learning_rate);
    s.set("warmup_steps", config.optimizer.warmup_steps * updates);
    s.set("lr_scheduler_type", scheduler(config)).set("max_grad_norm", config.optimizer.max_grad_norm);
    s.say("adam_beta2", 0.95, "As in the lab.").set("weight_decay", 0.0);

    s.say("loss_type", loss(config), "The objective.");
    let level = if update.objective.name() == "gspo" { "sequence" } else { "token" };
    s.set("importance_sampling_level", level);
    s.set("scale_rewards", if update.scale_rewards { "group" } else { "none" });
    s.set("epsilon", update.clip_eps_low);
    let above = if update.objective.name() == "cispo" { 1.0 } else { 0.0 };
    s.set("epsilon_high", update.clip_eps_high + above);
    if update.objective.name() == "dual_clip" {
        s.set("delta", update.dual_clip);
    }
    s.set("sapo_temperature_pos", update.sapo_tau_positive);
    s.set("sapo_temperature_neg", update.sapo_tau_negative);
    s.set("beta", update.kl_coef).set("entropy_coef", update.entropy_coef);
    s.set("mask_truncated_completions", update.mask_truncated);

    s.say("use_vllm", true, "Sampling, on the same GPUs in turn.").set("vllm_mode", "colocate");
    s.set("vllm_gpu_memory_utilization", plan.utilization);
    s.set("vllm_tensor_parallel_size", plan.tensor_parallel);
    s.set("vllm_max_model_length", super::plan::PROMPT_TOKENS + length).set("vllm_enable_sleep_mode", true);
    s.say("bf16", true, "Memory.").set("gradient_checkpointing", true);

    schedule(plan, &mut s, updates);
    s
}

/// When it writes and evaluates.
fn schedule(plan: &Plan, s: &mut Settings, updates: u64) {
    let config = &plan.config;
    let (saves, evaluates) = (config.schedule.checkpoint_every, config.schedule.evaluate_every);
    s.say("save_strategy", if saves > 0 { "steps" } else { "no" }, "Checkpoints and evaluations.");
    s.set("save_steps", saves.max(1) * updates);
    s.set("eval_strategy", if evaluates > 0 { "steps" } else { "no" });
    s.set("eval_steps", evaluates.max(1) * updates);
    s.set("per_device_eval_batch_size", config.sampling.group_size);
    s.set("logging_steps", 1_u64).set("report_to", "none").set("seed", config.machine.seed);
}

/// FSDP's settings.
fn accelerate(plan: &Plan) -> Settings {
    let mut s = Settings::default();
    s.set("compute_environment", "LOCAL_MACHINE").set("debug", false);
    s.say("distributed_type", "FSDP", "Weights, gradients and moments are divided among all GPUs.");
    s.set("fsdp_config.fsdp_version", 2_u64).set("fsdp_config.fsdp_activation_checkpointing", false);
    s.set("fsdp_config.fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP");
    s.set("fsdp_config.fsdp_cpu_ram_efficient_loading", true);
    s.set("fsdp_config.fsdp_offload_params", false).set("fsdp_config.fsdp_reshard_after_forward", true);
    s.say(
        "fsdp_config.fsdp_state_dict_type",
        "FULL_STATE_DICT",
        "Checkpoints that transformers and the lab load.",
    );
    s.set("machine_rank", 0_u64).set("main_training_function", "main").set("mixed_precision", "bf16");
    s.set("num_machines", plan.nodes).set("num_processes", plan.world());
    s.set("rdzv_backend", "static").set("same_network", true).set("use_cpu", false);
    s
}

fn loss(config: &Config) -> &'static str {
    match (config.update.objective.name(), config.update.loss_norm) {
        ("cispo", _) => "cispo",
        ("sapo", _) => "sapo",
        (_, LossNorm::Token) => "dapo",
        (_, LossNorm::Sequence) => "grpo",
        (_, LossNorm::Constant) => "dr_grpo",
    }
}

fn scheduler(config: &Config) -> &'static str {
    match config.optimizer.learning_rate_decay {
        Decay::Constant => "constant_with_warmup",
        Decay::Linear => "linear",
        Decay::Cosine => "cosine",
    }
}

/// The matrices of an adapter as transformers names them.
pub(super) fn modules(config: &Config) -> Vec<String> {
    config.lora.lora_targets.chosen().map(|target| format!("{}_proj", target.name())).collect()
}
