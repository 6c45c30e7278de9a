#!/usr/bin/env python3
"""Runs `aha-lab bench` and its PyTorch peer alternately; prints medians and ratios, writes JSON.

Each round runs both, so that a machine that slows down slows both. PyTorch runs at 1 and at 2 threads, and the
faster of the two (by median) is the one compared with, for each figure separately.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TINY = {"d-model": 128, "layers": 4, "heads": 4, "kv-heads": 2, "ffn": 384, "vocab": 172,
        "prompts": 16, "group": 16, "prompt-len": 8, "max-new": 128}
WIDE = TINY | {"d-model": 256, "layers": 6, "heads": 8, "kv-heads": 4, "ffn": 768}
QWEN = {"d-model": 896, "layers": 24, "heads": 14, "kv-heads": 2, "ffn": 4864, "vocab": 151936,
        "prompts": 4, "group": 8, "prompt-len": 64, "max-new": 128, "micro-tokens": 1024}
FIGURES = {"rollout_tok_s": True, "train_tok_s": True, "step_s": False, "max_rss_mib": False}


def measure(command, shape, steps, extra):
    for name, value in (shape | {"steps": steps} | extra).items():
        command = command + [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(args, name, shape):
    lab = [args.lab, "bench", "--json", "--backend", "wgpu" if args.gpu else "cpu"]
    peer = [args.python, str(HERE / "torch_grpo.py"), "--device", "cuda" if args.gpu else "cpu"]
    counts = [1] if args.gpu else [1, 2]
    ours, theirs = [], {count: [] for count in counts}
    for number in range(args.rounds):
        ours.append(measure(lab, shape, args.steps, {} if args.gpu else {"threads": args.threads}))
        for count in counts:
            theirs[count].append(measure(peer, shape, args.steps, {"threads": count}))
        print(f"{name}: round {number + 1} of {args.rounds}", file=sys.stderr)
    summary = {}
    for key, more_is_better in FIGURES.items():
        own = statistics.median(run[key] for run in ours if run[key] is not None)
        best = (max if more_is_better else min)(
            statistics.median(run[key] for run in runs) for runs in theirs.values())
        summary[key] = {"lab": own, "torch": best, "lab_over_torch": own / best if more_is_better else best / own}
        print(f"{name:6} {key:14} lab {own:11.2f}   PyTorch {best:11.2f}   {summary[key]['lab_over_torch']:.2f}x")
    return {"shape": shape, "summary": summary, "lab": ours, "torch": theirs}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", default="target/release/aha-lab", help="the built program")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="threads of the lab")
    parser.add_argument("--gpu", action="store_true", help="wgpu against CUDA, tiny and Qwen2.5-0.5B shape")
    parser.add_argument("--out", default="compare.json")
    args = parser.parse_args()
    shapes = {"tiny": TINY, "qwen": QWEN} if args.gpu else {"tiny": TINY, "wide": WIDE}
    results = {name: compare(args, name, shape) for name, shape in shapes.items()}
    pathlib.Path(args.out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
