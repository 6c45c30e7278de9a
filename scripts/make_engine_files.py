#!/usr/bin/env python3
"""Writes tests/data/engines: small runs as engines other than TRL leave them, in the forms that docs/engines.md names.

    pip install --no-deps 'verl==0.9.1' && pip install orjson numpy pandas pyarrow
    python3 scripts/make_engine_files.py --completions tests/data/trl-files/completions --out tests/data/engines

The completions are those of the run of TRL. verl's files are written by verl's own functions, taken out of the installed
package without importing it (that needs Ray and a GPU stack); the others follow their writers' schemas.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import os
import pathlib
import re
import shutil

import numpy as np
import pandas


def piece(package: str, file: str, name: str):
    """A class or a function of an installed package, without the rest of its file."""
    root = pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])
    tree = ast.parse((root / file).read_text())
    found = next(node for node in ast.walk(tree) if getattr(node, "name", None) == name)
    found.decorator_list = []
    import orjson

    scope = {"os": os, "json": json, "orjson": orjson}
    exec(compile(ast.Module([found], []), file, "exec"), scope)
    return scope[name]


def tinyzero(numbers: list[int], target: int) -> str:
    """The prompt as verl decodes it from a chat: the special tokens are gone, the roles stay. The numbers are printed as
    those of a numpy array, as in TinyZero's data."""
    return (
        "system\nYou are a helpful assistant.\nuser\n"
        f"Using the numbers {np.array(numbers)}, create an equation that equals {target}. You can use basic "
        "arithmetic operations (+, -, *, /) and each number can only be used once.\nassistant\n"
    )


def steps(folder: pathlib.Path):
    for path in sorted(folder.glob("completions_*.parquet")):
        rows = []
        for row in pandas.read_parquet(path).to_dict("records"):
            *numbers, target = map(int, re.findall(r"\d+", row["prompt"]))
            rows.append({**row, "numbers": numbers, "target": target})
        yield int(path.stem.split("_")[1]), rows


def verl(given: list, out: pathlib.Path) -> None:
    write = piece("verl", "trainer/ppo/ray_trainer.py", "_write_generations")
    os.environ["VERL_FILE_LOGGER_ROOT"] = str(out)
    logger = piece("verl", "utils/tracking.py", "FileLogger")("countdown", "grpo")
    for step, rows in given:
        # Balancing mixes the groups.
        rows = rows[::2] + rows[1::2]
        inputs = [tinyzero(row["numbers"], row["target"]) for row in rows]
        truth = [{"target": row["target"], "numbers": np.array(row["numbers"])} for row in rows]
        scores = [row["countdown"] for row in rows]
        extra = {"format": [float("<answer>" in row["completion"]) for row in rows], "odd": [1]}
        write(inputs, [row["completion"] for row in rows], truth, scores, extra, str(out / "rollouts"), step)
        if step % 2 == 0:
            few = slice(0, 2)
            texts = [row["completion"] for row in rows[few]]
            write(inputs[few], texts, truth[few], scores[few], {}, str(out / "validation"), step)
        mean = float(np.mean(scores))
        logger.log(
            {
                "critic/score/mean": np.float64(mean),
                "critic/rewards/mean": mean,
                "response_length/mean": 40.0 + step,
                "actor/entropy": 0.5 / step,
                "actor/lr": 1e-6,
                "actor/kl_loss": float("nan"),
                "timing_s/step": 2.5,
                "perf/throughput": 1200.0,
                "training/global_step": step,
            },
            step,
        )
    logger.finish()


def nano_aha(given: list, out: pathlib.Path) -> None:
    """utils.py of McGill-NLP/nano-aha-moment: one list for each iteration; special tokens stay."""
    for kind, of in (("episodes", given), ("eval_episodes", given[::2])):
        for step, rows in of:
            folder = out / kind / "rank_00"
            folder.mkdir(parents=True, exist_ok=True)
            episodes = [
                {
                    "query": "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
                    f"Using the numbers {row['numbers']}, create an equation that equals {row['target']}. You can use "
                    "basic arithmetic operations (+, -, *, /).<|im_end|>\n<|im_start|>assistant\n<think>",
                    "response": row["completion"] + "<|im_end|>",
                    "reward": 0.5 + float(row["countdown"] == 1),
                }
                for row in rows
            ]
            (folder / f"eps_{step - 1:06d}.json").write_text(json.dumps(episodes))


