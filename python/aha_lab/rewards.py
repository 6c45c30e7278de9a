"""Rewards with an exact verifier, for TRL and verl. The program ``aha-lab`` gives them, so they are the lab's own.

For TRL, the data set needs the columns ``numbers`` (or ``nums``, as in TinyZero's) and ``target``::

    GRPOTrainer(model, reward_funcs=aha_lab.rewards.countdown, train_dataset=puzzles, ...)

For verl, ``custom_reward_function.path`` names this file and ``custom_reward_function.name`` is ``compute_score``.
"""

from __future__ import annotations

import atexit
import re
from collections.abc import Iterable, Sequence
from typing import Any

from aha_lab.scorer import Scorer

__all__ = ["compute_score", "countdown", "multiplication", "numbers_of", "text_of", "verl_countdown"]

_scorer = Scorer()
atexit.register(_scorer.close)


def countdown(
    prompts: Sequence[Any] | None = None,
    completions: Sequence[Any] = (),
    nums: Sequence[Any] | None = None,
    target: Sequence[Any] | None = None,
    numbers: Sequence[Any] | None = None,
    **_: Any,
) -> list[float]:
    """The reward of each completion of a Countdown puzzle: 1.0 for a right answer, 0.1 for a well-formed wrong one,
    else 0.0. Completions are texts or conversations; ``numbers`` (or ``nums``) and ``target`` hold one puzzle each.

    Raises ``ValueError`` if a puzzle is missing or wrong.
    """
    return _rewards("countdown", completions, numbers if numbers is not None else nums, target)


def multiplication(
    prompts: Sequence[Any] | None = None,
    completions: Sequence[Any] = (),
    numbers: Sequence[Any] | None = None,
    target: Sequence[Any] | None = None,
    **_: Any,
) -> list[float]:
    """The same for the product of two factors: ``numbers`` holds both, ``target`` their product."""
    return _rewards("multiplication", completions, numbers, target)


def verl_countdown(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Any = None,
    **_: Any,
) -> float:
    """The reward of one completion in verl's signature for ``custom_reward_function``. ``ground_truth`` is TinyZero's:
    ``{"numbers": [...], "target": n}``; a data source with `multiplication` in its name is of that task."""
    if not isinstance(ground_truth, dict) or "target" not in ground_truth:
        raise ValueError(f"The ground truth must hold `numbers` and `target`, not {ground_truth!r:.200}.")
    task = "multiplication" if "multiplication" in str(data_source) else "countdown"
    given = ground_truth.get("numbers", ground_truth.get("nums"))
    return float(_scorer.score(task, numbers_of(given), int(ground_truth["target"]), solution_str)["reward"])


#: The name that verl looks for unless it is told another.
compute_score = verl_countdown


def text_of(completion: Any) -> str:
    """A completion's text: itself, or what its messages say one after the other."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, dict):
        content = completion.get("content")
        return content if isinstance(content, str) else text_of(content or [])
    if isinstance(completion, list):
        parts = [
            part.get("text", "") if isinstance(part, dict) and "text" in part else text_of(part) for part in completion
        ]
        return "".join(parts)
    return ""


def numbers_of(given: Any) -> list[int]:
    """A puzzle's numbers from a list, an array, or a text such as ``[ 7 25 53 93]``, as verl writes arrays.

    Raises ``ValueError`` if they are none.
    """
    if isinstance(given, str):
        if not re.fullmatch(r"\s*[\[(]?[\s,\d+-]*[\])]?\s*", given):
            raise ValueError(f"These are no numbers: {given!r:.200}.")
        return [int(number) for number in re.findall(r"[+-]?\d+", given)]
    if hasattr(given, "tolist"):
        given = given.tolist()
    if not isinstance(given, Iterable):
        raise ValueError(f"The puzzle has no numbers, but {given!r:.200}.")
    return [int(number) for number in given]


def _rewards(
    task: str, completions: Sequence[Any], numbers: Sequence[Any] | None, target: Sequence[Any] | None
) -> list[float]:
    if numbers is None or target is None:
        raise ValueError(f"The data set of the reward `{task}` needs the columns `numbers` (or `nums`) and `target`.")
    rows = zip(completions, numbers, target, strict=True)
    return [
        float(_scorer.score(task, numbers_of(given), int(goal), text_of(completion))["reward"])
        for completion, given, goal in rows
    ]
