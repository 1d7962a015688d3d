"""The same work as benches/forward.rs in transformers: masked rows per second of processor time, on one thread.

    python benches/peers/forward.py [--ours target/criterion]

"full" is the usual code: the model's forward pass, then the masked position of each row. "gathered" calls encoder and head apart
and gives the head the masked positions only. With --ours, reads what `cargo bench --bench forward` measured in the same sitting
and prints the ratio of our rows per second to theirs.
"""

import argparse
import json
import pathlib
import time

import torch
from transformers import BertConfig, BertForMaskedLM

SHAPES = {
    "base": dict(vocab_size=30522, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072),
    "shipped": dict(vocab_size=8192, hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024),
}
BATCHES = [(1, 16), (64, 16), (16, 64)]


def full(model, ids, mask, rows, positions):
    return model(input_ids=ids, attention_mask=mask).logits[rows, positions]


def gathered(model, ids, mask, rows, positions):
    return model.cls(model.bert(input_ids=ids, attention_mask=mask).last_hidden_state[rows, positions])


def seconds(work, least):
    """Median processor time of a call, over at least ten calls and `least` seconds."""
    work()
    times = []
    while len(times) < 10 or sum(times) < least:
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return sorted(times)[len(times) // 2]


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--ours", type=pathlib.Path, help="folder of criterion's results")
parser.add_argument("--seconds", type=float, default=3.0, help="processor time to spend on each figure")
arguments = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(1)
for name, shape in SHAPES.items():
    model = BertForMaskedLM(BertConfig(max_position_embeddings=512, **shape)).eval()
    for batch, length in BATCHES:
        ids = torch.randint(100, 8100, (batch, length))
        mask = torch.ones_like(ids)
        rows = torch.arange(batch)
        positions = rows % length
        with torch.inference_mode():
            for kind in (full, gathered):
                rate = batch / seconds(lambda: kind(model, ids, mask, rows, positions), arguments.seconds)
                line = f"{name:8} {batch:3} x {length:<3} transformers {kind.__name__:9} {rate:9.1f} rows/s"
                if arguments.ours:
                    estimates = arguments.ours / name / f"{batch}x{length}" / "new" / "estimates.json"
                    ours = batch * 1e9 / json.loads(estimates.read_text())["median"]["point_estimate"]
                    line += f"   ours {ours:9.1f} rows/s   ratio {ours / rate:5.2f}"
                print(line, flush=True)
