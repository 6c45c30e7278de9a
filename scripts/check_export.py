#!/usr/bin/env python3
"""Proves that what `aha-lab export` writes is what transformers and TRL read.

    pip install torch transformers trl accelerate
    cargo build --release
    python3 scripts/check_export.py [--out RESULT.json]

Runs one training step of the lab, exports the weights that sampled it, and compares with the Auto classes alone: token
ids of every prompt and completion, the log-probability of every token, where generation stops, batches with padding,
`pipeline("text-generation")`, and one step of TRL's GRPOTrainer. The same with
the run's own checkpoint folder, and with a run from a base of another kind (a random Llama in bfloat16 with a byte-level
tokenizer, a chat template, two end tokens and a theta of its own), whose export must keep all of that.

Exits with 1 if anything is not as it should be.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import tokenizers
import torch
import transformers
import trl
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, pipeline

LOGITS = 1e-4
PROMPTS = ["use 4 1 16 make 19 : <think>", "use 2 7 9 11 make 54 : <think>", "use 3 8 21 make 45 : <think>"]
STEP = ["--set", "prompts_per_step=8", "--set", "group_size=4", "--set", "pinned_every=0"]
failures = []
transformers.utils.logging.disable_progress_bar()
warnings.simplefilter("ignore")


def check(what, right, more=""):
    print(f"  {'ok ' if right else 'NOT'} {what}{': ' if more else ''}{more}", flush=True)
    if not right:
        failures.append(what)


class Lab:
    def __init__(self, program, root):
        self.program, self.root = program, root

    def __call__(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    def run(self, name, *arguments):
        """A run of one step: its folder, and what it recorded of its completions."""
        runs = self.root / name
        self("run", "--headless", "--steps", "1", "--seed", "1", "--runs", runs, *STEP, *arguments)
        run = next(path for path in runs.iterdir() if path.is_dir())
        lines = (run / "rollouts.jsonl").read_text().splitlines()
        return run, [json.loads(line) for line in lines]

    def export(self, run, step, name, *arguments):
        folder = self.root / name
        self("export", f"{run.name}@{step}", folder, "--runs", run.parent, *arguments)
        return folder


def check_tokens(folder, tokenizer, records):
    """The tokens of the Auto class against those of tokenizer.json, which the lab reads, and those that it recorded."""
    ours = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    same, again = True, True
    for record in records:
        for text in (record["prompt"], record["completion"].strip()):
            same &= tokenizer(text)["input_ids"] == ours.encode(text, add_special_tokens=False).ids
        body = [token for token in record["token_ids"] if token not in tokenizer.all_special_ids]
        again &= tokenizer.decode(body).strip() == record["completion"].strip()
    check("token ids of prompts and completions", same, f"{2 * len(records)} texts")
    check("recorded tokens decode to the recorded text", again)
    check("no token beyond the embedding", len(tokenizer) <= ours.get_vocab_size())


def log_probabilities(model, prompt, tokens):
    ids = torch.tensor([prompt + tokens])
    with torch.no_grad():
        table = torch.log_softmax(model(input_ids=ids).logits.float(), dim=-1)[0]
    places = torch.arange(len(prompt) - 1, len(prompt) + len(tokens) - 1)
    return table[places, torch.tensor(tokens)]


def difference(folder, records):
    """The largest difference of a token's log-probability, over all recorded tokens."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    worst, count = 0.0, 0
    for record in records:
        theirs = log_probabilities(model, tokenizer(record["prompt"])["input_ids"], record["token_ids"])
        worst = max(worst, (theirs - torch.tensor(record["logprobs"])).abs().max().item())
        count += len(record["token_ids"])
    return worst, count


