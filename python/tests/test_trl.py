"""A real training by TRL, commanded through its socket. Skipped where TRL is not installed."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aha_lab import program

SCRIPT = Path(__file__).with_name("run_trl.py")
PATIENCE = 300.0
HAS_TRL = importlib.util.find_spec("trl") is not None and importlib.util.find_spec("torch") is not None


class Training:
    """A training in a process of its own, or in several, and who watches it."""

    def __init__(self, base: str, runs: str, *more: str, processes: int = 1) -> None:
        command = [sys.executable, str(SCRIPT)]
        if processes > 1:
            # accelerate's launcher starts one process on a CPU, whatever it is told.
            launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
            command = [sys.executable, *launch, str(SCRIPT)]
        python = os.pathsep.join([str(SCRIPT.parent.parent), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [*command, "--base", base, "--runs", runs, *more],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": python, "OMP_NUM_THREADS": "1"},
        )
        self.run = self._run(Path(runs))
        self.events: list[dict[str, Any]] = []
        self._stream = socket.socket(socket.AF_UNIX)
        self._stream.settimeout(PATIENCE)
        self._stream.connect(str(self.run / "control.sock"))
        self._reader = self._stream.makefile("rb")
        assert "hello" in json.loads(self._reader.readline())
        self.say(command="watch")

    def _run(self, runs: Path) -> Path:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE and self.process.poll() is None:
            for socket_path in runs.glob("*/control.sock"):
                return socket_path.parent
            time.sleep(0.1)
        raise AssertionError("the training does not begin")

    def say(self, **request: Any) -> None:
        self._stream.sendall(json.dumps(request).encode() + b"\n")

    def until(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Reads on to the first event of a kind."""
        while line := self._reader.readline():
            said = json.loads(line)
            event = said.get("told", said)
            self.events.append(event)
            if what(event):
                return event
        raise AssertionError(f"it does not come; the last was {self.events[-3:]}")

    def until_it_is(self, temporality: str) -> None:
        self.until(lambda event: event.get("temporality") == temporality)

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing is told for so long."""
        self._stream.settimeout(seconds)
        try:
            line = self._stream.recv(1, socket.MSG_PEEK)
            return not line
        except TimeoutError:
            return True
        finally:
            self._stream.settimeout(PATIENCE)

    def ends(self) -> dict[str, Any]:
        output, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, output
        return dict(json.loads(output.splitlines()[-1]))

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run / name).read_text().splitlines()]

    def close(self) -> None:
        self._reader.close()
        self._stream.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()


@unittest.skipUnless(HAS_TRL, "TRL is not installed")
class Trl(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.runs = os.path.join(folder.name, "runs")
        self.base = os.path.join(folder.name, "base")
        subprocess.run([program.find(), "export", "embedded", self.base], check=True, capture_output=True)

    def begin(self, *more: str, processes: int = 1) -> Training:
        training = Training(self.base, self.runs, *more, processes=processes)
        self.addCleanup(training.close)
        return training

    def test_it_is_watched_and_commanded(self) -> None:
        training = self.begin("--steps", "60", "--paused", "--beta", "0.02")
        training.until_it_is("paused")
        training.say(command="resume")
        training.until(lambda event: "token" in event)
        training.say(command="pause")
        training.until(lambda event: "done" in event)
        training.until_it_is("paused")
        self.assertTrue(training.is_quiet(2.0), "paused in the middle of sampling")
        self.assertEqual(training.lines("metrics.jsonl"), [])

        for key, value in (("learning_rate", "3e-6"), ("temperature", "0.7"), ("beta", "0.05"), ("epsilon", "0.1")):
            training.say(command="set", key=key, value=value)
            training.until(lambda event: "done" in event)
        training.say(command="set", key="group_size", value="4")
        self.assertIn("group_size", training.until(lambda event: "refused" in event)["refused"])
        training.say(command="step", phases=1)
        training.until_it_is("paused")
        phases = [event["phase"] for event in training.events if "phase" in event]
        self.assertEqual((phases[-1]["phase"], phases[-1]["done"]), ("sample", 32))
        for phase in ("score", "advantage", "update"):
            training.say(command="step", phases=1)
            last = training.until(lambda event, name=phase: event.get("phase", {}).get("phase") == name)
            training.until_it_is("paused")
            self.assertEqual(last["phase"]["step"], 1)
        training.say(command="step", phases=1)
        training.until_it_is("paused")
        self.assertEqual([line["step"] for line in training.lines("metrics.jsonl")], [1])
        training.say(command="checkpoint")
        saved = training.until(lambda event: "checkpoint" in event)["checkpoint"]
        self.assertEqual(saved["step"], 1)
        self.assertTrue(Path(saved["path"], "model.safetensors").exists())
        training.say(command="step", steps=2)
        training.until_it_is("paused")
        self.assertEqual([line["step"] for line in training.lines("metrics.jsonl")], [1, 2, 3])
        training.say(command="stop")
        ended = training.until(lambda event: "finished" in event)["finished"]
        self.assertEqual(ended["steps"], 4)
        training.ends()

        events = training.lines("events.jsonl")
        sets = {event["key"]: (event["before"], event["value"]) for event in events if event["event"] == "set"}
        self.assertEqual(sets["kl_coef"], ("0.02", "0.05"))
        self.assertEqual(sets["learning_rate"], ("1e-05", "3e-6"))
        self.assertLess(training.lines("metrics.jsonl")[1]["learning_rate"], 3.1e-6)
        self.assertEqual((events[0]["event"], events[-1]["event"]), ("started", "finished"))
        self.assertFalse((training.run / "control.sock").exists())
        self.whole(training, steps=4)

        # What was shown while it was written is what was written.
        shown: dict[tuple[int, int, int], str] = {}
        for event in training.events:
            if "token" in event:
                piece = event["token"]
                place = (piece["step"], piece["group"], piece["index"])
                shown[place] = shown.get(place, "") + piece["text"]
        written = {
            (line["step"], line["group"], line["index"]): line["completion"]
            for line in training.lines("rollouts.jsonl")
        }
        self.assertGreater(len(shown), 100)
        self.assertEqual({place: written[place] for place in shown}, shown)
        # At the temperature that it was set to, likely tokens are likelier: the log-probabilities are of that policy.
        self.assertGreater(self.mean_logprob(training, 2), self.mean_logprob(training, 1))

    def mean_logprob(self, training: Training, step: int) -> float:
        values = [v for line in training.lines("rollouts.jsonl") if line["step"] == step for v in line["logprobs"]]
        return sum(values) / len(values)

    def whole(self, training: Training, steps: int) -> None:
        """All lines are there, and each knows what can be known."""
        rollouts = training.lines("rollouts.jsonl")
        places = [(line["step"], line["group"], line["index"]) for line in rollouts]
        self.assertEqual(places, [(s, g, i) for s in range(1, steps + 1) for g in range(4) for i in range(8)])
        for line in rollouts:
            self.assertEqual(len(line["logprobs"]), len(line["token_ids"]))
            self.assertEqual(len(line["entropies"]), len(line["token_ids"]))
            self.assertLessEqual(max(line["logprobs"]), 0.0)
            self.assertEqual((line["task"], list(line["rewards"])), ("countdown", ["countdown"]))
            self.assertAlmostEqual(line["reward"], 1.0 if line["correct"] else line["rewards"]["countdown"], places=6)
        for group in range(4):
            row = [line for line in rollouts if (line["step"], line["group"]) == (1, group)]
            self.assertEqual(len({line["prompt"] for line in row}), 1, "a group has one prompt")
            self.assertAlmostEqual(sum(line["advantage"] for line in row), 0.0, places=2)
        for line in training.lines("metrics.jsonl"):
            for name in (
                "reward",
                "accuracy",
                "loss",
                "grad_norm",
                "entropy",
                "num_tokens",
                "reasoning/checks",
                "step_time",
            ):
                self.assertIn(name, line)
            of_step = [other["reward"] for other in rollouts if other["step"] == line["step"]]
            self.assertAlmostEqual(line["reward"], sum(of_step) / len(of_step), places=5)

    def test_two_processes_write_one_run_and_hold_together(self) -> None:
        training = self.begin("--steps", "4", "--paused", processes=2)
        training.until_it_is("paused")
        training.say(command="resume")
        training.until(lambda event: "token" in event)
        training.say(command="pause")
        training.until_it_is("paused")
        self.assertTrue(training.is_quiet(2.0))
        training.say(command="set", key="learning_rate", value="2e-6")
        training.say(command="step", steps=1)
        training.until_it_is("paused")
        training.say(command="checkpoint")
        training.until(lambda event: "checkpoint" in event)
        training.say(command="resume")
        training.until(lambda event: "finished" in event)
        told = training.ends()
        self.assertEqual(Path(told["run"]), training.run)
        self.assertEqual(len(list(Path(self.runs).glob("*/config.toml"))), 1)
        self.assertIn('backend = "cpu x2"', (training.run / "config.toml").read_text())
        self.whole(training, steps=4)

    def test_several_updates_of_one_sample_and_small_batches(self) -> None:
        training = self.begin("--steps", "4", "--accumulate", "2", "--iterations", "2", "--evaluate", "2")
        training.until(lambda event: "finished" in event)
        training.ends()
        rollouts, metrics = training.lines("rollouts.jsonl"), training.lines("metrics.jsonl")
        self.assertEqual({line["step"] for line in rollouts}, {1, 3}, "each sample is used for two steps")
        self.assertTrue(all(len(line["logprobs"]) == len(line["token_ids"]) for line in rollouts))
        self.assertEqual([line["step"] for line in metrics], [1, 2, 3, 4])
        self.assertTrue("eval/accuracy" in metrics[1] and "reward" in metrics[2] and "reward" not in metrics[1])

    def test_a_run_that_is_killed_leaves_whole_lines(self) -> None:
        training = self.begin("--steps", "60")
        training.until(lambda event: "phase" in event and event["phase"]["step"] == 3)
        training.process.terminate()
        training.process.wait(timeout=PATIENCE)
        self.assertGreaterEqual(len(training.lines("metrics.jsonl")), 1)
        training.lines("rollouts.jsonl")


if __name__ == "__main__":
    unittest.main()
