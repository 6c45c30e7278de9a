"""The keys that may change while TRL trains, under the lab's names and TRL's, and how to change each in a trainer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: TRL's names for the lab's keys.
TRL_NAMES = {
    "beta": "kl_coef",
    "epsilon": "clip_eps_low",
    "epsilon_high": "clip_eps_high",
    "max_completion_length": "max_new_tokens",
    "save_steps": "checkpoint_every",
    "eval_steps": "evaluate_every",
}


@dataclass(frozen=True)
class Live:
    """A key that may change."""

    least: float
    most: float
    whole: bool
    get: Callable[[Any], Any]
    put: Callable[[Any, Any], None]


def _put_learning_rate(trainer: Any, value: float) -> None:
    before = trainer.args.learning_rate
    trainer.args.learning_rate = value
    scheduler = getattr(trainer.lr_scheduler, "scheduler", trainer.lr_scheduler)
    ratio = value / before if before else None

    def scaled(rate: float) -> float:
        # The schedule keeps its shape: every rate in it changes by the same factor.
        return value if ratio is None else rate * ratio

    if getattr(scheduler, "base_lrs", None):
        scheduler.base_lrs = [scaled(rate) for rate in scheduler.base_lrs]
    for group in trainer.optimizer.param_groups:
        group["lr"] = scaled(group["lr"])
        if "initial_lr" in group:
            group["initial_lr"] = scaled(group["initial_lr"])


def _loss_temperatures(trainer: Any) -> list[Any]:
    """The cells in which TRL's fused heads keep the temperature of the loss."""
    models = [trainer.accelerator.unwrap_model(trainer.model), getattr(trainer, "ref_model", None)]
    cells = []
    for model in models:
        if model is None:
            continue
        if hasattr(model, "get_base_model"):
            model = model.get_base_model()
        function: Any = getattr(getattr(model, "forward", None), "__func__", None)
        names = getattr(getattr(function, "__code__", None), "co_freevars", ())
        if "temperature" in names:
            cells.append(function.__closure__[names.index("temperature")])
    return cells


def _put_temperature(trainer: Any, value: float) -> None:
    trainer.temperature = trainer.args.temperature = value
    _put_generation(trainer, "temperature", value)
    for cell in _loss_temperatures(trainer):
        cell.cell_contents = value


def _put_max_new_tokens(trainer: Any, value: int) -> None:
    trainer.max_completion_length = trainer.args.max_completion_length = value
    _put_generation(trainer, "max_new_tokens", value, "max_completion_length")


def _put_generation(trainer: Any, name: str, value: Any, vllm_name: str | None = None) -> None:
    if getattr(trainer, "generation_config", None) is not None:
        setattr(trainer.generation_config, name, value)
    if getattr(trainer, "generation_kwargs", None) is not None:
        trainer.generation_kwargs[name] = value
    if getattr(trainer, "vllm_generation", None) is not None:
        setattr(trainer.vllm_generation, vllm_name or name, value)


def _in_trainer_and_args(name: str, args_name: str) -> Callable[[Any, Any], None]:
    def put(trainer: Any, value: Any) -> None:
        setattr(trainer, name, value)
        setattr(trainer.args, args_name, value)

    return put


def _every(name: str) -> Callable[[Any, Any], None]:
    def put(trainer: Any, value: int) -> None:
        strategy = {"save_steps": "save_strategy", "eval_steps": "eval_strategy"}[name]
        kind = type(getattr(trainer.args, strategy))
        setattr(trainer.args, strategy, kind("steps" if value else "no"))
        if value:
            setattr(trainer.args, name, value)
            setattr(trainer.state, name, value)

    return put


def _every_now(name: str) -> Callable[[Any], int]:
    strategy = {"save_steps": "save_strategy", "eval_steps": "eval_strategy"}[name]

    def get(trainer: Any) -> int:
        is_by_steps = str(getattr(trainer.args, strategy).value) == "steps"
        return int(getattr(trainer.state, name) or 0) if is_by_steps else 0

    return get


LIVE: dict[str, Live] = {
    "learning_rate": Live(0.0, 1.0, False, lambda t: t.args.learning_rate, _put_learning_rate),
    "temperature": Live(0.01, 10.0, False, lambda t: t.temperature, _put_temperature),
    "kl_coef": Live(0.0, 100.0, False, lambda t: t.beta, _in_trainer_and_args("beta", "beta")),
    "clip_eps_low": Live(0.0, 1.0, False, lambda t: t.epsilon_low, _in_trainer_and_args("epsilon_low", "epsilon")),
    "clip_eps_high": Live(
        0.0, 100.0, False, lambda t: t.epsilon_high, _in_trainer_and_args("epsilon_high", "epsilon_high")
    ),
    "max_grad_norm": Live(
        0.0, 1e6, False, lambda t: t.args.max_grad_norm, lambda t, v: setattr(t.args, "max_grad_norm", v)
    ),
    "max_new_tokens": Live(1, 65_536, True, lambda t: t.max_completion_length, _put_max_new_tokens),
    "checkpoint_every": Live(0, 10**9, True, _every_now("save_steps"), _every("save_steps")),
    "evaluate_every": Live(0, 10**9, True, _every_now("eval_steps"), _every("eval_steps")),
}


def key_of(name: str) -> str:
    """The lab's name of a key that may change. Raises ``ValueError`` if there is none."""
    key = TRL_NAMES.get(name.strip(), name.strip())
    if key not in LIVE:
        raise ValueError(f"TRL cannot change `{key[:60]}` during a run; it can change {', '.join(LIVE)}.")
    return key


def value_of(key: str, text: str) -> float | int:
    """A value from its text. Raises ``ValueError`` with what is allowed."""
    live = LIVE[key]
    try:
        value = int(text) if live.whole else float(text)
    except ValueError:
        value = math.nan
    if "_" in text or not math.isfinite(value) or not live.least <= value <= live.most:
        kind = "a whole number" if live.whole else "a number"
        raise ValueError(f"{key} must be {kind} from {live.least:g} to {live.most:g}, not `{text[:60]}`.")
    return value


def check(trainer: Any, key: str, text: str) -> tuple[str, str]:
    """The key under the lab's name and the value as text, if this trainer can take it.

    Raises ``ValueError`` with the reason if it cannot.
    """
    key = key_of(key)
    value = value_of(key, text.strip())
    if key == "kl_coef" and value > 0 and not _has_reference(trainer):
        raise ValueError(
            "kl_coef (TRL's beta) was 0 at the start, so that no reference model was loaded; begin with more than 0."
        )
    if key == "temperature" and not getattr(trainer, "use_vllm", False) and not _loss_temperatures(trainer):
        raise ValueError("This TRL computes the loss at a temperature that cannot be changed during a run.")
    if key == "evaluate_every" and value > 0 and getattr(trainer, "eval_dataset", None) is None:
        raise ValueError("evaluate_every needs an eval_dataset, and this trainer has none.")
    return key, text.strip()


def _has_reference(trainer: Any) -> bool:
    # An adapter is switched off to get the reference.
    has_adapter = hasattr(trainer.accelerator.unwrap_model(trainer.model), "peft_config")
    return getattr(trainer, "ref_model", None) is not None or has_adapter


def apply(trainer: Any, key: str, text: str) -> str:
    """Changes a key that was checked. What it was, as text."""
    live = LIVE[key]
    before = live.get(trainer)
    live.put(trainer, value_of(key, text))
    return f"{before:g}" if isinstance(before, float) else str(before)
