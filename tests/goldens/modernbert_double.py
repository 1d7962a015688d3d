"""Reference logits of a ModernBERT model with every operation in double precision.

transformers evaluates ModernBERT's softmax and rotary positions in single precision whatever type the model has, so its own
"float64" logits carry errors near 2e-7. This replaces these two by the same formulas in double precision and changes nothing else.

    python tests/goldens/modernbert_double.py MODEL_FOLDER > tests/goldens/modernbert_double.json
"""

import json
import sys

import torch
import transformers
import transformers.models.modernbert.modeling_modernbert as modernbert


def attention(module, query, key, value, attention_mask, scaling, dropout=0.0, **_):
    scores = query @ key.transpose(2, 3) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = torch.softmax(scores, -1)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def rotary_tables(self, x, position_ids, layer_type):
    theta = self.config.rope_parameters[layer_type]["rope_theta"]
    width = self.config.hidden_size // self.config.num_attention_heads
    frequencies = theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = position_ids[..., None].double() * frequencies
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def turn(query, key, cosines, sines, unsqueeze_dim=1):
    cosines, sines = cosines.unsqueeze(unsqueeze_dim), sines.unsqueeze(unsqueeze_dim)
    return tuple(x * cosines + modernbert.rotate_half(x) * sines for x in (query, key))


modernbert.eager_attention_forward = attention
modernbert.apply_rotary_pos_emb = turn
modernbert.ModernBertRotaryEmbedding.forward = rotary_tables

folder = sys.argv[1]
model = transformers.AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").double().eval()
# The third and fourth sequences of the folder's own reference.json.
with open(f"{folder}/reference.json") as file:
    reference = json.load(file)
ids, mask, lengths = (reference[name][2:4] for name in ("input_ids", "attention_mask", "lengths"))
with torch.no_grad():
    logits = model(torch.tensor(ids), attention_mask=torch.tensor(mask)).logits
json.dump(
    {
        "made_by": f"tests/goldens/modernbert_double.py, transformers {transformers.__version__}, torch {torch.__version__}",
        "input_ids": ids,
        "attention_mask": mask,
        "lengths": lengths,
        "logits_rows": [logits[k, :length].tolist() for k, length in enumerate(lengths)],
    },
    sys.stdout,
)
