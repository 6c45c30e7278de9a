"""Projects of ``aha-lab scale``, as their engines take them. Each part is skipped where its engine is not installed."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from aha_lab import program

PACKAGE = Path(__file__).resolve().parent.parent
PATIENCE = 300.0
ALGORITHMS = {
    "trl": ["lab", "grpo", "dr_grpo", "dapo", "gspo", "cispo", "sapo"],
    "verl": [
        "lab", "grpo", "dr_grpo", "dapo", "rloo", "reinforce_pp", "reinforce_pp_baseline", "gspo", "cispo", "sapo",
    ],
}  # fmt: skip


def has(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in modules)


class Projects(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.lab("export", "embedded", str(self.home / "base"))

    def lab(self, *arguments: str) -> str:
        return subprocess.run([program.find(), *arguments], check=True, capture_output=True, text=True).stdout

    def scale(self, engine: str, name: str, *more: str) -> Path:
        folder = self.home / name
        self.lab("scale", "--engine", engine, str(folder), "--base", str(self.home / "base"), "--steps", "3", *more)
        return folder

    def environment(self) -> dict[str, str]:
        python = os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")])
        return {**os.environ, "PYTHONPATH": python, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@unittest.skipUnless(has("pyarrow"), "pyarrow is not installed")
class Data(Projects):
    def test_the_puzzles_have_tinyzeros_schema(self) -> None:
        import pyarrow.parquet

        folder = self.scale("verl", "project")
        for split, count in (("train", 3 * 128), ("heldout", 512)):
            rows = pyarrow.parquet.read_table(folder / "data" / f"{split}.parquet").to_pylist()
            self.assertEqual(len(rows), count)
            for index, row in enumerate(rows):
                truth = {"target": row["target"], "numbers": row["nums"]}
                self.assertEqual(row["data_source"], "countdown")
                self.assertEqual(row["reward_model"], {"style": "rule", "ground_truth": truth})
                self.assertEqual(row["extra_info"], {"split": split, "index": index})
                (message,) = row["prompt"]
                self.assertEqual(message["role"], "user")
                self.assertIn(f"make {row['target']} ", message["content"])


@unittest.skipUnless(has("trl", "torch", "accelerate"), "TRL is not installed")
class Trl(Projects):
    def test_it_runs_as_written_on_two_processes_and_its_run_opens(self) -> None:
        folder = self.scale(
            "trl", "project", "--gpus", "2", "--set", "prompts_per_step=4", "--set", "group_size=4",
            "--set", "max_new_tokens=48", "--set", "evaluate_every=0", "--set", "checkpoint_every=2",
            "--set", "task=countdown", "--set", "level=3x20",
        )  # fmt: skip
        ended = subprocess.run(
            [str(folder / "launch.sh"), "--disable_tqdm", "true"],
            env={**self.environment(), "CPU": "2", "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        (run,) = (folder / "runs").iterdir()
        metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        rollouts = [json.loads(line) for line in (run / "rollouts.jsonl").read_text().splitlines()]
        self.assertIn('backend = "cpu x2"', (run / "config.toml").read_text())
        self.assertEqual([line["step"] for line in metrics], [1, 2, 3])
        self.assertEqual(len(rollouts), 3 * 16)
        self.assertTrue(all(line["task"] == "countdown" and line["analysis"] is not None for line in rollouts))
        (listed,) = json.loads(self.lab("runs", "--json", "--runs", str(folder / "runs")))["runs"]
        self.assertEqual(listed["steps"], 3)
        self.assertIn("TRL", self.screen("open", str(run)))
        # What it trained is a model here.
        told = self.lab(
            "eval", "--json", "--checkpoint", str(folder / "out" / "checkpoint-2"), "--count", "4", "--samples", "1"
        )
        self.assertEqual(json.loads(told)["puzzles"], 4)
        # By its run too, with what that began from beside it, for Frontier and Travel.
        self.lab(
            "eval", "--json", "--checkpoint", f"{run}@2", "--count", "4", "--samples", "1", "--max-new-tokens", "48",
            "--record",
        )  # fmt: skip
        self.assertEqual(len(list((run / "frontier").iterdir())), 2)
        pinned = [json.loads(line) for line in (run / "pinned.jsonl").read_text().splitlines()]
        self.assertEqual([line["step"] for line in pinned], [0] * 4 + [2] * 4)
        played = self.lab(
            "play", "--json", "--numbers", "4,1,16", "--target", "19", "--checkpoint", f"{run}@0",
            "--checkpoint", f"{run}@2", "--max-new-tokens", "48",
        )  # fmt: skip
        self.assertIn("19", played)

    def screen(self, *arguments: str) -> str:
        """What the lab shows within a few seconds."""
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="36")
            os.execv(program.find(), [program.find(), *arguments])
        shown, began = b"", time.monotonic()
        while time.monotonic() - began < 30 and b"TRL" not in shown:
            if select.select([terminal], [], [], 0.5)[0]:
                shown += os.read(terminal, 65536)
        os.write(terminal, b"q")
        try:
            while select.select([terminal], [], [], 10)[0] and (rest := os.read(terminal, 65536)):
                shown += rest
        except OSError:
            pass
        os.waitpid(child, 0)
        os.close(terminal)
        return shown.decode(errors="replace")

    def test_every_setting_is_one_of_trls_or_the_scripts(self) -> None:
        import yaml
        from accelerate.commands.config.config_args import load_config_from_file
        from trl import GRPOConfig, ModelConfig

        fields = {field.name: field for kind in (GRPOConfig, ModelConfig) for field in dataclasses.fields(kind)}
        own = {"task", "chat", "overlong_penalty", "overlong_tokens", "runs"}
        script = (self.scale("trl", "first") / "train.py").read_text()
        for name in own:
            self.assertIn(f"    {name}: ", script)
        for algorithm in ALGORITHMS["trl"]:
            more = ["--set", "lora_rank=8"] if algorithm == "grpo" else []
            folder = self.scale("trl", algorithm, "--algorithm", algorithm, "--nodes", "2", *more)
            settings = yaml.safe_load((folder / "grpo.yaml").read_text())
            self.assertEqual(set(settings) - own - set(fields), set())
            for name, value in settings.items():
                usual = fields[name].default if name in fields else None
                if isinstance(usual, float):
                    self.assertIsInstance(value, (int, float), name)
            config = load_config_from_file(str(folder / "accelerate.yaml"))
            self.assertEqual((config.num_machines, config.num_processes), (2, 16))
            self.assertEqual(config.fsdp_config["fsdp_version"], 2)
            batch = settings["per_device_train_batch_size"] * 16 * settings["steps_per_generation"]
            self.assertEqual(batch, 128 * 8)
            # TRL's own checks of them.
            of_trl = {name: value for name, value in settings.items() if name in vars(GRPOConfig(use_cpu=True))}
            of_trl |= {"use_cpu": True, "bf16": False, "use_vllm": False, "vllm_enable_sleep_mode": False}
            of_trl |= {"output_dir": str(self.home / "out"), "save_strategy": "no", "eval_strategy": "no"}
            GRPOConfig(**of_trl)


@unittest.skipUnless(has("verl", "hydra", "omegaconf"), "verl is not installed (its configuration alone is enough)")
class Verl(Projects):
    def setUp(self) -> None:
        super().setUp()
        found = importlib.util.find_spec("verl")
        assert found is not None and found.submodule_search_locations is not None
        self.verl = Path(found.submodule_search_locations[0])
        self.configs = self.verl / "trainer" / "config"

    def composed(self, folder: Path, name: str) -> Any:
        from hydra import compose, initialize_config_dir

        with initialize_config_dir(str(folder), version_base=None):
            # `pkg://` would import all of verl.
            return compose(name, overrides=[f"hydra.searchpath=[file://{self.configs}]"])

    def test_every_setting_is_one_of_verls(self) -> None:
        import yaml
        from omegaconf import OmegaConf

        theirs = OmegaConf.to_container(self.composed(self.configs, "ppo_trainer"), resolve=False)
        manager = (self.verl / "experimental/reward_loop/reward_manager/dapo.py").read_text()
        for algorithm in ALGORITHMS["verl"]:
            for more in ([], ["--set", "lora_rank=8"]):
                name = algorithm + "-lora" * bool(more)
                folder = self.scale("verl", name, "--algorithm", algorithm, "--nodes", "2", *more)
                ours = yaml.safe_load((folder / "countdown.yaml").read_text())
                self.assertEqual((ours.pop("defaults"), "hydra" in ours), (["ppo_trainer", "_self_"], True))
                del ours["hydra"]
                whole = OmegaConf.to_container(self.composed(folder, "countdown"), resolve=False)
                for path, value in leaves(ours):
                    self.assertEqual(at(whole, path), value, path)
                    if path[:2] == ["reward", "reward_kwargs"]:
                        # Its reward manager reads these, although its own file does not list them.
                        self.assertIn(path[-1], manager)
                        continue
                    self.assertIsNot(at(theirs, path), MISSING, path)
                self.known(ours)
                launch = (folder / "launch.sh").read_text()
                for key in re.findall(r'^    "([a-z_.]+)=', launch, re.M):
                    self.assertIsNot(at(theirs, key.split(".")), MISSING, key)

    def known(self, ours: dict[str, Any]) -> None:
        """The names of algorithms are registered."""
        source = (self.verl / "trainer/ppo/core_algos.py").read_text()
        actor = ours["actor_rollout_ref"]["actor"]
        self.assertIn(f'= "{ours["algorithm"]["adv_estimator"]}"', source)
        self.assertIn(f'@register_policy_loss("{actor["policy_loss"]["loss_mode"]}")', source)
        self.assertIn(f'"{actor["loss_agg_mode"]}"', source)
        if actor["use_kl_loss"]:
            self.assertIn(f'"{actor["kl_loss_type"].rstrip("+")}"', source)

    def test_its_rollouts_open_in_the_lab(self) -> None:
        folder = self.scale("verl", "project")
        (folder / "rollouts").mkdir()
        row = {"input": "use 1 2 3 make 6 :", "output": "<answer>1+2+3</answer>", "score": 1.0, "step": 2}
        lines = [json.dumps({**row, "gts": gts}) for gts in ({"numbers": "[1 2 3]", "target": 6}, "?")]
        (folder / "rollouts" / "2.jsonl").write_text("\n".join(lines) + '\n{"input": "half')
        subprocess.run([sys.executable, str(folder / "watch.py")], check=True, env=self.environment())
        written = [json.loads(line) for line in (folder / "completions.jsonl").read_text().splitlines()]
        self.assertEqual([line["step"] for line in written], [2, 2])
        self.assertEqual((written[0]["numbers"], written[0]["target"]), ([1, 2, 3], 6))
        self.assertNotIn("numbers", written[1])


MISSING = object()


def leaves(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[list[str], Any]]:
    if isinstance(tree, dict):
        return [leaf for key, value in tree.items() for leaf in leaves(value, (*path, key))]
    return [(list(path), tree)]


def at(tree: Any, path: list[str]) -> Any:
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return MISSING
        tree = tree[key]
    return tree


if __name__ == "__main__":
    unittest.main()