def nemo_rl(given: list, out: pathlib.Path) -> None:
    """nemo_rl/algorithms/grpo.py: micro-batches of one, so that every value is a list of one."""
    out.mkdir(parents=True, exist_ok=True)
    for step, rows in given:
        with open(out / f"train_data_step{step}.jsonl", "w") as file:
            for index, row in enumerate(rows):
                asked = f"Using the numbers {row['numbers']}, create an equation that equals {row['target']}."
                words = row["completion"].split()
                line = {
                    "content": [[asked, row["completion"]]],
                    "rewards": [row["countdown"]],
                    "input_lengths": [4 + len(words)],
                    "token_ids": [[1, 2, 3, 4, *range(10, 10 + len(words))]],
                    "token_loss_mask": [[0] * 4 + [1] * len(words)],
                    "sample_loss_mask": [1.0],
                    "advantages": [[0.0] * 4 + [row["advantage"]] * len(words)],
                    "generation_logprobs": [[0.0] * 4 + [-0.25] * len(words)],
                    "prev_logprobs": [[0.0] * 4 + [-0.26] * len(words)],
                    "idx": [index],
                }
                file.write(json.dumps(line) + "\n")


def areal(given: list, out: pathlib.Path) -> None:
    """areal/infra/workflow_executor.py: a file for each task, in a folder for the version of the policy."""
    for step, rows in given:
        for first in range(0, len(rows), 4):
            folder = out / "rollout" / str(step - 1)
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / f"{step * 100 + first}.jsonl", "w") as file:
                for index, row in enumerate(rows[first : first + 4]):
                    asked = f"Using the numbers {row['numbers']}, create an equation that equals {row['target']}."
                    line = {
                        "task_id": step * 100 + first,
                        "sample_idx": index,
                        "seqlen": 60,
                        "prompt_len": 20,
                        "head_version": step - 1,
                        "tail_version": step - 1,
                        "reward": row["countdown"],
                        "prompt": f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n",
                        "completion": row["completion"] + "<|im_end|>",
                    }
                    file.write(json.dumps(line) + "\n")


def prime_rl(given: list, out: pathlib.Path) -> None:
    """src/prime_rl/monitors/file.py with the records of verifiers 1: an episode a line."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "metrics.jsonl", "w") as metrics:
        for step, rows in given:
            folder = out / "rollouts" / f"step_{step}" / "train" / "effective"
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / "traces.jsonl", "w") as file:
                for index, row in enumerate(rows):
                    asked = f"Using the numbers {row['numbers']}, create an equation that equals {row['target']}."
                    words = row["completion"].split()
                    nodes = [
                        {"message": {"role": "user", "content": asked}, "sampled": False, "token_ids": [1, 2]},
                        {
                            "parent": 0,
                            "message": {"role": "assistant", "content": row["completion"]},
                            "sampled": True,
                            "token_ids": list(range(10, 10 + len(words))),
                            "mask": [True] * len(words),
                            "logprobs": [-0.25] * len(words),
                            "advantages": [row["advantage"]] * len(words),
                        },
                    ]
                    trace = {
                        "version": 1,
                        "id": f"t{step}-{index}",
                        "nodes": nodes,
                        "rewards": {
                            "countdown": {"score": row["countdown"], "weight": 1.0},
                            "checked": {"score": row["checked"], "weight": 0.5},
                        },
                        "metrics": {"turns": 1},
                        "is_completed": True,
                        "ok": True,
                        "stop_condition": "max_tokens" if index == 0 else "stop",
                    }
                    episode = {
                        "id": f"e{step}-{index}",
                        "env": {"id": "countdown", "name": "countdown"},
                        "group": {"id": f"g{step}-{index // 4}"},
                        "ok": True,
                        "errors": [],
                        "traces": [trace],
                    }
                    file.write(json.dumps(episode) + "\n")
            line = {"step": step, "time": 1.7e9 + step, "reward/all/mean": 0.25, "optim/lr": 1e-6}
            metrics.write(json.dumps(line) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--completions", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    rows = list(steps(given.completions))
    for write in (verl, nano_aha, nemo_rl, areal, prime_rl):
        out = given.out / write.__name__.replace("_", "-")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        write(rows, out)


if __name__ == "__main__":
    main()
