"""Train the shipped masked language model: a BERT-layout encoder on public-domain text.

    python train.py --corpus CORPUS_DIR --tokenizer TOKENIZER_DIR --out OUT_DIR --hours 2.5

CORPUS_DIR holds train.txt and val.txt, one paragraph per line. The learning rate warms up, stays, and in the last
quarter of the time given falls to zero, so the budget is stated in hours of wall clock, not in steps. The run can be
stopped at any moment and started again with the same command: it goes on from OUT_DIR/checkpoint.pt.

Hidden matrices are trained with Muon (momentum, orthogonalised by Newton-Schulz), everything else with AdamW. Every
masked position holds [MASK] (no random or kept tokens): the program only ever asks for the law at a [MASK].
OUT_DIR/model.safetensors (f16), config.json, tokenizer.json, vocab.txt and loss_curve.csv are written at each export.
"""

import argparse
import itertools
import json
import math
import shutil
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import nn

PAD, UNK, CLS, SEP, MASK = range(5)


class Layer(nn.Module):
    def __init__(self, hidden, heads, inner):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(hidden, hidden) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(hidden, eps=1e-12), nn.LayerNorm(hidden, eps=1e-12)
        self.up, self.down = nn.Linear(hidden, inner), nn.Linear(inner, hidden)

    def forward(self, x, keep):
        batch, length, hidden = x.shape
        split = lambda t: t.view(batch, length, self.heads, hidden // self.heads).transpose(1, 2)
        a = F.scaled_dot_product_attention(split(self.q(x)), split(self.k(x)), split(self.v(x)), attn_mask=keep)
        x = self.norm1(x + self.o(a.transpose(1, 2).reshape(batch, length, hidden)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class MaskedLM(nn.Module):
    def __init__(self, vocab, hidden, layers, heads, inner, positions):
        super().__init__()
        self.word, self.position = nn.Embedding(vocab, hidden), nn.Embedding(positions, hidden)
        self.norm = nn.LayerNorm(hidden, eps=1e-12)
        self.layers = nn.ModuleList(Layer(hidden, heads, inner) for _ in range(layers))
        self.transform, self.head_norm = nn.Linear(hidden, hidden), nn.LayerNorm(hidden, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(vocab))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, ids, rows):
        """Logits [len(rows), vocab] at the flat positions `rows` of ids [batch, length]."""
        x = self.norm(self.word(ids) + self.position.weight[: ids.shape[1]])
        keep = (ids != PAD)[:, None, None, :]
        keep = None if bool(keep.all()) else keep
        for layer in self.layers:
            x = layer(x, keep)
        x = x.reshape(-1, x.shape[-1])[rows]
        x = self.head_norm(F.gelu(self.transform(x)))
        return x @ self.word.weight.T + self.bias


class Muon:
    """Momentum whose update is replaced by its nearest semi-orthogonal matrix (five Newton-Schulz steps)."""

    def __init__(self, parameters, momentum=0.95):
        self.parameters, self.momentum = parameters, momentum
        self.state = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, rate, decay):
        for p, buffer in zip(self.parameters, self.state):
            buffer.lerp_(p.grad, 1 - self.momentum)
            g = p.grad.lerp(buffer, self.momentum)
            x = g.T if g.shape[0] > g.shape[1] else g
            x = x / (x.norm() + 1e-7)
            for _ in range(5):
                s = x @ x.T
                x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
            x = x.T if g.shape[0] > g.shape[1] else x
            p.mul_(1 - rate * decay).add_(x, alpha=-rate * 0.2 * math.sqrt(max(p.shape)))


def encode(path, tokenizer, length, cache):
    """Paragraphs as one flat array and their bounds; long ones are cut into pieces of at most length - 2 tokens."""
    if cache.exists():
        with np.load(cache) as stored:
            return stored["tokens"], stored["bounds"]
    pieces = []
    with open(path, encoding="utf-8") as lines:
        for encoding in tokenizer.encode_batch([line.strip() for line in lines], add_special_tokens=False):
            ids = np.array(encoding.ids, dtype=np.uint16)
            parts = max(1, math.ceil(len(ids) / (length - 2)))
            pieces.extend(part for part in np.array_split(ids, parts) if len(part) >= 4)
    bounds = np.concatenate([[0], np.cumsum([len(p) for p in pieces])]).astype(np.int64)
    tokens = np.concatenate(pieces)
    np.savez(cache, tokens=tokens, bounds=bounds)
    return tokens, bounds


def batches(tokens, bounds, budget, rng):
    """One pass in batches of about `budget` tokens, pieces of similar length together; special tokens added."""
    count = len(bounds) - 1
    order = rng.permutation(count)
    chunks = []
    for start in range(0, count, 8192):
        pool = sorted(order[start : start + 8192], key=lambda i: bounds[i + 1] - bounds[i])
        batch, width = [], 0
        for i in pool:
            size = bounds[i + 1] - bounds[i] + 2
            if batch and max(width, size) * (len(batch) + 1) > budget:
                chunks.append(batch)
                batch, width = [], 0
            batch.append(i)
            width = max(width, size)
        chunks.append(batch)
    for k in rng.permutation(len(chunks)):
        batch = chunks[k]
        width = max(bounds[i + 1] - bounds[i] for i in batch) + 2
        ids = np.full((len(batch), width), PAD, dtype=np.int64)
        for row, i in zip(ids, batch):
            size = bounds[i + 1] - bounds[i]
            row[0], row[size + 1] = CLS, SEP
            row[1 : size + 1] = tokens[bounds[i] : bounds[i + 1]]
        yield ids


def mask(ids, rate, rng):
    """A share `rate` of the ordinary tokens replaced by [MASK]: (inputs, flat rows, targets)."""
    flat = ids.reshape(-1)
    ordinary = np.flatnonzero(flat > MASK)
    rows = np.sort(rng.choice(ordinary, max(1, int(rate * len(ordinary))), replace=False))
    inputs = flat.copy()
    inputs[rows] = MASK
    return torch.from_numpy(inputs.reshape(ids.shape)), torch.from_numpy(rows), torch.from_numpy(flat[rows])


@torch.no_grad()
def validate(model, tokens, bounds, budget, limit):
    """Cross-entropy (nats per masked token, 15 % masked), top-1 accuracy and the number of masked tokens."""
    model.eval()
    rng = np.random.default_rng(0)
    loss = hits = seen = 0
    for ids in batches(tokens, bounds, budget, rng):
        inputs, rows, targets = mask(ids, 0.15, rng)
        logits = model(inputs, rows)
        loss += F.cross_entropy(logits, targets, reduction="sum").item()
        hits += (logits.argmax(1) == targets).sum().item()
        seen += len(targets)
        if seen >= limit:
            break
    model.train()
    return loss / seen, hits / seen, seen


def export(model, shape, tokenizer_dir, out):
    """BERT names, f16; the head's decoder is tied to the word embeddings and therefore not written."""
    names = {"bert.embeddings.word_embeddings.weight": model.word.weight,
             "bert.embeddings.position_embeddings.weight": model.position.weight,
             "bert.embeddings.token_type_embeddings.weight": torch.zeros(2, shape["hidden"]),
             "cls.predictions.bias": model.bias}
    linear = {"cls.predictions.transform.dense": model.transform}
    norms = {"bert.embeddings.LayerNorm": model.norm, "cls.predictions.transform.LayerNorm": model.head_norm}
    for i, layer in enumerate(model.layers):
        at = f"bert.encoder.layer.{i}."
        linear |= {at + "attention.self.query": layer.q, at + "attention.self.key": layer.k,
                   at + "attention.self.value": layer.v, at + "attention.output.dense": layer.o,
                   at + "intermediate.dense": layer.up, at + "output.dense": layer.down}
        norms |= {at + "attention.output.LayerNorm": layer.norm1, at + "output.LayerNorm": layer.norm2}
    for name, module in (linear | norms).items():
        names[name + ".weight"], names[name + ".bias"] = module.weight, module.bias
    save_file({k: v.detach().half().contiguous() for k, v in names.items()}, out / "model.safetensors", {"format": "pt"})
    config = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "vocab_size": shape["vocab"],
              "hidden_size": shape["hidden"], "num_hidden_layers": shape["layers"],
              "num_attention_heads": shape["heads"], "intermediate_size": shape["inner"], "hidden_act": "gelu",
              "max_position_embeddings": shape["positions"], "type_vocab_size": 2, "layer_norm_eps": 1e-12,
              "pad_token_id": PAD, "tie_word_embeddings": True, "torch_dtype": "float16"}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for name in ("tokenizer.json", "vocab.txt"):
        if (tokenizer_dir / name).resolve() != (out / name).resolve():
            shutil.copy(tokenizer_dir / name, out / name)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--corpus", type=Path, required=True)
    p.add_argument("--tokenizer", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--hours", type=float, default=2.5)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--hidden", type=int, default=256)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--length", type=int, default=128)
    p.add_argument("--budget", type=int, default=6144, help="tokens per step")
    p.add_argument("--rate", type=float, default=3e-3)
    p.add_argument("--masked", type=float, default=0.2)
    p.add_argument("--bf16", action="store_true", help="matrix products in bf16")
    p.add_argument("--seed", type=int, default=7)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    a.out.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(a.tokenizer / "tokenizer.json"))
    shape = {"vocab": tokenizer.get_vocab_size(), "hidden": a.hidden, "layers": a.layers, "heads": a.hidden // 64,
             "inner": 4 * a.hidden, "positions": 128}
    train = encode(a.corpus / "train.txt", tokenizer, a.length, a.out / f"train{a.length}.npz")
    val = encode(a.corpus / "val.txt", tokenizer, a.length, a.out / f"val{a.length}.npz")
    print(f"train {len(train[0]):,} tokens, validation {len(val[0]):,} tokens", flush=True)
    model = MaskedLM(**shape)
    matrices = [q for layer in model.layers for q in layer.parameters() if q.ndim == 2] + [model.transform.weight]
    taken = {id(q) for q in matrices}
    rest = [q for q in model.parameters() if id(q) not in taken]
    muon = Muon(matrices)
    adam = torch.optim.AdamW([{"params": [q for q in rest if q.ndim == 2], "weight_decay": 0.01},
                              {"params": [q for q in rest if q.ndim < 2], "weight_decay": 0.0}],
                             lr=a.rate, betas=(0.9, 0.98), eps=1e-8)
    step, spent, seen, curve = 0, 0.0, 0, []
    checkpoint = a.out / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=False)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        muon.state = saved["muon"]
        step, spent, seen, curve = saved["step"], saved["spent"], saved["seen"], saved["curve"]
        print(f"resumed at step {step}", flush=True)
    print(f"{sum(q.numel() for q in model.parameters()):,} parameters", flush=True)
    rng = np.random.default_rng([a.seed, step])
    total, started, last_save, running = a.hours * 3600, time.time(), time.time(), None
    for ids in (ids for _ in itertools.count() for ids in batches(*train, a.budget, rng)):
        now = spent + time.time() - started
        # Warm-up by steps, a long plateau, then linear to zero over the last quarter of the time.
        scale = min(1.0, (step + 1) / 200) * min(1.0, max(0.0, (total - now) / (0.25 * total)))
        if scale <= 0.0:
            break
        inputs, rows, targets = mask(ids, a.masked, rng)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.bf16):
            logits = model(inputs, rows)
        loss = F.cross_entropy(logits.float(), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for group in adam.param_groups:
            group["lr"] = a.rate * scale
        adam.step()
        muon.step(a.rate * scale, 0.05)
        model.zero_grad(set_to_none=True)
        step += 1
        seen += int((ids > MASK).sum())
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step} loss {running:.3f} tokens {seen:,} {seen / max(now, 1):,.0f}/s {now:,.0f} s", flush=True)
        if time.time() - last_save > 300:
            last_save = time.time()
            ce, accuracy, _ = validate(model, *val, a.budget, 6000)
            curve.append((step, seen, round(now), running, ce, accuracy))
            print(f"validation {ce:.3f} accuracy {accuracy:.3f}", flush=True)
            save(checkpoint, model, adam, muon, step, spent + time.time() - started, seen, curve)
            export(model, shape, a.tokenizer, a.out)
    ce, accuracy, masked = validate(model, *val, a.budget, 10**9)
    curve.append((step, seen, round(total), running, ce, accuracy))
    print(f"final validation {ce:.4f} nats, accuracy {accuracy:.4f}, over {masked:,} masked tokens", flush=True)
    save(checkpoint, model, adam, muon, step, total, seen, curve)
    export(model, shape, a.tokenizer, a.out)
    lines = ["step,tokens,seconds,train_loss,validation_cross_entropy,validation_accuracy"]
    lines += [",".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row) for row in curve]
    (a.out / "loss_curve.csv").write_text("\n".join(lines) + "\n")


def save(path, model, adam, muon, step, spent, seen, curve):
    temporary = path.with_suffix(".tmp")
    torch.save({"model": model.state_dict(), "adam": adam.state_dict(), "muon": muon.state, "step": step,
                "spent": spent, "seen": seen, "curve": curve}, temporary)
    temporary.replace(path)


if __name__ == "__main__":
    main()
