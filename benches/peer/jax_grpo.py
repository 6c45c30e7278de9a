#!/usr/bin/env python3
"""The work of `aha-lab bench` in JAX on the CPU, everything under jax.jit: one JSON object with the same keys.

The step and the model are those of torch_grpo.py. Sampling is one program: a loop over tokens whose keys and values
have a fixed place, as XLA needs, in stretches, so that a token attends to few places that are still empty. Its scores
are sums over whole vectors instead of products of tiny matrices, which XLA does one by one.
"""

import argparse
import functools
import json
import math
import os
import resource
import statistics
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    whole = [("d-model", 128), ("layers", 4), ("heads", 4), ("kv-heads", 2), ("ffn", 384), ("vocab", 172),
             ("prompts", 16), ("group", 16), ("prompt-len", 8), ("max-new", 128), ("threads", 1),
             ("micro-tokens", 8192), ("steps", 5)]
    for name, default in whole:
        parser.add_argument("--" + name, type=int, default=default)
    return parser.parse_args()


ARGS = arguments()
# XLA sizes its pool of threads by the processors that it may use.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: ARGS.threads])
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

HEAD = ARGS.d_model // ARGS.heads
SHARED = ARGS.heads // ARGS.kv_heads
LENGTH = ARGS.prompt_len + ARGS.max_new
ROWS = ARGS.prompts * ARGS.group
# Places by which the keys that a token sees grow.
STRETCH = 16


def random_parameters(key):
    def weight(*shape):
        nonlocal key
        key, used = jax.random.split(key)
        return jax.random.normal(used, shape) * 0.02

    def block():
        row = (ARGS.heads + 2 * ARGS.kv_heads) * HEAD
        return {"attention_norm": jnp.ones(ARGS.d_model), "feed_norm": jnp.ones(ARGS.d_model),
                "qkv": weight(ARGS.d_model, row), "qkv_bias": jnp.zeros(row),
                "out": weight(ARGS.heads * HEAD, ARGS.d_model),
                "gate_up": weight(ARGS.d_model, 2 * ARGS.ffn), "down": weight(ARGS.ffn, ARGS.d_model)}

    return {"embedding": weight(ARGS.vocab, ARGS.d_model), "last_norm": jnp.ones(ARGS.d_model),
            "blocks": [block() for _ in range(ARGS.layers)]}


def normalize(x, weight):
    return x * lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * weight


def angles(positions):
    frequency = 10000.0 ** (-jnp.arange(HEAD // 2) / (HEAD // 2))
    angle = positions[..., None, None] * frequency
    return jnp.cos(angle), jnp.sin(angle)


def rotated_qkv(block, x, cos, sin):
    """x [..., width] to q, k, v [..., heads, head]."""
    heads = normalize(x, block["attention_norm"]) @ block["qkv"] + block["qkv_bias"]
    heads = heads.reshape(*x.shape[:-1], -1, HEAD)
    turning, v = jnp.split(heads, [ARGS.heads + ARGS.kv_heads], -2)
    first, second = jnp.split(turning, 2, -1)
    turned = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], -1)
    q, k = jnp.split(turned, [ARGS.heads], -2)
    return q, k, v


def feed_forward(block, x):
    gate, up = jnp.split(normalize(x, block["feed_norm"]) @ block["gate_up"], 2, -1)
    return x + (jax.nn.silu(gate) * up) @ block["down"]


def forward(parameters, ids):
    """ids [rows, time] to hidden states [rows, time, width], and each block's keys and values."""
    time_steps = ids.shape[1]
    x = parameters["embedding"][ids]
    cos, sin = angles(jnp.arange(time_steps))
    mask = jnp.tril(jnp.ones((time_steps, time_steps), bool))
    kept = []
    for block in parameters["blocks"]:
        q, k, v = rotated_qkv(block, x, cos, sin)
        kept.append((k.transpose(0, 2, 1, 3), v.transpose(0, 2, 1, 3)))
        q = q.reshape(*q.shape[:2], ARGS.kv_heads, SHARED, HEAD) / math.sqrt(HEAD)
        scores = jnp.where(mask, jnp.einsum("btgsh,bugh->bgstu", q, k), -1e30)
        mixed = jnp.einsum("bgstu,bugh->btgsh", jax.nn.softmax(scores, -1), v)
        x = feed_forward(block, x + mixed.reshape(*x.shape[:2], -1) @ block["out"])
    return normalize(x, parameters["last_norm"]), kept


def next_hidden(parameters, token, position, cache, seen):
    """One token of each row, which attends to the first `seen` places of the cache."""
    x = parameters["embedding"][token]
    cos, sin = angles(position)
    empty = jnp.arange(seen) > position
    changed = []
    for block, (keys, values) in zip(parameters["blocks"], cache):
        q, k, v = rotated_qkv(block, x, cos, sin)
        keys = lax.dynamic_update_slice(keys, k[..., None], (0, 0, 0, position))
        values = lax.dynamic_update_slice(values, v[:, :, None], (0, 0, position, 0))
        changed.append((keys, values))
        q = q.reshape(-1, ARGS.kv_heads, SHARED, HEAD) / math.sqrt(HEAD)
        scores = (q[..., None] * keys[:, :, None, :, :seen]).sum(3)
        weights = jax.nn.softmax(jnp.where(empty, -1e30, scores), -1)
        mixed = (weights[..., None] * values[:, :, None, :seen]).sum(3)
        x = feed_forward(block, x + mixed.reshape(x.shape[0], -1) @ block["out"])
    return normalize(x, parameters["last_norm"]), changed


