"""The fit of benches/eigenbench.rs in the way of the EigenBench authors, written afresh in PyTorch:
`python benches/peers/eigenbench.py ROWS.csv MODELS [d]`.

Rows are judge,first,second,choice (0 tie, 1, 2). Adam at 1e-3 in batches of 32, parameters from N(0, 0.1^2), a random fifth of the
rows held out, until the mean training loss of five epochs gains less than a thousandth on the five before, 1,000 epochs at
most. Prints one line; processor time of this process, all threads.
"""

import csv
import sys
import time

import torch

path, models = sys.argv[1], int(sys.argv[2])
d = int(sys.argv[3]) if len(sys.argv) > 3 else 2
torch.manual_seed(0)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float32)
rows = torch.tensor([[int(cell) for cell in row] for row in csv.reader(open(path))], dtype=torch.long)
began = time.process_time()
order = torch.randperm(len(rows))
train = rows[order[: len(rows) * 4 // 5]]
u = torch.nn.Parameter(0.1 * torch.randn(models, d))
v = torch.nn.Parameter(0.1 * torch.randn(models, d))
log_ties = torch.nn.Parameter(torch.zeros(models))


def loss(batch: torch.Tensor) -> torch.Tensor:
    judge, first, second, choice = batch.T
    lens = u[judge]
    a, b = (lens * v[first]).sum(1), (lens * v[second]).sum(1)
    logits = torch.stack([log_ties[judge] + (a + b) / 2, a, b], 1)
    return torch.nn.functional.cross_entropy(logits, choice)


adam = torch.optim.Adam([u, v, log_ties], lr=1e-3)
losses = []
for epoch in range(1000):
    sum_ = 0.0
    for batch in train[torch.randperm(len(train))].split(32):
        adam.zero_grad()
        value = loss(batch)
        value.backward()
        adam.step()
        sum_ += value.item() * len(batch)
    losses.append(sum_ / len(train))
    if len(losses) >= 10:
        before, now = sum(losses[-10:-5]) / 5, sum(losses[-5:]) / 5
        if (before - now) / before < 1e-3:
            break
seconds = time.process_time() - began

with torch.no_grad():
    scores = u @ v.T
    roots = (0.5 * (scores - scores.max(1, keepdim=True).values)).exp().double()
    half = 0.5 * log_ties.exp().double().unsqueeze(1)
    sizes = roots * roots + half * roots * (roots.sum(1, keepdim=True) - roots)
    trust = sizes / sizes.sum(1, keepdim=True)
    t = torch.full((models,), 1 / models, dtype=torch.double)
    for _ in range(1000):
        t = t @ trust
    elo = 1500 + 400 * (models * t).log10()
    shown = ", ".join(f"{rating:.1f}" for rating in elo[:4].tolist())
    print(f"PyTorch {torch.__version__}: {seconds:.2f} s, {len(losses)} epochs, mean loss of all rows {loss(rows).item():.6f}, "
          f"first Elo {shown}")
