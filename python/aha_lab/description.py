"""What a TRL run says of itself in ``config.toml``: its settings under the lab's names. What has no such name, or another
meaning, is left out, and the lab shows it as unknown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch

from aha_lab import rewards
from aha_lab.rollouts import TASKS

#: How each of TRL's losses weighs tokens, where the lab has a word for it.
LOSS_NORMS = {"grpo": "sequence", "bnpo": "token", "dapo": "token", "dr_grpo": "constant", "cispo": "token"}
COMMANDS = ("pause", "step", "set", "checkpoint", "stop")


def task_of(trainer: Any) -> str:
    """The lab's task that the trainer's reward belongs to; empty if it is none of them."""
    ours = {getattr(rewards, task): task for task in TASKS}
    names = {ours[function] for function in trainer.reward_funcs if callable(function) and function in ours}
    return names.pop() if len(names) == 1 else ""


def config_of(trainer: Any, task: str) -> dict[str, Any]:
    """Keys of the lab and their values."""
    args = trainer.args
    per_group = trainer.num_generations
    loss, level = getattr(args, "loss_type", None), getattr(args, "importance_sampling_level", "token")
    objective = "cispo" if loss == "cispo" else {"token": "clip", "sequence": "gspo"}.get(level)
    only_ours = len(trainer.reward_funcs) == 1 and task_of(trainer) == task and list(trainer.reward_weights) == [1.0]
    config = {
        "task": task or None,
        "prompts_per_step": max(1, args.generation_batch_size // per_group),
        "group_size": per_group if per_group >= 2 else None,
        "max_new_tokens": trainer.max_completion_length,
        "temperature": float(trainer.temperature) if 0.01 <= trainer.temperature <= 10 else None,
        "learning_rate": float(args.learning_rate),
        "warmup_steps": args.warmup_steps if isinstance(args.warmup_steps, int) else None,
        "max_grad_norm": float(args.max_grad_norm),
        "objective": objective if loss in LOSS_NORMS else None,
        "clip_eps_low": float(trainer.epsilon_low),
        "clip_eps_high": float(trainer.epsilon_high),
        "kl_coef": float(trainer.beta),
        "inner_epochs": trainer.num_iterations,
        "loss_norm": LOSS_NORMS.get(str(loss)),
        "advantage": "group" if getattr(trainer, "multi_objective_aggregation", "") != "normalize_then_sum" else None,
        "scale_rewards": {"group": True, "none": False}.get(str(trainer.scale_rewards)),
        "seed": args.seed,
    }
    if only_ours and task:
        config |= {"control": "none", "answer": "last", "reward_correct": 1.0, "reward_format": 0.1}
    for key, strategy, steps in (
        ("checkpoint_every", args.save_strategy, args.save_steps),
        ("evaluate_every", args.eval_strategy, args.eval_steps),
    ):
        strategy = getattr(strategy, "value", strategy)
        if strategy == "no":
            config[key] = 0
        elif strategy == "steps" and steps and float(steps).is_integer():
            config[key] = int(steps)
    return {key: value for key, value in config.items() if value is not None}


def pauses_within(trainer: Any) -> str:
    """``token`` where this process samples by itself and can wait between tokens; else ``phase``."""
    elsewhere = (
        getattr(trainer, "use_vllm", False)
        or getattr(trainer, "use_transformers_continuous_batching", False)
        or getattr(trainer, "rollout_func", None) is not None
        # Processes that share one sharded model must make each token together.
        or getattr(trainer, "is_fsdp_enabled", False)
        or getattr(trainer, "is_deepspeed_enabled", False)
    )
    return "phase" if elsewhere else "token"


def engine_of(trainer: Any, version: str) -> dict[str, Any]:
    """Who trains, and what it can be told."""
    model = getattr(trainer.accelerator.unwrap_model(trainer.model).config, "_name_or_path", "")
    return {
        "name": "TRL",
        "version": version,
        "model": model,
        "checkpoints": os.path.abspath(trainer.args.output_dir) if trainer.args.output_dir else "",
        "commands": list(COMMANDS),
        "pauses_within": pauses_within(trainer),
    }


def provenance_of(trainer: Any, version: str, rules: str | None) -> Mapping[str, Any]:
    """The rest of what ``[provenance]`` holds."""
    device = trainer.accelerator.device
    name = f"{device.type} {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type
    count = trainer.accelerator.num_processes
    return {
        "model_hash": "",
        "program_version": version,
        "analysis": rules,
        "backend": f"{name} x{count}" if count > 1 else name,
    }
