#!/usr/bin/env python3
"""Proves that the LoRA adapter that `aha-lab export --adapter` writes is what PEFT reads, and the other way round.

    pip install torch transformers peft
    cargo build --release
    python3 scripts/check_adapter.py

Trains an adapter on a small random model for two steps, exports it, and compares with PEFT: logits of the base with the
adapter, of the merged export, and those of an adapter that PEFT made and that the lab merged.

Exits with 1 if anything is not as it should be.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

STEPS = ["--set", "prompts_per_step=4", "--set", "group_size=4", "--set", "pinned_every=0", "--set", "max_new_tokens=24"]
ADAPTER = ["--set", "lora_rank=4", "--set", "lora_alpha=8", "--set", "learning_rate=0.01"]
failures = []


def check(what, right, more=""):
    print(f"  {'ok ' if right else 'NOT'} {what}{': ' if more else ''}{more}", flush=True)
    if not right:
        failures.append(what)


def logits(model):
    ids = torch.arange(60).reshape(3, 20) % 50
    with torch.no_grad():
        return model(ids).logits


def same(what, found, expected):
    gap = (found - expected).abs().max().item()
    check(what, gap < 1e-4, f"{gap:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", default="target/release/aha-lab", help="the built program")
    args = parser.parse_args()

    def lab(*arguments):
        done = subprocess.run([args.lab, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        lab("export", "embedded", root / "base")
        runs = root / "runs"
        train = ["run", "--headless", "--runs", runs, *STEPS, "--base", root / "base", "--steps", "2"]
        lab(*train, "--name", "adapter", *ADAPTER)
        run = next(path for path in runs.iterdir() if "adapter" in path.name)
        lab("export", f"{run}@2", root / "adapter", "--adapter")
        lab("export", f"{run}@2", root / "merged")

        print("An adapter that the lab trained")
        load = lambda name: AutoModelForCausalLM.from_pretrained(root / name, dtype=torch.float32)
        base = logits(load("base"))
        adapted = logits(PeftModel.from_pretrained(load("base"), root / "adapter"))
        check("it changes the logits", (adapted - base).abs().max().item() > 1e-3)
        same("PEFT's logits with it and those of the merged export", adapted, logits(load("merged")))
        named = json.loads((root / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"]
        check("it names its base", pathlib.Path(named) == (root / "base").resolve(), named)
        checkpoint = next(run.glob("checkpoints/step-*2"))
        same("the checkpoint itself is one", logits(PeftModel.from_pretrained(load("base"), checkpoint)), adapted)

        print("An adapter that PEFT made")
        torch.manual_seed(0)
        config = LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj", "up_proj"], init_lora_weights=False)
        theirs = get_peft_model(load("base"), config)
        theirs.save_pretrained(root / "theirs")
        written = json.loads((root / "theirs" / "adapter_config.json").read_text())
        written["base_model_name_or_path"] = str(root / "base")
        (root / "theirs" / "adapter_config.json").write_text(json.dumps(written))
        train[train.index("--base") + 1] = root / "theirs"
        # Nothing is learned at a rate of 0: what is exported is the base with the adapter merged.
        lab(*train, "--name", "theirs", "--set", "learning_rate=0")
        run = next(path for path in runs.iterdir() if "theirs" in path.name)
        lab("export", f"{run}@2", root / "theirs-merged")
        same("its logits in PEFT and those of the lab's merged export", logits(theirs), logits(load("theirs-merged")))
    print("All as it should be." if not failures else f"{len(failures)} not as it should be.")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
