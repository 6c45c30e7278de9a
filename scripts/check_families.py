#!/usr/bin/env python3
"""What the lab makes of model folders of many kinds, against transformers.

    pip install torch transformers
    cargo build --release
    python3 scripts/check_families.py

Makes a small folder of random weights (hidden 64, 2 layers, standard deviation 0.2) of each kind with transformers itself,
gives it to `aha-lab run --base`, and prints whether it is refused, with which words, or by how much the recorded
log-probabilities differ from transformers' float32 log-softmax on the same tokens, and by how much the logits of the
exported folder differ from those of the first, both in transformers. Exits with 1 if a folder is taken and computes
something else, if one that should be taken is refused, or if a refusal does not name its field.
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
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, CONFIG_MAPPING

transformers.utils.logging.disable_progress_bar()
MOST = 1e-4
SHAPE = dict(
    vocab_size=162, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=1024, initializer_range=0.2, bos_token_id=None, eos_token_id=1,
    pad_token_id=0,
)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)

GEMMA3 = dict(
    head_dim=16, sliding_window=8, query_pre_attn_scalar=24, layer_types=["sliding_attention", "full_attention"], tie_word_embeddings=True,
)
GEMMA3_OLD = dict(
    rope_parameters=None, layer_types=None, _sliding_window_pattern=None, tie_word_embeddings=None, rope_theta=2e6,
    rope_local_base_freq=2e4, sliding_window_pattern=2,
)

# name, kind, fields of its configuration, how the folder is changed afterwards, and the field that a refusal must name
# (None where it must be taken).
KINDS = [
    ("Qwen2, tied", "qwen2", dict(tie_word_embeddings=True), {}, None),
    ("Qwen2, untied", "qwen2", {}, {}, None),
    ("Qwen2, sharded", "qwen2", dict(shards=True), {}, None),
    ("Qwen2, bfloat16", "qwen2", dict(dtype="bfloat16"), {}, None),
    ("Qwen2, float16", "qwen2", dict(dtype="float16"), {}, None),
    ("Qwen2, large biases", "qwen2", dict(biases=30.0), {}, None),
    ("Qwen2, theta in the old form", "qwen2", {}, {"rope_parameters": None, "rope_theta": 10000.0}, None),
    ("Llama", "llama", {}, {}, None),
    ("Llama with attention biases", "llama", dict(attention_bias=True, biases=0.3), {}, "o_proj.bias"),
    ("Llama, other head width", "llama", dict(head_dim=32), {}, None),
    ("Llama, theta 500000", "llama", dict(rope_parameters=dict(rope_type="default", rope_theta=5e5)), {}, None),
    ("Mistral without a window", "mistral", dict(sliding_window=None), {}, None),
    ("SeedOSS", "seed_oss", dict(head_dim=16, biases=0.3), {}, None),
    ("Llama 3.x, new form", "llama", dict(rope_parameters={**LLAMA3, "rope_theta": 5e5}), {}, None),
    ("Llama 3.x, old form", "llama", {}, {"rope_parameters": None, "rope_theta": 5e5, "rope_scaling": LLAMA3}, None),
    ("linear, old form", "qwen2", {}, {"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 4.0}}, None),
    ("yarn, old form", "qwen2", {}, {"rope_parameters": None, "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}}, None),
    ("yarn, the old length outside", "qwen2", {}, {"rope_parameters": None, "rope_scaling": {"type": "yarn", "factor": 4.0}, "original_max_position_embeddings": 32}, None),
    ("dynamic, old form", "qwen2", {}, {"rope_parameters": None, "rope_scaling": {"type": "dynamic", "factor": 4.0}}, "rope_scaling"),
    ("`type` for `rope_type`", "qwen2", {}, {"rope_parameters": {"type": "linear", "factor": 4.0, "rope_theta": 1e4}}, None),
    ("Mistral with a window", "mistral", dict(sliding_window=8), {}, None),
    ("Ministral", "ministral", dict(sliding_window=8, head_dim=16), {}, "model_type"),
    ("Qwen2 with a window", "qwen2", dict(use_sliding_window=True, sliding_window=8, max_window_layers=0), {}, None),
    ("Qwen2 with a window, without layer types", "qwen2", dict(use_sliding_window=True, sliding_window=8, max_window_layers=1), {"layer_types": None}, None),
    ("Qwen3", "qwen3", dict(head_dim=16), {}, None),
    ("Qwen3 with a window", "qwen3", dict(head_dim=16, use_sliding_window=True, sliding_window=8, max_window_layers=0), {}, None),
    ("SmolLM3", "smollm3", dict(no_rope_layers=[1, 0]), {}, None),
    ("SmolLM3 with an interval and a window", "smollm3", dict(no_rope_layer_interval=2, use_sliding_window=True, sliding_window=8), {"no_rope_layers": None, "layer_types": None}, None),
    ("OLMo 2", "olmo2", {}, {}, None),
    ("Gemma 3", "gemma3_text", GEMMA3, {}, None),
    ("Gemma 3, old form", "gemma3_text", GEMMA3, {**GEMMA3_OLD, "rope_scaling": {"rope_type": "linear", "factor": 8.0}}, None),
    ("Gemma 3, `type` for `rope_type`", "gemma3_text", GEMMA3, {**GEMMA3_OLD, "rope_scaling": {"type": "linear", "factor": 8.0}}, "rope_scaling"),
    ("Gemma 2", "gemma2", dict(head_dim=16), {}, "model_type"),
    ("OLMo 3", "olmo3", {}, {}, "model_type"),
    ("Gemma 1", "gemma", dict(head_dim=16), {}, "model_type"),
    ("Granite", "granite", dict(embedding_multiplier=12.0, logits_scaling=8.0, residual_multiplier=0.22, attention_multiplier=0.015), {}, "model_type"),
    ("Ernie 4.5", "ernie4_5", dict(head_dim=16), {}, "model_type"),
    ("Helium", "helium", dict(head_dim=16), {}, "model_type"),
    ("Llama with another hidden_act", "llama", dict(hidden_act="gelu"), {}, "hidden_act"),
    ("Llama with biases in the MLP", "llama", dict(mlp_bias=True), {}, "mlp_bias"),
    ("tied, with another head in the file", "llama", {}, {"tie_word_embeddings": True}, "tie_word_embeddings"),
]


def make(folder, tokenizer, kind, fields, changes):
    fields = dict(fields)
    shards, biases, dtype = fields.pop("shards", False), fields.pop("biases", 0.0), fields.pop("dtype", "float32")
    torch.manual_seed(7)
    config = CONFIG_MAPPING[kind](**{**SHAPE, **fields})
    model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") and biases:
                parameter.normal_(0.0, biases)
    model.save_pretrained(folder, max_shard_size="100KB" if shards else "1GB")
    (folder / "tokenizer.json").write_bytes(pathlib.Path(tokenizer).read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>"}))
    path = folder / "config.json"
    whole = json.loads(path.read_text())
    for name, value in changes.items():
        whole.pop(name, None)
        if value is not None:
            whole[name] = value
    path.write_text(json.dumps(whole))
    if changes.get("tie_word_embeddings"):
        weights = load_file(folder / "model.safetensors")
        assert not torch.equal(weights["lm_head.weight"], weights["model.embed_tokens.weight"])
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def difference(folder, run):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    words = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    worst = 0.0
    for record in map(json.loads, (run / "rollouts.jsonl").read_text().splitlines()):
        prompt, tokens = words(record["prompt"])["input_ids"], record["token_ids"]
        with torch.no_grad():
            table = torch.log_softmax(model(input_ids=torch.tensor([prompt + tokens])).logits, dim=-1)[0]
        theirs = table[torch.arange(len(prompt) - 1, len(prompt) + len(tokens) - 1), torch.tensor(tokens)]
        worst = max(worst, (theirs - torch.tensor(record["logprobs"])).abs().max().item())
    return worst


def exported(program, folder, run, out):
    """The largest difference of the logits of the exported folder from those of the first one; the run's step of
    learning rate 0 changed nothing."""
    done = subprocess.run([program, "export", f"{run.name}@1", out, "--runs", run.parent, "--dtype", "float32"], capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    tokens = torch.arange(4, 132).reshape(2, 64)
    with torch.no_grad():
        first, second = (AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()(tokens).logits for path in (folder, out))
    return (first - second).abs().max().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/aha-lab")
    parser.add_argument("--tokenizer", default="assets/tokenizer.json")
    arguments = parser.parse_args()
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    wrong = 0
    for name, kind, fields, changes, named in KINDS:
        with tempfile.TemporaryDirectory() as root:
            root = pathlib.Path(root)
            folder, runs = root / "model", root / "runs"
            make(folder, arguments.tokenizer, kind, fields, changes)
            done = subprocess.run(
                [arguments.program, "run", "--headless", "--steps", "1", "--runs", runs, "--base", folder, "--set", "prompts_per_step=4",
                 "--set", "group_size=4", "--set", "max_new_tokens=64", "--set", "pinned_every=0", "--set", "learning_rate=0"],
                capture_output=True, text=True,
            )
            if done.returncode:
                said = done.stderr.strip().splitlines()[-1].replace(str(root), "")
                right = named is not None and named in said
            else:
                run = next(path for path in runs.iterdir() if path.is_dir())
                apart, again = difference(folder, run), exported(arguments.program, folder, run, root / "export")
                right = named is None and apart < MOST and isinstance(again, float) and again < MOST
                said = f"taken, largest difference {apart:.1e}; exported {again if isinstance(again, str) else f'{again:.1e}'}"
            wrong += not right
            print(f"{'ok ' if right else 'NOT'} {name}: {said}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
