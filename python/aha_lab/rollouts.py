"""The lines of ``rollouts.jsonl`` and ``metrics.jsonl`` from what a trainer has at hand. Runs in the writer's thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev, stdev
from typing import Any

from aha_lab.program import ProgramMissing
from aha_lab.rewards import numbers_of, text_of
from aha_lab.scorer import Refused, Scorer, ScoringFailed

#: Tasks that the lab's verifier knows.
TASKS = ("countdown", "multiplication")
#: Names that a data set's columns may not take in a line.
TAKEN = frozenset(
    "step group index task prompt completion token_ids logprobs entropies reward rewards advantage correct truncated "
    "analysis images image".split()
)
#: Longest column of a data set that is written down, characters.
LONGEST_COLUMN = 4_000
#: Groups whose rewards differ by less are dead: so much is rounding.
ROUNDING = 1e-9


@dataclass
class Generation:
    """The completions of one call of TRL's sampler, of all processes, in the order of its groups."""

    step: int
    per_group: int
    task: str
    prompts: Sequence[Any]
    completions: Sequence[Any]
    columns: Sequence[Mapping[str, Any]]
    token_ids: Sequence[Sequence[int]]
    #: The rewards of each reward function, by its name, and their weights.
    rewards: Mapping[str, Sequence[float]]
    weights: Sequence[float]
    advantages: Sequence[float]
    ends: frozenset[int]
    #: Rows of floats, as long as the tokens or longer; ``None`` where not known.
    logprobs: Sequence[Any] = ()
    entropies: Sequence[Any] = ()

    def total(self, row: int) -> float:
        """The weighted sum of a completion's rewards; NaN if no function gave one."""
        given = [(weight, values[row]) for weight, values in zip(self.weights, self.rewards.values())]
        known = [weight * value for weight, value in given if not math.isnan(value)]
        return sum(known) if known else math.nan


@dataclass
class Facts:
    """What a step measured beside its completions."""

    step: int
    metrics: dict[str, Any] = field(default_factory=dict)
    #: Completions of an evaluation after the step.
    evaluated: list[Generation] = field(default_factory=list)


def puzzle_of(columns: Mapping[str, Any], task: str) -> dict[str, Any]:
    """A problem's own fields: numbers and target for the lab's tasks, any short column for others."""
    if task in TASKS:
        given = columns.get("numbers", columns.get("nums"))
        try:
            return {"numbers": numbers_of(given), "target": int(columns["target"])}
        except (KeyError, TypeError, ValueError):
            return {}
    kept = {}
    for name, value in columns.items():
        value = value.tolist() if hasattr(value, "tolist") else value
        if name not in TAKEN and _is_plain(value) and len(str(value)) <= LONGEST_COLUMN:
            kept[name] = value
    return kept


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (str, int, float, bool))


class Recorder:
    """Makes the lines. ``render`` words a conversation as the text that the model continued."""

    def __init__(self, scorer: Scorer, render: Callable[[Any], str], warn: Callable[[str], None]) -> None:
        self._scorer: Scorer | None = scorer
        self._render, self._warn = render, warn

    def lines(
        self, generations: Sequence[Generation], facts: Facts
    ) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """The lines of a step's completions, and the line of its metrics."""
        rollouts: list[Mapping[str, Any]] = []
        group = 0
        for generation in generations:
            rollouts += self._of(generation, group)
            group += math.ceil(len(generation.completions) / generation.per_group)
        metrics = dict(facts.metrics)
        judged = [line["correct"] for line in rollouts if "correct" in line]
        if judged:
            metrics["accuracy"] = fmean(judged)
            metrics |= self._readings()
        if rollouts:
            # The trainer's own come first.
            metrics = {**_of_groups(rollouts), **metrics}
        evaluated = [line["correct"] for made in facts.evaluated for line in self._of(made, 0) if "correct" in line]
        if evaluated:
            metrics["eval/accuracy"] = fmean(evaluated)
            self._readings()
        return rollouts, [{"step": facts.step, **metrics}]

    def _of(self, made: Generation, first_group: int) -> list[dict[str, Any]]:
        texts: dict[str, str] = {}
        lines = []
        for row, completion in enumerate(made.completions):
            prompt = made.prompts[row]
            shown = texts.setdefault(str(prompt), "") or self._worded(prompt)
            texts[str(prompt)] = shown
            ids = list(made.token_ids[row])
            puzzle = puzzle_of(made.columns[row], made.task)
            text = text_of(completion)
            line: dict[str, Any] = {
                "step": made.step,
                "group": first_group + row // made.per_group,
                "index": row % made.per_group,
                "task": made.task,
                **puzzle,
                "prompt": shown,
                "completion": text,
                "token_ids": ids,
                **_tokens("logprobs", made.logprobs, row, len(ids)),
                **_tokens("entropies", made.entropies, row, len(ids)),
                "reward": made.total(row),
                "rewards": {name: values[row] for name, values in made.rewards.items()},
                "advantage": made.advantages[row],
                **self._judged(made.task, puzzle, text),
                "truncated": not ids or ids[-1] not in made.ends,
            }
            lines.append(line)
        return lines

    def _worded(self, prompt: Any) -> str:
        if isinstance(prompt, str):
            return prompt
        try:
            return self._render(prompt)
        except Exception:  # A template may refuse in any way.
            return text_of(prompt)

    def _judged(self, task: str, puzzle: Mapping[str, Any], text: str) -> dict[str, Any]:
        if self._scorer is None or task not in TASKS or not puzzle:
            return {}
        try:
            found = self._scorer.score(task, puzzle["numbers"], puzzle["target"], text, analyze=True)
        except Refused:
            return {}
        except (ProgramMissing, ScoringFailed) as error:
            self._warn(f"Completions are not judged or analyzed: {error}")
            self._scorer = None
            return {}
        return {"correct": found["correct"], "analysis": found["analysis"]}

    def _readings(self) -> dict[str, Any]:
        try:
            return dict(self._scorer.readings()[0]) if self._scorer is not None else {}
        except (ProgramMissing, ScoringFailed, Refused):
            return {}


def _tokens(name: str, rows: Sequence[Any], row: int, length: int) -> dict[str, Any]:
    """A figure of each token, if it is known of all of them."""
    values = rows[row] if len(rows) > row else None
    if values is None or len(values) < length:
        return {}
    values = values[:length]
    values = values.tolist() if hasattr(values, "tolist") else list(values)
    # Seven digits are all that a 32-bit float has.
    return {name: [float(f"{value:.7g}") for value in values]}


def _of_groups(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    groups: dict[int, list[float]] = {}
    for line in lines:
        if not math.isnan(line["reward"]):
            groups.setdefault(line["group"], []).append(line["reward"])
    spreads = [stdev(rewards) if len(rewards) > 1 else 0.0 for rewards in groups.values()]
    if not spreads:
        return {}
    dead = [pstdev(rewards) <= ROUNDING for rewards in groups.values()]
    return {"reward_std_within_groups": fmean(spreads), "frac_reward_zero_std": fmean(dead)}
