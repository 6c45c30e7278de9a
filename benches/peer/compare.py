#!/usr/bin/env python3
"""Runs `aha-lab bench` and its peers in turn; prints the README's table of medians and ratios, writes JSON.

The peers do the same work in PyTorch (eager), in PyTorch under torch.compile, and in JAX under jax.jit. Each round runs
all of them, so that a machine that slows down slows all. A peer runs with 1 and with 2 threads; for each figure its
better number of threads counts (by median), and of the peers the best.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TINY = {"d-model": 128, "layers": 4, "heads": 4, "kv-heads": 2, "ffn": 384, "vocab": 172,
        "prompts": 16, "group": 16, "prompt-len": 8, "max-new": 128}
WIDE = TINY | {"d-model": 256, "layers": 6, "heads": 8, "kv-heads": 4, "ffn": 768}
QWEN = {"d-model": 896, "layers": 24, "heads": 14, "kv-heads": 2, "ffn": 4864, "vocab": 151936,
        "prompts": 4, "group": 8, "prompt-len": 64, "max-new": 128, "micro-tokens": 1024}
SMOLLM2 = {"d-model": 576, "layers": 30, "heads": 9, "kv-heads": 3, "ffn": 1536, "vocab": 49152,
           "prompts": 8, "group": 8, "prompt-len": 64, "max-new": 64, "micro-tokens": 512}
SHAPES = {"tiny": TINY, "wide": WIDE, "qwen": QWEN, "smollm2": SMOLLM2, "smollm2-lora": SMOLLM2 | {"lora-rank": 16}}
# Name, whether more is better, as the table writes it.
FIGURES = {"rollout_tok_s": (True, "sampling, tokens/s"), "train_tok_s": (True, "training, tokens/s"),
           "step_s": (False, "a step, s"), "max_rss_mib": (False, "peak memory, MiB")}
# What the lab is to reach against the best peer, by vector unit, and of its own matrix products' peak.
TARGETS = {"avx2": {"rollout_tok_s": 2.5, "train_tok_s": 1.6, "step_s": 2.0},
           "avx512": {"rollout_tok_s": 4.0, "train_tok_s": 2.5, "step_s": 3.0}}
SHARE_TARGET = 0.65
PEERS = {"torch": ("PyTorch", ["torch_grpo.py"]), "compile": ("torch.compile", ["torch_grpo.py", "--compile"]),
         "jax": ("JAX", ["jax_grpo.py"])}


def processor():
    """The processor's name, where the system says it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        kind = " ".join(f"{key} {found[key]}" for key in ("cpu family", "model") if key in found)
        return f"{found.get('model name', platform.machine())} ({kind})"
    except OSError:
        return platform.processor() or platform.machine()


def measure(command, shape, steps, extra, environment=None):
    for name, value in (shape | {"steps": steps} | extra).items():
        command = command + [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=os.environ | (environment or {}))
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def table(name, shape, ours, theirs):
    """Prints one shape's rows; the summary as a dictionary."""
    unit = ours[0].get("vector_unit")
    share = statistics.median(run["train_gemm_share"] for run in ours)
    peak = statistics.median(run["gemm_gflops"] for run in ours)
    print(f"\n{name}: d = {shape['d-model']}, {shape['layers']} layers, {shape['prompts'] * shape['group']} rows of "
          f"{shape['prompt-len']} + {shape['max-new']} tokens; {processor()}; vector unit {unit}, "
          f"{ours[0]['threads']} threads; medians of {len(ours)} rounds\n")
    print("| | aha-lab | " + " | ".join(PEERS[peer][0] for peer in theirs) + " | ratio to the best | target |")
    print("|---" * (len(theirs) + 4) + "|")
    summary = {"processor": processor(), "vector_unit": unit, "gemm_gflops": peak, "train_gemm_share": share}
    for key, (more_is_better, label) in FIGURES.items():
        better = max if more_is_better else min
        own = statistics.median(run[key] for run in ours if run[key] is not None)
        found = {peer: better(statistics.median(run[key] for run in runs) for runs in by_threads.values())
                 for peer, by_threads in theirs.items()}
        best = better(found, key=found.get)
        ratio = own / found[best] if more_is_better else found[best] / own
        target = TARGETS.get(unit, {}).get(key) if name == "tiny" else None
        summary[key] = {"lab": own, **found, "best": best, "lab_over_best": ratio, "target": target}
        cells = [label, figure(own), *map(figure, found.values()), f"{ratio:.2f} ({PEERS[best][0]})",
                 f"{target}" if target else ""]
        print("| " + " | ".join(cells) + " |")
    cells = ["training's share of the GEMM peak", f"{share:.2f} of {peak:.0f} GFLOP/s"]
    print("| " + " | ".join(cells + [""] * (len(theirs) + 1) + [str(SHARE_TARGET)]) + " |")
    return summary


def figure(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


def compare(args, name, shape):
    lab = [args.lab, "bench", "--json", "--backend", "wgpu" if args.gpu else "cpu"]
    chosen = {"torch"} if args.gpu else args.peers
    counts = [1] if args.gpu else [1, 2]
    device = ["--device", "cuda"] if args.gpu else []
    ours, theirs = [], {peer: {count: [] for count in counts} for peer in PEERS if peer in chosen}
    for number in range(args.rounds):
        extra = {} if args.gpu else {"threads": args.threads}
        ours.append(measure(lab, shape, args.steps, extra, {"AHA_LAB_VECTOR": args.vector or ""}))
        for peer, runs in theirs.items():
            script, *options = PEERS[peer][1]
            for count in counts:
                command = [args.python, str(HERE / script), *options, *device]
                runs[count].append(measure(command, shape, args.steps, {"threads": count}))
        print(f"{name}: round {number + 1} of {args.rounds}", file=sys.stderr)
    return {"shape": shape, "summary": table(name, shape, ours, theirs), "lab": ours, "peers": theirs}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", default="target/release/aha-lab", help="the built program")
    parser.add_argument("--python", default=sys.executable, help="a Python that has the peers' packages")
    parser.add_argument("--peers", default="torch,compile,jax", help="which peers, of torch, compile and jax")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="threads of the lab")
    parser.add_argument("--vector", help="a lower vector unit for the lab; the peers keep theirs")
    parser.add_argument("--shapes", default="tiny", help="which shapes on the CPU, of tiny, wide, qwen, smollm2 and smollm2-lora")
    parser.add_argument("--gpu", action="store_true", help="wgpu against CUDA, tiny and Qwen2.5-0.5B shape")
    parser.add_argument("--out", default="compare.json")
    args = parser.parse_args()
    args.peers = set(args.peers.split(","))
    if unknown := args.peers - set(PEERS):
        parser.error(f"--peers knows {', '.join(PEERS)}, not {', '.join(sorted(unknown))}")
    names = ["tiny", "qwen"] if args.gpu else args.shapes.split(",")
    if unknown := set(names) - set(SHAPES):
        parser.error(f"--shapes knows {', '.join(SHAPES)}, not {', '.join(sorted(unknown))}")
    results = {name: compare(args, name, SHAPES[name]) for name in names}
    pathlib.Path(args.out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
