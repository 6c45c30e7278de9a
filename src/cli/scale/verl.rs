//! A project for verl: its PPO trainer without a critic, on Ray, with vLLM for sampling.

use super::{
    engine::Engine,
    plan::{PROMPT_TOKENS, Plan},
    trl::modules,
    yaml::Settings,
};
use crate::{
    config::{Config, Decay, KlEstimator, KlIn, LossNorm},
    settings::Choice,
};

pub(super) struct Verl;

/// A chat template that adds nothing, for prompts that are whole already.
const AS_IT_IS: &str = "{% for message in messages %}{{ message['content'] }}{% endfor %}";
/// A bound that no ratio reaches.
const UNBOUNDED: f64 = 1e6;

impl Engine for Verl {
    fn name(&self) -> &'static str {
        "verl"
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
        if update.advantage.name() == "maxrl" {
            return Some("it has no advantage=maxrl.".into());
        }
        if config.optimizer.learning_rate_decay == Decay::Linear {
            return Some("its learning rate stays or falls along a cosine; it has no linear decay.".into());
        }
        (update.kl_coef > 0.0 && update.kl_in == KlIn::Reward && update.kl_estimator == KlEstimator::K3Plus)
            .then(|| "it has k3+ in the loss only (kl_in=loss).".into())
    }

    fn deviations(&self, plan: &Plan) -> Vec<String> {
        let update = &plan.config.update;
        let mut told = Vec::new();
        if update.mask_truncated {
            told.push("verl keeps cut off completions in the loss (`mask_truncated`).".to_owned());
        }
        if plan.config.reward.overlong_penalty > 0.0 {
            told.push("The soft overlong punishment is that of verl's reward manager `dapo`.".to_owned());
        }
        if update.advantage.name() == "group" && !update.scale_rewards && update.objective.name() == "clip" {
            told.push(
                "Dr. GRPO's advantages are verl's `grpo` without the division by the standard deviation."
                    .to_owned(),
            );
        }
        told.push(
            "Completions end at the model's end token, not after `</answer>`; the last answer counts."
                .to_owned(),
        );
        told
    }

    fn files(&self, plan: &Plan) -> Vec<(String, Vec<u8>)> {
        let launch = include_str!("templates/verl_launch.sh").replace("@NODES@", &plan.nodes.to_string());
        let files = [
            ("reward.py", include_str!("templates/verl_reward.py").to_owned()),
            ("watch.py", include_str!("templates/verl_watch.py").to_owned()),
            ("launch.sh", launch),
            ("countdown.yaml", format!("{HYDRA}{}", settings(plan).yaml())),
            ("requirements.txt", include_str!("templates/verl_requirements.txt").to_owned()),
        ];
        files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
    }

    fn guide(&self, plan: &Plan) -> String {
        let several = match plan.nodes {
            1 => String::new(),
            nodes => format!(
                "\nOn {nodes} nodes that see this folder at the same path:\n\n    ./launch.sh head                      # on \
                 the first: starts Ray, waits for the others, trains\n    ./launch.sh worker FIRST:6379         # on each \
                 other\n"
            ),
        };
        format!(
            "## Train\n\n    pip install -r requirements.txt      # and this lab: aha-lab, with its Python package\n    \
             ./launch.sh\n{several}\nAll settings are in `countdown.yaml`, on top of verl's own `ppo_trainer.yaml`; behind \
             `./launch.sh` any of them can be set again (`actor_rollout_ref.actor.optim.lr=2e-6`).\n\n## Watch\n\nverl writes \
             every completion to `rollouts/`, its metrics to `metrics.jsonl`. The lab reads them as completions:\n\n    \
             python3 watch.py                  # rollouts/*.jsonl -> completions.jsonl; again whenever you like\n    \
             aha-lab open completions.jsonl\n\n## Bring it back\n\n    python3 -m verl.model_merger merge --backend fsdp \
             --local_dir checkpoints/global_step_{0}/actor --target_dir merged\n    aha-lab eval --checkpoint merged \
             --puzzles heldout.jsonl    # before and after on the same puzzles\n    aha-lab play --checkpoint merged \
             --numbers 3,7,25 --target 46\n\n`aha-lab puzzles --count 500 --split heldout --level {1} > heldout.jsonl` writes \
             the puzzles.\n",
            plan.config.schedule.checkpoint_every.max(1),
            plan.config.puzzles.level.name(),
        )
    }
}

