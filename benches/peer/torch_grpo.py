#!/usr/bin/env python3
"""The work of `aha-lab bench`, in PyTorch: one JSON object with the same keys.

A step is a rollout of prompts x group rows of exactly --max-new tokens, group advantages of random rewards, and
one clipped update over all rows, of all weights or with --lora-rank of adapters. The model is Qwen2's: RMSNorm, rotate-half RoPE, grouped queries with biases,
SwiGLU, tied embeddings, random weights in f32. The first step is not counted.
"""

import argparse
import json
import math
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    whole = [("d-model", 128), ("layers", 4), ("heads", 4), ("kv-heads", 2), ("ffn", 384), ("vocab", 172),
             ("prompts", 16), ("group", 16), ("prompt-len", 8), ("max-new", 128), ("threads", 1),
             ("micro-tokens", 8192), ("lora-rank", 0), ("steps", 5)]
    for name, default in whole:
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile what is called in the loops")
    return parser.parse_args()


class Adapter(nn.Module):
    """x to scale * (x a) b."""

    def __init__(self, rows, columns, rank, alpha=32.0):
        super().__init__()
        bound = rows ** -0.5
        self.a = nn.Parameter(torch.empty(rows, rank).uniform_(-bound, bound))
        self.b = nn.Parameter(torch.zeros(rank, columns))
        self.scale = alpha / rank

    def forward(self, x):
        return (x @ self.a) @ self.b * self.scale


