"""The work of benches/training.rs with PyTorch, transformers and PEFT: `python benches/peers/training.py [small|135M]`.

Batches are padded, and a batch holds chosen and rejected answers, as TRL has them; the reference is the model with its
adapter off. Needs torch, transformers and peft. Processor time of this process, all threads.
"""

import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

CASES = {
    "small": (dict(vocab_size=2048, hidden_size=192, intermediate_size=512, num_hidden_layers=4, num_attention_heads=6,
                   num_key_value_heads=2, max_position_embeddings=512), 16, 24, 40, 8),
    "135M": (dict(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                  num_key_value_heads=3, max_position_embeddings=2048), 2, 64, 64, 16),
}


def status(line: str) -> float:
    for text in open("/proc/self/status"):
        if text.startswith(line):
            return int(text.split()[1]) / 1024
    return float("nan")


def token(i: int) -> int:
    return i * 7919 % 2000 + 2


for name in sys.argv[1:] or CASES:
    shape, pairs, prompt, answer, rank = CASES[name]
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(**shape, tie_word_embeddings=True, bos_token_id=0, eos_token_id=None))
    matrices = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=matrices))
    rows = [[token(p * 977 + i) for i in range(prompt)] + [token(p * 977 + s + i) for i in range(answer)]
            for s in (300, 600) for p in range(pairs)]
    ids = torch.tensor(rows)

    def log_probs():
        logits = model(input_ids=ids, use_cache=False).logits[:, prompt - 1 : -1]
        return logits.float().log_softmax(-1).gather(2, ids[:, prompt:, None]).squeeze(2).sum(1)

    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0)

    def step():
        with torch.no_grad(), model.disable_adapter():
            base = log_probs()
        ratios = log_probs() - base
        loss = -torch.nn.functional.logsigmoid(0.1 * (ratios[:pairs] - ratios[pairs:])).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    for kind in ("plain", "checkpointing"):
        if kind == "checkpointing":
            model.enable_input_require_grads()
            model.gradient_checkpointing_enable({"use_reentrant": False})
        model.train()
        step()
        rest = status("VmRSS:")
        open("/proc/self/clear_refs", "w").write("5")
        times = []
        for _ in range(20 if pairs > 4 else 4):
            start = time.process_time()
            step()
            times.append(time.process_time() - start)
        times.sort()
        tokens = pairs * 2 * (prompt + answer)
        print(f"{name}, {kind}: {times[0] * 1e3:.1f} ms of processor a step (median {times[len(times) // 2] * 1e3:.1f}), "
              f"{tokens / times[0]:.0f} tokens a processor second, {status('VmHWM:') - rest:.0f} MiB above rest", flush=True)
    model.gradient_checkpointing_disable()
    model.eval()
    count = 200 if pairs > 4 else 24
    start, wall = time.process_time(), time.time()
    with torch.no_grad(), model.disable_adapter():
        model.generate(input_ids=ids[:1, :prompt], max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)
    print(f"{name}, writing: {count / (time.process_time() - start):.1f} tokens a processor second, "
          f"{count / (time.time() - wall):.1f} a second", flush=True)
