"""Trains ekklesia, the small Llama shipped with Kleroterion, on plain text, one paragraph per line.

    python train.py --train train.txt --validation val.txt --out DIR --minutes 60

Needs torch, transformers, tokenizers and safetensors. Writes tokenizer.json, config.json, model.safetensors (f16)
and curve.json into DIR. Weights depend on the seed and on how many steps the minutes allow.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--train", required=True)
parser.add_argument("--validation", required=True)
parser.add_argument("--out", required=True, type=Path)
parser.add_argument("--minutes", type=float, default=60)
parser.add_argument("--steps", type=int, default=9000)
parser.add_argument("--vocabulary", type=int, default=2048)
parser.add_argument("--length", type=int, default=192)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--rate", type=float, default=2e-3)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
torch.manual_seed(options.seed)
torch.set_num_threads(1)
options.out.mkdir(parents=True, exist_ok=True)

START, END = "<|begin_of_text|>", "<|end_of_text|>"
tokenizer_file = options.out / "tokenizer.json"
if not tokenizer_file.exists():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=options.vocabulary,
        special_tokens=[START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train([options.train], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{START} $A", special_tokens=[(START, 0)])
    tokenizer.save(str(tokenizer_file))
tokenizer = Tokenizer.from_file(str(tokenizer_file))


def stream(path: str, seed: int) -> torch.Tensor:
    """Every line between a start and an end, lines in a random order."""
    lines = [line for line in Path(path).read_text().split("\n") if line.strip()]
    random.Random(seed).shuffle(lines)
    ids = []
    for first in range(0, len(lines), 1000):
        for encoding in tokenizer.encode_batch(lines[first : first + 1000]):
            ids.extend(encoding.ids)
            ids.append(1)
    return torch.tensor(ids, dtype=torch.int32)


train, validation = stream(options.train, options.seed), stream(options.validation, 0)[:100_000]
print("tokens", len(train), "validation", len(validation), flush=True)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=options.vocabulary, hidden_size=192, intermediate_size=512, num_hidden_layers=4,
        num_attention_heads=6, num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5,
        rope_theta=10000.0, tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, initializer_range=0.02,
        attention_bias=False, mlp_bias=False, use_cache=False,
    )
)
print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, betas=(0.9, 0.95), weight_decay=0.1)


def batch(data: torch.Tensor, generator: random.Random) -> torch.Tensor:
    starts = [generator.randrange(len(data) - options.length) for _ in range(options.batch)]
    return torch.stack([data[s : s + options.length] for s in starts]).long()


@torch.no_grad()
def validate() -> float:
    model.eval()
    total, number = 0.0, 0
    for first in range(0, len(validation) - options.length, options.length * 8):
        rows = validation[first : first + options.length * 8]
        rows = rows[: len(rows) // options.length * options.length].view(-1, options.length).long()
        total += model(input_ids=rows, labels=rows).loss.item() * len(rows)
        number += len(rows)
    model.train()
    return total / number


def save() -> None:
    from safetensors.torch import save_file

    weights = {k: v.half().contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(weights, str(options.out / "model.safetensors"), {"format": "pt"})
    (options.out / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": options.vocabulary,
        "hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 6,
        "num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "hidden_act": "silu", "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False,
        "bos_token_id": 0, "eos_token_id": 1, "initializer_range": 0.02,
    }, indent=1) + "\n")
    (options.out / "curve.json").write_text(json.dumps(curve))


generator, began, curve = random.Random(options.seed), time.time(), []
for step in range(options.steps):
    # The end of the schedule is whichever comes first, the steps or the minutes.
    share = max(step / options.steps, (time.time() - began) / (60 * options.minutes))
    if share >= 1:
        break
    rate = options.rate * min(1.0, (step + 1) / 200) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))
    for group in optimiser.param_groups:
        group["lr"] = rate
    rows = batch(train, generator)
    loss = model(input_ids=rows, labels=rows).loss
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    if step % 50 == 0:
        print(step, f"{loss.item():.4f}", f"{time.time() - began:.0f}s", flush=True)
    if step % 500 == 499:
        curve.append({"step": step + 1, "validation": validate()})
        print("validation", curve[-1], flush=True)
        save()
curve.append({"step": step + 1, "validation": validate()})
print("validation", curve[-1], flush=True)
save()
