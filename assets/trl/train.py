"""Trains on weighted preferences as Kleroterion exported them, with TRL and Accelerate.

    pip install -r requirements.txt
    accelerate launch train.py [--model PATH] [--out DIR] [--per-device 4] [--bf16] [--gradient-checkpointing]

Reads settings.json, pairs.jsonl (token ids) and visits.jsonl (which pair when, with which weight), all beside this file.
Writes a PEFT adapter or a model, and log.jsonl, which `kleroterion train import-trl` reads.

The weights were normalised once over all pairs. A window of B visits has the loss 1/B sum(w * loss): B is fixed, and nothing
here divides by a batch's own sum of weights, which would cancel them.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from datasets import Dataset
from peft import LoraConfig
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

HERE = Path(__file__).resolve().parent


def lines(name: str) -> list[dict]:
    with open(HERE / name, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


class WeightedCollator(DataCollatorForPreference):
    """Adds the visits' weights to the batch."""

    def torch_call(self, examples):
        batch = super().torch_call(examples)
        batch["weight"] = torch.tensor([example["weight"] for example in examples], dtype=torch.float32)
        return batch


class WeightedDPOTrainer(DPOTrainer):
    """DPO on rows that are tokens already, in their order, each loss times its row's weight."""

    def __init__(self, *arguments, settings, steps, log_file, **others):
        self.settings, self.planned_steps, self.log_file = settings, steps, log_file
        self.window_losses = []
        super().__init__(*arguments, **others)

    def _prepare_dataset(self, dataset, processing_class, args, dataset_name):
        return dataset

    def _set_signature_columns_if_needed(self):
        self._signature_columns = ["prompt_ids", "chosen_ids", "rejected_ids", "weight"]

    def _get_train_sampler(self, *_):
        return SequentialSampler(self.train_dataset)

    def create_scheduler(self, num_training_steps, optimizer=None):
        rate, steps = self.settings["learning_rate"], self.planned_steps
        warmup = min(round(rate["warmup"] * steps), steps)

        def share(step):
            done = step + 1
            if done <= warmup:
                return done / warmup
            if rate["decay"] == "constant":
                return 1.0
            return max(0.0, (steps + 1 - done) / (steps + 1 - warmup))

        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler

    def log_probs(self, model, inputs):
        """Sum of ln p over each answer's tokens, and their number; chosen ones first."""
        logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False).logits
        targets, mask = inputs["input_ids"][:, 1:], inputs["completion_mask"][:, 1:]
        by_token = logits[:, :-1].float().log_softmax(-1).gather(2, targets.unsqueeze(2)).squeeze(2)
        return (by_token * mask).sum(1), mask.sum(1).clamp(min=1)

    def reference_log_probs(self, inputs):
        model = self.accelerator.unwrap_model(self.model)
        with torch.no_grad():
            if hasattr(model, "disable_adapter"):
                with model.disable_adapter():
                    return self.log_probs(model, inputs)[0]
            return self.log_probs(self.ref_model, inputs)[0]

    def _compute_loss(self, model, inputs, return_outputs):
        objective, weight = self.settings["objective"], inputs["weight"]
        log_probs, lengths = self.log_probs(model, inputs)
        base = 0.0 if objective["reference_free"] else self.reference_log_probs(inputs)
        beta, ratios = objective["beta"], log_probs - base
        if objective["loss"]["kind"] == "ipo":
            ratios = ratios / lengths
        chosen, rejected = ratios.chunk(2)
        if objective["loss"]["kind"] == "ipo":
            losses = (chosen - rejected - 1 / (2 * beta)) ** 2
        else:
            smoothing, h = objective["loss"]["label_smoothing"], beta * (chosen - rejected)
            losses = -(1 - smoothing) * F.logsigmoid(h) - smoothing * F.logsigmoid(-h)
        loss = (weight * losses).mean()
        counted = (weight > 0).float()
        row = torch.stack([
            (weight * losses).sum(), counted.sum(), (counted * beta * chosen).sum(), (counted * beta * rejected).sum(),
            (counted * ((chosen > rejected) + 0.5 * (chosen == rejected))).sum(), (counted * log_probs.chunk(2)[0]).sum(),
            (counted * log_probs.chunk(2)[1]).sum(), (counted * lengths.chunk(2)[0]).sum() + (counted * lengths.chunk(2)[1]).sum(),
        ]).detach()
        self.window_losses.append(self.accelerator.gather(row).view(-1, len(row)).sum(0).cpu())
        return (loss, {}) if return_outputs else loss

    def log(self, logs, start_time=None):
        super().log(logs, start_time)
        if "grad_norm" not in logs or not self.window_losses:
            return
        loss, count, chosen, rejected, right, lp_chosen, lp_rejected, tokens = torch.stack(self.window_losses).sum(0).tolist()
        self.window_losses.clear()
        if not self.is_world_process_zero():
            return
        count = max(count, 1.0)
        report = {
            "step": self.state.global_step, "loss": loss / self.settings["window"], "learning_rate": logs["learning_rate"],
            "gradient_norm": float(logs["grad_norm"]), "tokens": int(tokens), "reward_chosen": chosen / count,
            "reward_rejected": rejected / count, "margin": (chosen - rejected) / count, "accuracy": right / count,
            "log_prob_chosen": lp_chosen / count, "log_prob_rejected": lp_rejected / count,
        }
        with open(self.log_file, "a", encoding="utf-8") as file:
            file.write(json.dumps(report) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", help="instead of the model in settings.json")
    parser.add_argument("--out", type=Path, default=HERE / "trained")
    parser.add_argument("--per-device", type=int, help="pairs computed at once on each device")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    options = parser.parse_args()
    settings = json.loads((HERE / "settings.json").read_text())
    window = settings["window"]
    from accelerate import PartialState

    devices = PartialState().num_processes
    per_device = options.per_device or max(1, settings["together"])
    while window % (per_device * devices):
        per_device -= 1
        if per_device == 0:
            raise SystemExit(f"{devices} devices do not divide a window of {window} pairs")
    pairs, visits = lines("pairs.jsonl"), lines("visits.jsonl")
    # The last window is filled with visits of no weight, so that its loss is divided by B as every other's.
    visits += [{"pair": visits[-1]["pair"], "weight": 0.0}] * (-len(visits) % window)

    def rows():
        for visit in visits:
            pair = pairs[visit["pair"]]
            yield {key: pair[key] for key in ("prompt_ids", "chosen_ids", "rejected_ids")} | {"weight": visit["weight"]}

    model = AutoModelForCausalLM.from_pretrained(
        options.model or settings["model"], dtype=torch.bfloat16 if options.bf16 else torch.float32
    )
    adapter = settings["tensors"]
    peft_config = None
    if adapter["train"] == "adapter":
        peft_config = LoraConfig(
            r=adapter["rank"], lora_alpha=adapter["alpha"], use_rslora=adapter["rank_stabilised"], lora_dropout=0.0,
            target_modules=adapter["targets"], bias="none", task_type="CAUSAL_LM",
        )
    optimiser = settings["optimiser"]
    options.out.mkdir(parents=True, exist_ok=True)
    log_file = options.out / "log.jsonl"
    log_file.unlink(missing_ok=True)
    trainer = WeightedDPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=str(options.out), per_device_train_batch_size=per_device,
            gradient_accumulation_steps=window // (per_device * devices), num_train_epochs=1,
            learning_rate=settings["learning_rate"]["highest"], adam_beta1=optimiser["beta1"],
            adam_beta2=optimiser["beta2"], adam_epsilon=optimiser["epsilon"], weight_decay=optimiser["weight_decay"],
            max_grad_norm=optimiser["longest_gradient"] or 0.0, logging_steps=1, save_strategy="no", report_to=[],
            beta=settings["objective"]["beta"], max_length=None, bf16=options.bf16, seed=settings["seed"] % 2**32,
            gradient_checkpointing=options.gradient_checkpointing, dataloader_drop_last=False, disable_tqdm=True,
        ),
        train_dataset=Dataset.from_generator(rows),
        processing_class=tokenizer(options.model or settings["model"]),
        peft_config=peft_config,
        data_collator=WeightedCollator(pad_token_id=0),
        settings=settings, steps=len(visits) // window, log_file=log_file,
    )
    if "initial_adapter" in settings:
        from safetensors.torch import load_file
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(trainer.model, load_file(HERE / settings["initial_adapter"]))
    trainer.train()
    trainer.save_model(str(options.out))


def tokenizer(model: str):
    """The trainer wants one for its padding token; nothing is tokenised."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    try:
        loaded = AutoTokenizer.from_pretrained(model)
    except (OSError, ValueError):
        loaded = PreTrainedTokenizerFast(tokenizer_file=str(Path(model) / "tokenizer.json"))
    if loaded.pad_token is None:
        loaded.add_special_tokens({"pad_token": loaded.convert_ids_to_tokens(0)})
    return loaded


if __name__ == "__main__":
    main()