class Block(nn.Module):
    """Projections are fused where they read the same input: fewer, larger products."""

    def __init__(self, width, heads, kv_heads, inner, rank):
        super().__init__()
        self.heads, self.kv_heads, self.head = heads, kv_heads, width // heads
        self.attention_norm = nn.Parameter(torch.ones(width))
        self.feed_norm = nn.Parameter(torch.ones(width))
        self.qkv = nn.Linear(width, (heads + 2 * kv_heads) * self.head)
        self.out = nn.Linear(heads * self.head, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        # As PEFT does it: one adapter for each of q, k, v, o, gate, up and down.
        self.adapters, self.merged = nn.ModuleDict(), False
        if rank:
            kv = kv_heads * self.head
            for name, columns in {"qkv": [heads * self.head, kv, kv], "out": [width], "gate_up": [inner, inner],
                                  "down": [width]}.items():
                rows = getattr(self, name).in_features
                self.adapters[name] = nn.ModuleList(Adapter(rows, part, rank) for part in columns)

    def times(self, name, x):
        """x times the matrix of this name, with what its adapters add."""
        y = getattr(self, name)(x)
        if name in self.adapters and not self.merged:
            y = y + torch.cat([adapter(x) for adapter in self.adapters[name]], -1)
        return y

    @torch.no_grad()
    def merge(self, sign):
        for name, adapters in self.adapters.items():
            more = torch.cat([adapter.scale * (adapter.a @ adapter.b) for adapter in adapters], 1)
            getattr(self, name).weight += sign * more.T
        self.merged = sign > 0

    def rotated_qkv(self, x, cos, sin):
        """x [..., width] to q, k, v [..., heads, head]; queries and keys are rotated in one pass."""
        heads = self.times("qkv", normalize(x, self.attention_norm)).unflatten(-1, (-1, self.head))
        rotating, v = heads.split([self.heads + self.kv_heads, self.kv_heads], -2)
        first, second = rotating.chunk(2, -1)
        rotated = torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
        q, k = rotated.split([self.heads, self.kv_heads], -2)
        return q, k, v

    def feed_forward(self, x):
        gate, up = self.times("gate_up", normalize(x, self.feed_norm)).chunk(2, -1)
        return x + self.times("down", F.silu(gate) * up)


def normalize(x, weight):
    return F.rms_norm(x, weight.shape, weight, 1e-6)


class Model(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(args.vocab, args.d_model) * 0.02)
        self.blocks = nn.ModuleList(
            Block(args.d_model, args.heads, args.kv_heads, args.ffn, args.lora_rank) for _ in range(args.layers))
        self.last_norm = nn.Parameter(torch.ones(args.d_model))
        half = args.d_model // args.heads // 2
        frequency = 10000.0 ** (-torch.arange(half) / half)
        angle = torch.arange(args.prompt_len + args.max_new)[:, None, None] * frequency
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def forward(self, ids, cache=None):
        """ids [rows, time] to hidden states [rows, time, width]; fills a cache with keys and values."""
        time_steps = ids.shape[1]
        x = F.embedding(ids, self.embedding)
        for index, block in enumerate(self.blocks):
            q, k, v = block.rotated_qkv(x, self.cos[:time_steps], self.sin[:time_steps])
            q, k, v = (part.transpose(1, 2) for part in (q, k, v))
            if cache is not None:
                cache[index][0][:, :, :time_steps] = k
                cache[index][1][:, :, :time_steps] = v
            shared = block.heads // block.kv_heads
            k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = block.feed_forward(x + block.times("out", mixed.transpose(1, 2).flatten(2)))
        return normalize(x, self.last_norm)

    def next_hidden(self, token, position, cache):
        """One token of each row. Query heads that share keys are one product, without copying the keys."""
        x = F.embedding(token, self.embedding)
        # Slices, not indices: an index is a constant to torch.compile, which would compile for each.
        cos, sin = self.cos[position : position + 1, 0], self.sin[position : position + 1, 0]
        for block, (keys, values) in zip(self.blocks, cache):
            q, k, v = block.rotated_qkv(x, cos, sin)
            keys[:, :, position : position + 1] = k[:, :, None]
            values[:, :, position : position + 1] = v[:, :, None]
            q = q.unflatten(1, (block.kv_heads, -1)) / math.sqrt(block.head)
            scores = q @ keys[:, :, : position + 1].transpose(2, 3)
            mixed = torch.softmax(scores, -1) @ values[:, :, : position + 1]
            x = block.feed_forward(x + block.times("out", mixed.flatten(1)))
        return normalize(x, self.last_norm)

    def merge(self, sign):
        for block in self.blocks:
            block.merge(sign)

    @torch.inference_mode()
    def sample(self, prompts, count):
        """prompts [rows, prompt] to tokens and their log-probabilities, both [rows, count]."""
        rows, prompt = prompts.shape
        first = self.blocks[0]
        shape = (rows, first.kv_heads, prompt + count, first.head)
        cache = [(prompts.new_empty(shape, dtype=torch.float32), prompts.new_empty(shape, dtype=torch.float32))
                 for _ in self.blocks]
        hidden = self(prompts, cache)[:, -1]
        tokens = prompts.new_empty(rows, count)
        logprobs = prompts.new_empty((rows, count), dtype=torch.float32)
        for at in range(count):
            token, logprob = self.draw(hidden)
            tokens[:, at : at + 1] = token
            logprobs[:, at : at + 1] = logprob
            if at + 1 < count:
                hidden = self.next_hidden(token[:, 0], prompt + at, cache)
        return tokens, logprobs

    def draw(self, hidden):
        distribution = torch.log_softmax(F.linear(hidden, self.embedding), -1)
        # The largest of p / Exp(1) is a draw from p; on a CPU faster than torch.multinomial.
        race = distribution - torch.empty_like(distribution).exponential_().log_()
        token = race.argmax(-1, keepdim=True)
        return token, distribution.gather(1, token)


def clipped_loss(model, batch, old, gain, prompt_len, all_tokens):
    hidden = model(batch[:, :-1])[:, prompt_len - 1 :]
    logits = F.linear(hidden, model.embedding)
    targets = batch[:, prompt_len:]
    new = -F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(old)
    ratio = (new - old).exp()
    gained = torch.minimum(ratio * gain, ratio.clamp(0.8, 1.28) * gain)
    return -gained.sum() / all_tokens


def update(args, loss, model, optimizer, prompts, tokens, sampled):
    """One clipped policy-gradient update over all rows, in micro-batches."""
    rewards = (torch.rand(args.prompts, args.group, device=tokens.device) < 0.3).float()
    advantage = (rewards - rewards.mean(1, keepdim=True)).reshape(-1, 1)
    rows = torch.cat([prompts, tokens], 1)
    micro = max(1, args.micro_tokens // rows.shape[1])
    for batch, old, gain in zip(rows.split(micro), sampled.split(micro), advantage.split(micro)):
        loss(model, batch, old, gain, args.prompt_len, tokens.numel()).backward()
    nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    on_gpu = args.device.startswith("cuda")
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    model = Model(args).to(args.device)
    if args.lora_rank:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("adapters" in name)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-4, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    loss = clipped_loss
    if args.compile:
        # The position is a size like any other: one program for all of them.
        model.next_hidden = torch.compile(model.next_hidden, dynamic=True)
        model.draw = torch.compile(model.draw)
        loss = torch.compile(clipped_loss, dynamic=False)
    times = []
    for _ in range(args.steps + 1):
        prompts = torch.randint(args.vocab, (args.prompts, args.prompt_len), device=args.device)
        prompts = prompts.repeat_interleave(args.group, 0)
        wait()
        start = time.perf_counter()
        model.merge(1)
        tokens, sampled = model.sample(prompts, args.max_new)
        model.merge(-1)
        wait()
        middle = time.perf_counter()
        # Tensors made under inference_mode cannot be saved for a backward pass; copies can.
        update(args, loss, model, optimizer, prompts, tokens.clone(), sampled.clone())
        wait()
        times.append((middle - start, time.perf_counter() - middle))
    times = times[1:]
    rows = args.prompts * args.group
    # Linux counts kibibytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps({
        "rollout_tok_s": rows * args.max_new / statistics.median(t[0] for t in times),
        "train_tok_s": rows * (args.prompt_len + args.max_new) / statistics.median(t[1] for t in times),
        "step_s": statistics.median(map(sum, times)),
        "step_s_min": min(map(sum, times)),
        "max_rss_mib": peak,
        "threads": args.threads,
        "params": sum(p.numel() for p in model.parameters()),
        "version": torch.__version__,
    }))


if __name__ == "__main__":
    main()
