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

ASSETS = pathlib.Path(__file__).parent.parent / "assets"


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


def episode(step: int, index: int, row: dict) -> dict:
    """A record of verifiers 1. Its advantages are told where it was trained on."""
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
        "stop_condition": "max_output_tokens" if index == 0 else "stop",
    }
    work = {"type": "train", "step": step, "policy": {"start": step - 1, "end": step}}
    return {
        "id": f"e{step}-{index}",
        "env": {"id": "countdown", "name": "countdown"},
        "run": {"type": "train", "id": "r1", "name": "countdown", "work": work},
        "group": {"id": f"g{step}-{index // 4}"},
        "ok": True,
        "errors": [],
        "traces": [trace],
    }


def prime_rl(given: list, out: pathlib.Path) -> None:
    """src/prime_rl/monitors/file.py until August 2026: a file of episodes for each step."""
    with open(out / "metrics.jsonl", "w") as metrics:
        for step, rows in given:
            folder = out / "rollouts" / f"step_{step}" / "train" / "effective"
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / "traces.jsonl", "w") as file:
                for index, row in enumerate(rows):
                    record = episode(step, index, row)
                    answer = record["traces"][0]["nodes"][1]
                    answer["advantages"] = [row["advantage"]] * len(answer["token_ids"])
                    file.write(json.dumps(record) + "\n")
            line = {"step": step, "time": 1.7e9 + step, "reward/all/mean": 0.25, "optim/lr": 1e-6}
            metrics.write(json.dumps(line) + "\n")


def prime_rl_stream(given: list, out: pathlib.Path, chunked: bool = False) -> None:
    """src/prime_rl/monitors/file since the end of August 2026: all episodes in the order in which they end, and what
    the trainer learned of them beside it, in one file or in chunks. prime-rl compresses a chunk when it is full; that is
    not done here, since compressed ones are not read."""
    monitor = out / "monitors" / "file"
    notes = monitor / "traces" / "annotations"
    notes.mkdir(parents=True, exist_ok=True)
    lines = []
    with open(monitor / "metrics.jsonl", "w") as metrics, open(notes / "trainer.jsonl", "w") as updates:
        for step, rows in given:
            for index, row in enumerate(rows):
                lines.append(json.dumps(episode(step, index, row)) + "\n")
                words = len(row["completion"].split())
                streams = {"index": 0, "advantages": [None, None] + [row["advantage"]] * words}
                update = {"version": 1, "trace_id": f"t{step}-{index}", "info": {}, "branches": [streams]}
                updates.write(json.dumps(update) + "\n")
            line = {"step": step, "time": 1.7e9 + step, "optim/lr": 1e-6, "producer": "trainer"}
            metrics.write(json.dumps(line) + "\n")
            metrics.write(json.dumps({**line, "step": None, "producer": "inference", "load": 0.5}) + "\n")
    # Episodes of the next step end among those of one that takes long.
    lines[20], lines[26] = lines[26], lines[20]
    (monitor / "traces" / "stream.index.jsonl").write_text('{"line": 1, "offset": 0}\n')
    if not chunked:
        (monitor / "traces" / "stream.jsonl").write_text("".join(lines))
        return
    stream = monitor / "traces" / "stream"
    stream.mkdir()
    full, rest = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    (stream / "00000.jsonl").write_text("".join(full))
    (stream / "00001.jsonl").write_text("".join(rest))


def prime_rl_chunks(given: list, out: pathlib.Path) -> None:
    """The same since September 2026, in chunks."""
    prime_rl_stream(given, out, chunked=True)


def open_instruct(given: list, out: pathlib.Path) -> None:
    """open_instruct/rl_utils.py: token ids alone, in files of many steps. The vocabulary is the one of our base."""
    vocabulary = json.loads((ASSETS / "tokenizer.json").read_text())["model"]["vocab"]
    ids = lambda text: [vocabulary[word] for word in text.split() if word in vocabulary]
    meta = {"run_name": "countdown", "git_commit": "0", "model_name": "some/model", "timestamp": "2026-08-20"}
    (out / "countdown_metadata.jsonl").write_text(json.dumps(meta) + "\n")
    shutil.copy(ASSETS / "tokenizer.json", out)
    for shard, part in enumerate((given[:3], given[3:])):
        with open(out / f"countdown_rollouts_{shard:06d}.jsonl", "w") as file:
            for step, rows in part:
                for index, row in enumerate(rows):
                    answer = ids(row["completion"])
                    line = {
                        "step": step,
                        "sample_idx": index,
                        "prompt_idx": index // 4,
                        "prompt_tokens": ids(row["prompt"]),
                        "response_tokens": answer,
                        "reward": row["countdown"],
                        "advantage": row["advantage"],
                        "finish_reason": "length" if index == 0 else "stop",
                        "dataset": "countdown",
                        "ground_truth": [row["target"]],
                        "request_info": None,
                        "logprobs": [-0.25] * len(answer),
                    }
                    file.write(json.dumps(line) + "\n")


def skyrl(given: list, out: pathlib.Path) -> None:
    """skyrl/train/utils/trainer_utils.py: evaluations alone. A score is a number, or one for each token."""
    for step, rows in given[::2]:
        folder = out / "dumped_evals" / f"global_step_{step}_evals"
        folder.mkdir(parents=True)
        with open(folder / "countdown.jsonl", "w") as file:
            for index, row in enumerate(rows):
                asked = f"Using the numbers {row['numbers']}, create an equation that equals {row['target']}."
                line = {
                    "input_prompt": [{"role": "user", "content": asked}] if index % 2 else asked,
                    "output_response": row["completion"],
                    "score": [0.0, 0.0, row["countdown"]] if index % 2 else row["countdown"],
                    "stop_reason": "stop",
                    "env_class": "countdown",
                    "env_extras": {"target": row["target"]},
                    "data_source": "countdown",
                }
                file.write(json.dumps(line) + "\n")
        (folder / "aggregated_results.jsonl").write_text(json.dumps({"eval/countdown/avg_score": 0.5}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--completions", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    rows = list(steps(given.completions))
    for write in (
        verl,
        nano_aha,
        nemo_rl,
        areal,
        prime_rl,
        prime_rl_stream,
        prime_rl_chunks,
        open_instruct,
        skyrl,
    ):
        out = given.out / write.__name__.replace("_", "-")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        write(rows, out)


if __name__ == "__main__":
    main()
