"""The run directory, its journal, its control and its socket. Needs no more than Python."""

from __future__ import annotations

import errno
import json
import math
import os
import socket
import stat
import tempfile
import threading
import time
import unittest
import unittest.mock
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aha_lab.control import Control
from aha_lab.control_socket import LONGEST_LINE, SOCKET_FILE, ControlSocket
from aha_lab.journal import MOST_WAITING, Journal
from aha_lab.ranks import Ranks
from aha_lab.rollouts import Facts, Generation, Recorder
from aha_lab.run_directory import RunDirectory, json_line, table_of
from aha_lab.scorer import Scorer
from aha_lab.settings import check, key_of, value_of

PATIENCE = 20.0


def until(what: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > PATIENCE:
            raise AssertionError("it does not happen")
        time.sleep(0.005)


class InAFolder(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def run_directory(self, name: str = "a b") -> RunDirectory:
        config = {"task": "countdown", "learning_rate": 1e-5, "seed": None, "beta": math.nan, "scale_rewards": True}
        return RunDirectory(
            self.folder.name, name, config, {"backend": 'cpu "x"\n'}, {"name": "TRL", "commands": ["pause"]}
        )


class Directories(InAFolder):
    def test_it_is_a_run_with_whole_files_and_a_lock_of_its_owner(self) -> None:
        runs = [self.run_directory(), self.run_directory()]
        self.assertNotEqual(runs[0].path, runs[1].path)
        self.assertRegex(runs[0].path.name, r"^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-a-b$")
        text = (runs[0].path / "config.toml").read_text()
        self.assertTrue(
            text.startswith('schema_version = 1\ntask = "countdown"\nlearning_rate = 1e-05\nscale_rewards = true\n')
        )
        self.assertIn('[provenance]\nbackend = "cpu \\"x\\"\\n"\ncreated = "20', text)
        self.assertIn('[provenance.engine]\nname = "TRL"\ncommands = ["pause"]\n', text)
        self.assertEqual(stat.S_IMODE((runs[0].path / "run.lock").stat().st_mode), 0o600)
        self.assertEqual((runs[0].path / "run.pid").read_text(), str(os.getpid()))
        self.assertEqual([path.name for path in runs[0].path.iterdir() if "partial" in path.name], [])
        for run in runs:
            run.close()
        self.assertFalse((runs[0].path / "run.pid").exists())

    def test_a_name_stays_within_the_folder(self) -> None:
        run = self.run_directory("../../etc/pass wd" + "x" * 300)
        self.assertEqual(run.path.parent, Path(self.folder.name))
        self.assertLess(len(run.path.name), 100)
        run.close()

    def test_lines_are_json_whatever_is_in_them(self) -> None:
        hostile = {"text": "a\nb\u2028\x00\ud800é", "nan": math.nan, "deep": [{"inf": -math.inf}], "n": 2**70}
        line = json_line(hostile)
        self.assertEqual(line.count(b"\n"), 1)
        read = json.loads(line)
        self.assertEqual((read["text"], read["nan"], read["deep"]), ("a\nb\u2028\x00?é", None, [{"inf": None}]))
        self.assertEqual(table_of({"a": "\x7f\ud800", "b": 2**70, "c": None, "d": [1, math.inf]}), 'a = " ?"\n')


class Journals(InAFolder):
    def journal(self) -> tuple[Journal, list[str]]:
        warned: list[str] = []
        return Journal(self.run_directory(), warned.append), warned

    def lines(self, journal: Journal, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (journal.run.path / name).read_text().splitlines()]

    def test_a_full_queue_makes_the_training_wait_and_loses_nothing(self) -> None:
        journal, _ = self.journal()
        slow = threading.Event()

        def make(step: int) -> Callable[[], Any]:
            def made() -> Any:
                slow.wait(PATIENCE)
                return [{"step": step, "index": index} for index in range(3)], [{"step": step}]

            return made

        steps = MOST_WAITING + 20
        trains = threading.Thread(target=lambda: [journal.step(make(step)) for step in range(steps)])
        trains.start()
        trains.join(0.2)
        self.assertTrue(trains.is_alive(), "it waits")
        slow.set()
        trains.join(PATIENCE)
        journal.flush()
        self.assertEqual([line["step"] for line in self.lines(journal, "metrics.jsonl")], list(range(steps)))
        self.assertEqual(len(self.lines(journal, "rollouts.jsonl")), 3 * steps)
        journal.close()

    def test_a_full_disk_leaves_whole_lines_and_is_tried_again(self) -> None:
        journal, warned = self.journal()
        journal.event(0, "started", "first")
        journal.flush()
        write, refused = os.write, []

        def torn(file: int, data: Any) -> int:
            if len(refused) < 2:
                refused.append(write(file, bytes(data)[:5]))
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(file, data)

        with (
            unittest.mock.patch("aha_lab.run_directory.os.write", torn),
            unittest.mock.patch("aha_lab.journal.AGAIN", 0.01),
        ):
            journal.event(1, "paused", "second")
            journal.flush()
        self.assertEqual([line["event"] for line in self.lines(journal, "events.jsonl")], ["started", "paused"])
        self.assertEqual((len(refused), len(warned)), (2, 1))
        journal.close()

    def test_a_record_that_cannot_be_made_does_not_end_the_journal(self) -> None:
        journal, warned = self.journal()
        journal.step(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
        journal.step(lambda: ([], [{"step": 2}]))
        journal.flush()
        self.assertEqual((self.lines(journal, "metrics.jsonl"), len(warned)), ([{"step": 2}], 1))
        journal.close()


class Lines(unittest.TestCase):
    def test_what_is_not_known_is_left_out(self) -> None:
        made = Generation(
            step=3, per_group=2, task="", prompts=["p", [{"content": "q"}]] * 2, completions=["a", "b", "c", "d"],
            columns=[{"answer": 42, "image": "x", "step": 9}] * 4, token_ids=[[5, 1], [5], [], [7]],
            rewards={"style": [1.0, 0.0, math.nan, 1.0], "right": [0.5, 0.5, math.nan, math.nan]}, weights=[1.0, 2.0],
            advantages=[0.5, -0.5, 0.0, 0.0], ends=frozenset([1]), logprobs=[[-0.123456789, -1.0], None, [], [-2.0]],
        )  # fmt: skip
        warned: list[str] = []
        lines, (metrics,) = Recorder(Scorer(), lambda _: "worded", warned.append).lines([made], Facts(3, {"kl": 0.5}))
        first, second, third, fourth = lines
        self.assertEqual((first["answer"], first["step"], "image" in first), (42, 3, False))
        self.assertEqual((first["reward"], first["logprobs"]), (2.0, [-0.1234568, -1.0]))
        self.assertEqual((second["prompt"], "logprobs" in second, "correct" in second), ("worded", False, False))
        self.assertTrue(math.isnan(third["reward"]) and third["truncated"] and not first["truncated"])
        self.assertEqual([(line["group"], line["index"]) for line in lines], [(0, 0), (0, 1), (1, 0), (1, 1)])
        self.assertEqual((metrics["step"], metrics["kl"], "accuracy" in metrics, warned), (3, 0.5, False, []))
        self.assertEqual(fourth["reward"], 1.0, "what a function does not say counts nothing")

    def test_a_missing_program_is_told_once(self) -> None:
        made = Generation(1, 2, "countdown", ["p"] * 2, ["a"] * 2, [{"nums": [1], "target": 1}] * 2, [[1]] * 2,
                          {"r": [0.0] * 2}, [1.0], [0.0] * 2, frozenset())  # fmt: skip
        warned: list[str] = []
        with unittest.mock.patch.dict(os.environ, AHA_LAB_BIN="/nowhere"):
            lines, _ = Recorder(Scorer(), str, warned.append).lines([made, made], Facts(1))
        self.assertEqual([line["group"] for line in lines], [0, 0, 1, 1])
        self.assertEqual((len(warned), lines[0]["numbers"], "correct" in lines[0]), (1, [1], False))


class Commands(unittest.TestCase):
    def setUp(self) -> None:
        self.told: list[Mapping[str, Any]] = []
        self.noted: list[str] = []
        note = lambda name, detail, **_: self.noted.append(name)  # noqa: E731
        self.control = Control(self.told.append, note, lambda key, value: (key, value), "token")

    def do(self, **request: Any) -> tuple[bool, str]:
        return self.control.command(request)

    def test_a_pause_holds_until_it_is_resumed(self) -> None:
        self.control.hold()
        self.assertTrue(self.do(command="pause")[0] and self.control.wants_pause)
        holds = threading.Thread(target=self.control.hold)
        holds.start()
        until(lambda: {"temporality": "paused"} in self.told)
        self.assertTrue(holds.is_alive())
        self.do(command="resume")
        holds.join(PATIENCE)
        words = [event["temporality"] for event in self.told]
        self.assertEqual(words, ["pausing", "paused", "unpausing", "live"])
        self.assertEqual(self.noted, ["paused", "resumed"])

    def test_a_step_goes_so_far_and_pauses(self) -> None:
        self.do(command="pause")
        self.do(command="step", phases=2)
        self.control.ended("phase")
        self.assertFalse(self.control.wants_pause)
        self.control.ended("step")
        self.control.ended("phase")
        self.assertTrue(self.control.wants_pause)
        self.do(command="step", steps=1)
        self.control.ended("phase")
        self.assertFalse(self.control.wants_pause)
        self.control.ended("step")
        self.assertTrue(self.control.wants_pause)

    def test_bad_commands_are_refused_with_a_sentence(self) -> None:
        for request in (
            {}, {"command": "dance"}, {"command": ["pause"]}, {"command": "pin", "numbers": [1]}, {"command": "step"},
            {"command": "step", "phases": 0}, {"command": "step", "phases": True}, {"command": "step", "steps": 1.5},
            {"command": "step", "phases": 1, "steps": 1}, {"command": "step", "steps": 2**40}, {"command": "set"},
            {"command": "set", "key": "temperature", "value": 1},
        ):  # fmt: skip
            accepted, sentence = self.control.command(request)
            self.assertTrue(not accepted and sentence.endswith((".", "}.")), (request, sentence))
        self.assertFalse(self.control.wants_pause)

    def test_a_checkpoint_and_an_end_wake_a_paused_run(self) -> None:
        self.do(command="pause")
        self.do(command="checkpoint")
        self.control.hold(self.control.checkpoint_is_wanted)
        self.assertTrue(self.control.take_checkpoint() and not self.control.take_checkpoint())
        self.do(command="stop")
        self.control.hold()
        self.assertTrue(self.control.stops)

    def test_keys_have_the_names_of_both_and_bounds(self) -> None:
        self.assertEqual(
            (key_of("beta"), key_of(" epsilon "), key_of("kl_coef")), ("kl_coef", "clip_eps_low", "kl_coef")
        )
        self.assertEqual((value_of("learning_rate", "3e-6"), value_of("max_new_tokens", "64")), (3e-6, 64))
        for key, value in (
            ("learning_rate", "2"), ("learning_rate", "nan"), ("temperature", "0"), ("max_new_tokens", "1.5"),
            ("max_new_tokens", "1_0"), ("learning_rate", "fast"),
        ):  # fmt: skip
            with self.assertRaisesRegex(ValueError, key):
                value_of(key, value)
        with self.assertRaisesRegex(ValueError, "group_size"):
            check(None, "group_size", "4")


class Sockets(InAFolder):
    def setUp(self) -> None:
        super().setUp()
        self.asked: list[Mapping[str, Any]] = []

        def command(request: Mapping[str, Any]) -> tuple[bool, str]:
            self.asked.append(request)
            return request.get("command") == "pause", "Said."

        self.run_path = Path(self.folder.name)
        self.server = ControlSocket(self.run_path, command)
        self.addCleanup(self.server.close)

    def client(self) -> tuple[socket.socket, Any]:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(PATIENCE)
        stream.connect(str(self.run_path / SOCKET_FILE))
        self.addCleanup(stream.close)
        reader = stream.makefile("rb")
        self.addCleanup(reader.close)
        self.assertEqual(json.loads(reader.readline()), {"hello": {"program": "aha-lab", "process": os.getpid()}})
        return stream, reader

    def test_it_is_its_owners_alone(self) -> None:
        found = (self.run_path / SOCKET_FILE).stat()
        self.assertTrue(stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600)
        self.assertEqual([path.name for path in self.run_path.iterdir()], [SOCKET_FILE])

    def test_commands_are_answered_and_nonsense_is_refused(self) -> None:
        stream, reader = self.client()
        for line, answer in (
            (b'{"command":"pause"}', {"done": "Said."}),
            (b'{"command":"dance"}', {"refused": "Said."}),
            (b"[" * 100_000, None),
            (b"\xff\x00", None),
            (b"3", None),
        ):
            stream.sendall(line + b"\n")
            said = json.loads(reader.readline())
            self.assertTrue(said == answer if answer else "not a command" in said["refused"], said)
        stream.sendall(b"x" * (LONGEST_LINE + 1))
        self.assertIn("at most", json.loads(reader.readline())["refused"])
        self.assertEqual(reader.readline(), b"", "and is sent away")
        self.assertEqual(len(self.asked), 2)

    def test_who_watches_late_is_told_what_the_step_has_so_far(self) -> None:
        place = {"step": 2, "group": 0, "index": 1}
        self.server.tell({"completion": {**place, "step": 1, "puzzle": {}}})
        self.server.tell({"completion": {**place, "puzzle": {"target": 3}}})
        self.server.tell({"token": {**place, "text": "so"}})
        self.server.tell({"token": {**place, "text": " on"}})
        self.server.tell({"phase": {"step": 2, "phase": "sample", "done": 0, "total": 1}})
        self.assertFalse(self.server.watched)
        stream, reader = self.client()
        stream.sendall(b'{"command":"watch"}\n')
        told = [json.loads(reader.readline())["told"] for _ in range(3)]
        self.assertEqual([list(event) for event in told], [["completion"], ["token"], ["phase"]])
        self.assertEqual((told[0]["completion"]["step"], told[1]["token"]["text"]), (2, "so on"))
        until(lambda: self.server.watched)
        self.server.tell({"temporality": "paused"})
        self.assertEqual(json.loads(reader.readline()), {"told": {"temporality": "paused"}})
        reader.close()
        stream.close()
        until(lambda: not self.server.watched)

    def test_it_is_gone_when_it_is_closed_and_the_last_words_arrive(self) -> None:
        stream, reader = self.client()
        stream.sendall(b'{"command":"watch"}\n')
        until(lambda: self.server.watched)
        self.server.tell({"finished": {"steps": 3, "run": "x"}})
        self.server.close()
        self.assertEqual(json.loads(reader.readline()), {"told": {"finished": {"steps": 3, "run": "x"}}})
        self.assertEqual((reader.readline(), list(self.run_path.iterdir())), (b"", []))

    def test_a_reader_that_never_reads_holds_nobody_up(self) -> None:
        stream, _ = self.client()
        stream.sendall(b'{"command":"watch"}\n')
        until(lambda: self.server.watched)
        began = time.monotonic()
        for _ in range(20_000):
            self.server.tell({"token": {"step": 1, "group": 0, "index": 0, "text": "x" * 100}})
        self.assertLess(time.monotonic() - began, PATIENCE)


class Alone(unittest.TestCase):
    def test_one_process_decides_by_itself(self) -> None:
        accelerator = unittest.mock.Mock(process_index=0, num_processes=1)
        ranks = Ranks(accelerator)
        self.assertEqual(ranks.agree(lambda: {"stop": True}), {"stop": True})
        ranks.announce(True)
        ranks.hold()


if __name__ == "__main__":
    unittest.main()
