"""Collects what verl wrote of its rollouts into completions.jsonl, which `aha-lab open` reads."""

import json
import os
from pathlib import Path

from aha_lab.rewards import numbers_of

HERE = Path(__file__).resolve().parent


def records(path: Path):
    for line in path.read_text(errors="replace").splitlines():
        try:
            row = json.loads(line)
            record = {
                "step": int(row["step"]),
                "prompt": row["input"],
                "completion": row["output"],
                "reward": row["score"],
            }
        except (ValueError, KeyError, TypeError):
            continue  # The step is being written.
        truth = row.get("gts")
        if isinstance(truth, dict) and "target" in truth:
            record |= {"numbers": numbers_of(truth.get("numbers")), "target": int(truth["target"])}
        yield record


def main() -> None:
    steps = [path for path in (HERE / "rollouts").glob("*.jsonl") if path.stem.isdigit()]
    partial = HERE / "completions.jsonl.partial"
    with open(partial, "w") as file:
        for path in sorted(steps, key=lambda path: int(path.stem)):
            for record in records(path):
                file.write(json.dumps(record) + "\n")
    os.replace(partial, HERE / "completions.jsonl")
    print(f"{len(steps)} steps: aha-lab open {HERE / 'completions.jsonl'}")


if __name__ == "__main__":
    main()