/// What makes it a configuration of verl's.
const HYDRA: &str = "\
hydra:
  searchpath: [\"pkg://verl.trainer.config\"]
  run:
    dir: .
  output_subdir: null
defaults:
  - ppo_trainer
  - _self_

";

/// What differs from verl's defaults.
fn settings(plan: &Plan) -> Settings {
    let (config, update) = (&plan.config, &plan.config.update);
    let length = config.sampling.max_new_tokens;
    let mut s = Settings::default();
    s.say("algorithm.adv_estimator", estimator(config), "How completions are compared.");
    s.set("algorithm.norm_adv_by_std_in_grpo", update.scale_rewards);
    let in_reward = update.kl_coef > 0.0 && update.kl_in == KlIn::Reward;
    s.set("algorithm.use_kl_in_reward", in_reward);
    if in_reward {
        s.set("algorithm.kl_penalty", kl(config)).set("algorithm.kl_ctrl.kl_coef", update.kl_coef);
    }
    let is_dynamic = config.sampling.batching.name() == "dynamic";
    s.say("algorithm.filter_groups.enable", is_dynamic, "DAPO's dynamic sampling.");
    s.set("algorithm.filter_groups.metric", "reward");

    s.say("data.train_batch_size", config.sampling.prompts_per_step, "Prompts of a step.");
    s.set("data.max_prompt_length", PROMPT_TOKENS).set("data.max_response_length", length);
    s.set("data.filter_overlong_prompts", false).set("data.seed", config.machine.seed);

    s.say("actor_rollout_ref.model.path", plan.base.name.as_str(), "The model.");
    s.set("actor_rollout_ref.model.enable_gradient_checkpointing", true);
    s.set("actor_rollout_ref.model.use_remove_padding", true);
    if !plan.is_chat() {
        s.say(
            "actor_rollout_ref.model.custom_chat_template",
            AS_IT_IS,
            "Prompts are whole: nothing is put around them.",
        );
    }
    if config.lora.lora_rank > 0 {
        s.set("actor_rollout_ref.model.lora_rank", config.lora.lora_rank);
        s.set("actor_rollout_ref.model.lora_alpha", config.lora.lora_alpha.round() as u64);
        s.set("actor_rollout_ref.model.target_modules", modules(config));
    }
    actor(plan, &mut s);
    rollout(plan, &mut s);
    reward(config, &mut s);
    trainer(plan, &mut s);
    s
}

fn actor(plan: &Plan, s: &mut Settings) {
    let (config, update) = (&plan.config, &plan.config.update);
    let length = config.sampling.max_new_tokens;
    s.say(
        "actor_rollout_ref.actor.ppo_mini_batch_size",
        config.sampling.prompts_per_step / update.mini_batches,
        "Prompts of an optimizer update.",
    );
    s.set("actor_rollout_ref.actor.ppo_epochs", update.inner_epochs);
    s.say("actor_rollout_ref.actor.use_dynamic_bsz", true, "Portions by tokens, not by completions.");
    s.set("actor_rollout_ref.actor.ppo_max_token_len_per_gpu", plan.micro * (PROMPT_TOKENS + length));
    s.set("actor_rollout_ref.actor.clip_ratio_low", update.clip_eps_low);
    s.set("actor_rollout_ref.actor.clip_ratio_high", update.clip_eps_high);
    let dual = if update.objective.name() == "dual_clip" { update.dual_clip } else { UNBOUNDED };
    s.say("actor_rollout_ref.actor.clip_ratio_c", dual, "Where dual clip acts; verl always has it.");
    s.set("actor_rollout_ref.actor.tau_pos", update.sapo_tau_positive);
    s.set("actor_rollout_ref.actor.tau_neg", update.sapo_tau_negative);
    s.set("actor_rollout_ref.actor.policy_loss.loss_mode", loss(config));
    s.set("actor_rollout_ref.actor.loss_agg_mode", norm(config));
    if update.loss_norm == LossNorm::Constant {
        s.set("actor_rollout_ref.actor.loss_scale_factor", length);
    }
    s.set("actor_rollout_ref.actor.entropy_coeff", update.entropy_coef);
    let in_loss = update.kl_coef > 0.0 && update.kl_in == KlIn::Loss;
    s.set("actor_rollout_ref.actor.use_kl_loss", in_loss);
    if in_loss {
        s.set("actor_rollout_ref.actor.kl_loss_coef", update.kl_coef);
        s.set("actor_rollout_ref.actor.kl_loss_type", kl(config));
    }
    s.set("actor_rollout_ref.actor.grad_clip", config.optimizer.max_grad_norm);
    s.set("actor_rollout_ref.actor.optim.lr", config.optimizer.learning_rate);
    s.set("actor_rollout_ref.actor.optim.lr_warmup_steps", config.optimizer.warmup_steps);
    let falls = config.optimizer.learning_rate_decay == Decay::Cosine;
    s.set("actor_rollout_ref.actor.optim.lr_scheduler_type", if falls { "cosine" } else { "constant" });
    s.set("actor_rollout_ref.actor.optim.weight_decay", 0.0);
}

fn rollout(plan: &Plan, s: &mut Settings) {
    let config = &plan.config;
    s.say("actor_rollout_ref.rollout.name", "vllm", "Sampling.");
    s.set("actor_rollout_ref.rollout.n", config.sampling.group_size);
    s.set("actor_rollout_ref.rollout.temperature", config.sampling.temperature);
    s.set("actor_rollout_ref.rollout.tensor_model_parallel_size", plan.tensor_parallel);
    s.set("actor_rollout_ref.rollout.gpu_memory_utilization", plan.utilization);
    s.set("actor_rollout_ref.rollout.calculate_log_probs", true);
    if config.lora.lora_rank > 0 {
        s.set("actor_rollout_ref.rollout.load_format", "safetensors");
        s.set("actor_rollout_ref.rollout.layered_summon", true);
    }
    s.set("actor_rollout_ref.rollout.val_kwargs.do_sample", true);
    s.set("actor_rollout_ref.rollout.val_kwargs.temperature", config.sampling.temperature);
    s.set("actor_rollout_ref.rollout.val_kwargs.n", 1_u64);
}

fn reward(config: &Config, s: &mut Settings) {
    s.say("reward.custom_reward_function.name", "compute_score", "The reward, from aha_lab.rewards.");
    if config.reward.overlong_penalty > 0.0 {
        let length = config.sampling.max_new_tokens;
        let tokens = (config.reward.overlong_buffer * length as f64).round() as u64;
        s.set("reward.reward_manager.name", "dapo");
        s.set("reward.reward_kwargs.max_resp_len", length);
        s.set("reward.reward_kwargs.overlong_buffer_cfg.enable", true);
        s.set("reward.reward_kwargs.overlong_buffer_cfg.len", tokens.max(1));
        s.set("reward.reward_kwargs.overlong_buffer_cfg.penalty_factor", config.reward.overlong_penalty);
        s.set("reward.reward_kwargs.overlong_buffer_cfg.log", true);
    }
}

fn trainer(plan: &Plan, s: &mut Settings) {
    let schedule = &plan.config.schedule;
    let every = |steps: u64| if steps > 0 { i64::try_from(steps).unwrap_or(i64::MAX) } else { -1 };
    s.say("trainer.total_training_steps", plan.steps, "Steps, GPUs, checkpoints and evaluations.");
    s.set("trainer.total_epochs", plan.steps.div_ceil(plan.steps_of_a_pass()));
    s.set("trainer.nnodes", plan.nodes).set("trainer.n_gpus_per_node", plan.gpus);
    s.set("trainer.save_freq", every(schedule.checkpoint_every));
    s.set("trainer.test_freq", every(schedule.evaluate_every));
    s.set("trainer.val_before_train", schedule.evaluate_every > 0);
    s.set("trainer.logger", vec!["console".to_owned(), "file".to_owned()]);
    s.set("trainer.project_name", "aha-lab");
    s.set("trainer.experiment_name", plan.algorithm.as_str());
}

/// verl's name of an advantage.
fn estimator(config: &Config) -> &'static str {
    match config.update.advantage.name() {
        "rloo" => "rloo",
        "reinforce_pp" => "reinforce_plus_plus",
        "reinforce_pp_baseline" => "reinforce_plus_plus_baseline",
        _ => "grpo",
    }
}

fn loss(config: &Config) -> &'static str {
    match config.update.objective.name() {
        "gspo" => "gspo",
        "cispo" => "cispo",
        "sapo" => "sapo",
        _ => "vanilla",
    }
}

fn norm(config: &Config) -> &'static str {
    match config.update.loss_norm {
        LossNorm::Token => "token-mean",
        LossNorm::Sequence => "seq-mean-token-mean",
        LossNorm::Constant => "seq-mean-token-sum-norm",
    }
}

fn kl(config: &Config) -> &'static str {
    match config.update.kl_estimator {
        KlEstimator::K1 => "k1",
        KlEstimator::K2 => "k2",
        KlEstimator::K3 => "k3",
        KlEstimator::K3Plus => "k3+",
    }
}
