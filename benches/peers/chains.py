"""The same chains as benches/chains.rs in transformers and PyTorch: site updates per second of processor time, one thread.

    python benches/peers/chains.py

"batched" steps 64 chains together: one forward pass over 64 masked rows, the usual full logits gathered at the masked position,
softmax at the temperature, one draw a row. "unbatched" is the loop people write first: one chain, one row a pass.
"""

import argparse
import pathlib
import time

import torch
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM

CHAINS, SWEEPS = 64, 30
SPECIAL = 5  # [PAD] [UNK] [CLS] [SEP] [MASK]


def updates(model, n, tau, chains, least, most):
    """Updates and processor seconds, until every chain has made `most` steps or `least` seconds are over."""
    vocabulary = model.config.vocab_size
    states = torch.randint(SPECIAL, vocabulary, (chains, n))
    rows = torch.arange(chains)
    start, made = time.process_time(), 0
    with torch.inference_mode():
        for _ in range(most):
            sites = torch.randint(0, n, (chains,))
            masked = states.clone()
            masked[rows, sites] = 4
            ids = torch.cat([torch.full((chains, 1), 2), masked, torch.full((chains, 1), 3)], 1)
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[rows, sites + 1]
            logits[:, :SPECIAL] = -torch.inf
            drawn = torch.multinomial(torch.softmax(logits / tau, -1), 1)[:, 0]
            states[rows, sites] = drawn
            made += chains
            if time.process_time() - start > least:
                break
    return made, time.process_time() - start


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--seconds", type=float, default=20.0, help="most processor time to spend on each figure")
arguments = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(1)
assets = pathlib.Path(__file__).resolve().parents[2] / "assets/models/agora"
agora = AutoModelForMaskedLM.from_pretrained(assets).float().eval()
shape = dict(vocab_size=8192, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072)
base = BertForMaskedLM(BertConfig(max_position_embeddings=512, **shape)).eval()
for name, model, lengths in [("agora", agora, [8, 16]), ("base shape", base, [16])]:
    for n in lengths:
        for tau in [1.5, 0.5, 0.1]:
            made, seconds = updates(model, n, tau, CHAINS, arguments.seconds, SWEEPS * n)
            print(f"{name} n={n} tau={tau}: batched {made / seconds:.0f} updates/s ({made} updates)", flush=True)
        made, seconds = updates(model, n, 1.0, 1, arguments.seconds, SWEEPS * n)
        print(f"{name} n={n}: unbatched {made / seconds:.0f} updates/s", flush=True)
