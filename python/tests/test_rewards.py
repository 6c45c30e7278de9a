"""The rewards, against the program itself. Needs no more than Python and the program."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from aha_lab import program, rewards
from aha_lab.scorer import Refused, Scorer, ScoringFailed

CASES = 4_000
#: Pieces of which answers are made: right ones, wrong ones, and what strangers try.
PIECES = [
    "<answer>", "</answer>", "<think>", "</think>", " ", "\n", "+", "-", "*", "/", "×", "÷", "−", "(", ")", "=", "**", "//",
    ".", "1.5", "eval", "1", "2", "3", "7", "25", "78", "check : ", " is not ", "²", "\u2028", "\x00",
    "\ud800", "é", "0", "e3",
]  # fmt: skip


def cases(seed: int) -> list[tuple[list[int], int, str]]:
    """Puzzles with completions of every kind; about a third are right."""
    dice, made = random.Random(seed), []
    for _ in range(CASES):
        numbers = [dice.randint(1, 30) for _ in range(dice.randint(2, 5))]
        text, value = str(numbers[0]), numbers[0]
        for number in numbers[1:]:
            sign = dice.choice("+-*")
            text, value = (
                f"({text}) {sign} {number}",
                {"+": value + number, "-": value - number, "*": value * number}[sign],
            )
        kind = dice.random()
        if kind < 0.4:
            completion = f"<think>{dice.choice(PIECES)}</think> <answer>{text}</answer>"
        elif kind < 0.6:
            completion = f"so {text} = {value} <answer> {text} = {value + dice.randint(0, 1)} </answer>"
        else:
            completion = "<answer>" * dice.randint(0, 1) + "".join(dice.choices(PIECES, k=dice.randint(0, 30)))
        made.append((numbers, value + (dice.random() < 0.2), completion))
    return made


class Rewards(unittest.TestCase):
    def test_thousands_of_completions_earn_what_the_program_gives_them(self) -> None:
        made = cases(1)
        texts = [completion.encode("utf-8", "replace").decode() for _, _, completion in made]
        lines = [
            json.dumps({"numbers": numbers, "target": target, "completion": text})
            for (numbers, target, _), text in zip(made, texts)
        ]
        done = subprocess.run(
            [program.find(), "score"], input="\n".join(lines), capture_output=True, text=True, check=True
        )
        expected = [json.loads(line)["reward"] for line in done.stdout.split("\n") if line]
        numbers, targets, completions = zip(*made)
        given = rewards.countdown(completions=completions, nums=numbers, target=targets)
        self.assertEqual(given, expected)
        self.assertTrue(all(expected.count(reward) > CASES // 20 for reward in (0.0, 0.1, 1.0)), "all kinds occur")
        for (drawn, target, completion), reward in list(zip(made, expected))[:500]:
            truth = {"numbers": drawn, "target": target}
            self.assertEqual(rewards.compute_score("countdown", completion, truth, {}), reward)

    def test_conversations_and_arrays_are_read(self) -> None:
        said = [{"role": "assistant", "content": "<answer>2 * 3</answer>"}]
        parts = [{"role": "assistant", "content": [{"type": "text", "text": "<answer>2 + 3</answer>"}]}]
        given = rewards.countdown(completions=[said, parts], numbers=[[2, 3]] * 2, target=[6, 6], trainer_state=None)
        self.assertEqual(given, [1.0, 0.1])
        truth = {"numbers": "[ 2  3]", "target": "6"}
        self.assertEqual(rewards.verl_countdown("x/countdown", "<answer>2*3</answer>", truth), 1.0)
        self.assertEqual(
            rewards.multiplication(completions=["<answer>42</answer>"], numbers=[[6, 7]], target=[42]),
            [rewards.verl_countdown("multiplication", "<answer>42</answer>", {"numbers": [6, 7], "target": 42})],
        )

    def test_what_is_missing_is_named(self) -> None:
        for wrong, words in (
            (lambda: rewards.countdown(completions=["x"], target=[1]), "`numbers`"),
            (lambda: rewards.countdown(completions=["x"], numbers=[[]], target=[1]), "at least one"),
            (lambda: rewards.countdown(completions=["x"], numbers=["__import__"], target=[1]), "no numbers"),
            (lambda: rewards.countdown(completions=["x"], numbers=[[1]], target=[2**60]), "out of range"),
            (lambda: rewards.verl_countdown("c", "x", "6"), "`target`"),
        ):
            with self.assertRaisesRegex(ValueError, words):
                wrong()

    def test_a_server_that_dies_is_started_again(self) -> None:
        scorer = Scorer()
        ask = lambda: scorer.score("countdown", [2, 3], 6, "<answer>2*3</answer>")["reward"]  # noqa: E731
        self.assertEqual(ask(), 1.0)
        assert scorer._child is not None
        first = scorer._child.pid
        os.kill(first, signal.SIGTERM)
        scorer._child.wait()
        self.assertEqual(ask(), 1.0)
        self.assertNotEqual(scorer._child.pid, first)
        with self.assertRaises(Refused):
            scorer.score("chess", [2], 2, "")
        self.assertEqual(ask(), 1.0, "a bad line ends nothing")
        scorer.close()

    def test_one_that_never_answers_is_an_error(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            silent = Path(folder, "aha-lab")
            silent.write_text("#!/bin/sh\nexit 0\n")
            silent.chmod(0o700)
            scorer = Scorer(path=str(silent))
            with self.assertRaisesRegex(ScoringFailed, "without an answer"):
                scorer.score("countdown", [1], 1, "")
            scorer.close()

    def test_the_readings_are_means_over_what_was_analyzed(self) -> None:
        scorer = Scorer()
        text = "<think>2 * 3 = 6 . check : 6 = 6 , yes .</think> <answer>2 * 3</answer>"
        found = scorer.score("countdown", [2, 3], 6, text, analyze=True)
        scorer.score("countdown", [2, 3], 6, "", analyze=True)
        self.assertEqual(found["analysis"]["checks"], 1)
        means, rules = scorer.readings()
        self.assertEqual((means["reasoning/checks"], len(rules)), (0.5, 16))
        self.assertEqual(scorer.readings()[0], {})
        scorer.close()


class Program(unittest.TestCase):
    def test_a_name_that_is_no_program_is_refused(self) -> None:
        with mock.patch.dict(os.environ, AHA_LAB_BIN="/nowhere/aha-lab"):
            with self.assertRaisesRegex(program.ProgramMissing, "AHA_LAB_BIN"):
                program.find()

    def test_importing_needs_the_standard_library_alone(self) -> None:
        code = (
            "import sys, aha_lab, aha_lab.rewards; "
            "print([m for m in ('torch', 'transformers', 'trl') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "[]")


if __name__ == "__main__":
    unittest.main()