def check_generation(folder, tokenizer, model):
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    torch.manual_seed(0)
    inputs = tokenizer(PROMPTS[0], return_tensors="pt")
    sampled = model.generate(**inputs, max_new_tokens=200, do_sample=True, top_k=0, num_return_sequences=64)
    ended = [row for row in sampled[:, inputs["input_ids"].shape[1] :].tolist() if any(token in ends for token in row)]
    after = {token for row in ended for token in row[next(i for i, t in enumerate(row) if t in ends) + 1 :]}
    check("generation stops", len(ended) > 60 and after <= {tokenizer.pad_token_id}, f"{len(ended)} of 64 within 200 tokens")
    singly = []
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, return_tensors="pt")
        written = model.generate(**inputs, max_new_tokens=60, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        singly.append(written.tolist())
    batch = tokenizer(PROMPTS, return_tensors="pt", padding=True)
    check("prompts of a batch are padded", len({len(tokenizer(prompt)["input_ids"]) for prompt in PROMPTS}) > 1)
    written = model.generate(**batch, max_new_tokens=60, do_sample=False)[:, batch["input_ids"].shape[1] :]
    cut = [[token for token in row if token != tokenizer.pad_token_id] for row in written.tolist()]
    check("a padded batch writes what single rows write", cut == singly)
    check("padding is within the embedding", batch["input_ids"].max().item() < model.config.vocab_size)
    torch.manual_seed(0)
    said = pipeline("text-generation", str(folder))(PROMPTS[0], return_full_text=False)[0]["generated_text"]
    check("pipeline('text-generation') answers a puzzle", "<answer>" in said and said.strip().endswith("</answer>"), said.strip())


def check_trl(folder, work):
    """One step of GRPO in TRL, and whether the weights that it saves still load."""
    def reward(completions, **_):
        return [float("</answer>" in text) + 0.01 * len(text) for text in completions]

    arguments = trl.GRPOConfig(
        output_dir=str(work), max_steps=1, per_device_train_batch_size=8, num_generations=4, max_completion_length=48,
        learning_rate=1e-5, report_to="none", use_cpu=True, save_strategy="no", bf16=False, logging_steps=1, disable_tqdm=True,
    )
    data = Dataset.from_dict({"prompt": PROMPTS * 2})
    trainer = trl.GRPOTrainer(model=str(folder), reward_funcs=reward, args=arguments, train_dataset=data)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.train()
    log = next(line for line in trainer.state.log_history if "reward" in line)
    moved = max((p.detach() - before[name]).abs().max().item() for name, p in trainer.model.named_parameters())
    check("TRL's GRPOTrainer takes a step", moved > 0, f"reward {log['reward']:.3f}, weights moved by {moved:.1e}")
    check("its completions end", log["completions/clipped_ratio"] < 0.5, f"clipped ratio {log['completions/clipped_ratio']}")


def check_folder(folder, records, what):
    print(f"{what}:", flush=True)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    print(f"  {type(tokenizer).__name__}, {type(model).__name__}, {model.dtype}")
    check_tokens(folder, tokenizer, records)
    worst, count = difference(folder, records)
    check(f"log-probabilities within {LOGITS}", worst < LOGITS, f"largest difference {worst:.2e} over {count} tokens")
    check_generation(folder, tokenizer, model)
    return worst


def foreign_base(folder):
    """A random Llama as people publish them: bfloat16, byte-level tokens, chat template, two end tokens."""
    words = tokenizers.Tokenizer(tokenizers.models.BPE())
    words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(
        ["use 4 1 16 make 19 : <think> 4 + 16 = 20 </think> <answer> 16 + 4 - 1 </answer>"] * 50,
        tokenizers.trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, special_tokens=["<|endoftext|>", "<|im_end|>"]),
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_input_names=["input_ids", "attention_mask"]
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, eos_token_id=[1, 0], bos_token_id=None, pad_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": 50000.0}, initializer_range=0.2, dtype="bfloat16",
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    model.generation_config.update(eos_token_id=[1, 0], pad_token_id=0, do_sample=True, top_p=0.9)
    model.generation_config.save_pretrained(folder)


def check_foreign(lab):
    base = lab.root / "foreign"
    foreign_base(base)
    run, records = lab.run("foreign-runs", "--base", base, "--set", "max_new_tokens=48")
    export = lab.export(run, 0, "foreign-export")
    print("export of a run from another base:")
    kept = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"]
    same = [name for name in kept if (export / name).read_bytes() == (base / name).read_bytes()]
    check("tokenizer files, chat template and generation settings are the base's", same == kept, ", ".join(same))
    was, now = (json.loads((folder / "config.json").read_text()) for folder in (base, export))
    changed = sorted(name for name in was | now if was.get(name) != now.get(name))
    check("config.json is the base's", not changed, ", ".join(changed))
    theirs, ours = (AutoModelForCausalLM.from_pretrained(folder) for folder in (base, export))
    check("dtype", ours.dtype == torch.bfloat16, str(ours.dtype))
    weights = zip(theirs.state_dict().items(), ours.state_dict().items())
    check("before training the weights are the base's, bit for bit", all(a[0] == b[0] and torch.equal(a[1], b[1]) for a, b in weights))
    check_tokens(export, AutoTokenizer.from_pretrained(export), records)
    worst, count = difference(export, records)
    check(f"log-probabilities within {LOGITS}", worst < LOGITS, f"largest difference {worst:.2e} over {count} tokens")
    ends = [i for record in records for i, token in enumerate(record["token_ids"][:-1]) if token in (0, 1)]
    check("the lab ends completions with either end token", not ends)
    in_full = lab.export(run, 1, "foreign-full", "--dtype", "float32")
    check("--dtype float32 writes what was trained", AutoModelForCausalLM.from_pretrained(in_full).dtype == torch.float32)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/aha-lab")
    parser.add_argument("--out", type=pathlib.Path, help="write the result here, as JSON")
    arguments = parser.parse_args()
    versions = {library.__name__: library.__version__ for library in (transformers, tokenizers, torch, trl)}
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    worst = {}
    with tempfile.TemporaryDirectory() as root:
        lab = Lab(arguments.program, pathlib.Path(root))
        for task in ("countdown", "multiplication"):
            run, records = lab.run(f"{task}-runs", "--task", task)
            if task == "countdown":
                export = lab.export(run, 0, "export")
                worst["export"] = check_folder(export, records, "export of a run's step 0")
                check_trl(export, lab.root / "trl")
                worst["checkpoint"] = check_folder(run / "checkpoints/step-000000", records, "the checkpoint folder itself")
            else:
                export = lab.export(run, 0, f"{task}-export")
                print(f"export of {task}:")
                check_tokens(export, AutoTokenizer.from_pretrained(export), records)
                worst[task], count = difference(export, records)
                check(f"log-probabilities within {LOGITS}", worst[task] < LOGITS, f"largest difference {worst[task]:.2e} over {count} tokens")
        worst["another base"] = check_foreign(lab)
    if arguments.out:
        arguments.out.write_text(json.dumps({"versions": versions, "largest_difference": worst, "failed": failures}, indent=1) + "\n")
    print(f"{len(failures)} failed" if failures else "all as it should be")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