@jax.jit
def sample(parameters, prompts, key):
    """prompts [rows, prompt] to tokens and their log-probabilities, both [rows, count]."""
    hidden, kept = forward(parameters, prompts)
    room = ((0, 0), (0, 0), (0, ARGS.max_new), (0, 0))
    cache = [(jnp.pad(k, room).swapaxes(2, 3), jnp.pad(v, room)) for k, v in kept]

    def draw(hidden, key):
        distribution = jax.nn.log_softmax(hidden @ parameters["embedding"].T, -1)
        token = jnp.argmax(distribution + jax.random.gumbel(key, distribution.shape), -1)
        return token, jnp.take_along_axis(distribution, token[:, None], 1)[:, 0]

    def one(seen, at, state):
        hidden, cache, tokens, logprobs = state
        token, logprob = draw(hidden, jax.random.fold_in(key, at))
        tokens, logprobs = tokens.at[at].set(token), logprobs.at[at].set(logprob)
        hidden, cache = next_hidden(parameters, token, ARGS.prompt_len + at, cache, seen)
        return hidden, cache, tokens, logprobs

    written = (jnp.zeros((ARGS.max_new, ROWS), int), jnp.zeros((ARGS.max_new, ROWS)))
    state = (hidden[:, -1], cache, *written)
    for start in range(0, ARGS.max_new - 1, STRETCH):
        end = min(start + STRETCH, ARGS.max_new - 1)
        state = lax.fori_loop(start, end, functools.partial(one, ARGS.prompt_len + end), state)
    hidden, _, tokens, logprobs = state
    token, logprob = draw(hidden, jax.random.fold_in(key, ARGS.max_new))
    return tokens.at[-1].set(token).T, logprobs.at[-1].set(logprob).T


def loss(parameters, batch, old, gain):
    hidden, _ = forward(parameters, batch[:, :-1])
    logits = hidden[:, ARGS.prompt_len - 1 :] @ parameters["embedding"].T
    new = jnp.take_along_axis(jax.nn.log_softmax(logits, -1), batch[:, ARGS.prompt_len :, None], -1)[..., 0]
    ratio = jnp.exp(new - old)
    gained = jnp.minimum(ratio * gain, jnp.clip(ratio, 0.8, 1.28) * gain)
    return -gained.sum() / (ROWS * ARGS.max_new)


@functools.partial(jax.jit, donate_argnums=(0, 1))
def update(parameters, moments, prompts, tokens, old, rewards):
    """One clipped policy-gradient update over all rows: micro-batches, norm clipping, AdamW."""
    gain = (rewards - rewards.mean(1, keepdims=True)).reshape(-1, 1)
    rows = jnp.concatenate([prompts, tokens], 1)
    # The number of micro-batches that divides the rows and comes closest to the wanted size.
    wanted = max(1, ROWS * LENGTH // ARGS.micro_tokens)
    count = min((n for n in range(1, ROWS + 1) if ROWS % n == 0), key=lambda n: abs(n - wanted))
    batches = tuple(part.reshape(count, ROWS // count, -1) for part in (rows, old, gain))

    def add(sum_, batch):
        return jax.tree.map(jnp.add, sum_, jax.grad(loss)(parameters, *batch)), None

    gradient, _ = lax.scan(add, jax.tree.map(jnp.zeros_like, parameters), batches)
    norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(gradient)))
    gradient = jax.tree.map(lambda g: g * jnp.minimum(1.0, 1.0 / (norm + 1e-6)), gradient)
    first, second, step = moments
    step = step + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.95 * v + 0.05 * g * g, second, gradient)

    def moved(p, m, v):
        return p - 3e-4 * (m / (1 - 0.9**step)) / (jnp.sqrt(v / (1 - 0.95**step)) + 1e-8)

    return jax.tree.map(moved, parameters, first, second), (first, second, step)


def main():
    key = jax.random.key(0, impl="rbg")
    parameters = random_parameters(key)
    zeros = functools.partial(jax.tree.map, jnp.zeros_like)
    moments = (zeros(parameters), zeros(parameters), jnp.zeros((), int))
    times = []
    for step in range(ARGS.steps + 1):
        of_prompts, of_tokens, of_rewards = jax.random.split(jax.random.fold_in(key, step), 3)
        prompts = jax.random.randint(of_prompts, (ARGS.prompts, ARGS.prompt_len), 0, ARGS.vocab)
        prompts = jax.block_until_ready(jnp.repeat(prompts, ARGS.group, 0))
        rewards = (jax.random.uniform(of_rewards, (ARGS.prompts, ARGS.group)) < 0.3).astype(float)
        start = time.perf_counter()
        tokens, old = jax.block_until_ready(sample(parameters, prompts, of_tokens))
        middle = time.perf_counter()
        parameters, moments = jax.block_until_ready(update(parameters, moments, prompts, tokens, old, rewards))
        times.append((middle - start, time.perf_counter() - middle))
    # The first compiled.
    times = times[1:]
    # Linux counts kibibytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps({
        "rollout_tok_s": ROWS * ARGS.max_new / statistics.median(t[0] for t in times),
        "train_tok_s": ROWS * LENGTH / statistics.median(t[1] for t in times),
        "step_s": statistics.median(map(sum, times)),
        "step_s_min": min(map(sum, times)),
        "max_rss_mib": peak,
        "threads": ARGS.threads,
        "params": sum(p.size for p in jax.tree.leaves(parameters)),
        "version": jax.__version__,
    }))


if __name__ == "__main__":
    main()
