"""Make the logs of this folder with the tools themselves: no file here is written by hand.

    python -m pip install torch transformers accelerate tensorboard wandb pandas pyarrow megatron-core
    python -m pip install --no-deps ai2-olmo && python -m pip install omegaconf cached_path datasets torchmetrics
    python tests/logs/make.py FOLDER [PART ...]

One tiny model with random weights is trained on random tokens by the Hugging Face Trainer, which also
notes the learning rate that its optimiser really uses; the other files hold that same history as
pandas, pyarrow, torch's SummaryWriter and Weights & Biases (offline) write it.

schedules.json holds what the schedulers of transformers, Megatron (megatron-core) and OLMo (ai2-olmo)
return, step by step.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STEPS, SEED = 24, 1
TRAINERS = {
    "cosine": {"lr_scheduler_type": "cosine", "warmup_steps": 5, "logging_steps": 2, "eval_steps": 3},
    "wsd": {
        "lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 4, "logging_steps": 1, "eval_steps": 2,
        "lr_scheduler_kwargs": {"num_decay_steps": 8, "decay_type": "1-sqrt"},
    },
    "linear": {"lr_scheduler_type": "linear", "warmup_steps": 0, "logging_steps": 3, "eval_steps": 6},
}  # fmt: skip
HF = [
    ("constant", {}, {}),
    ("constant_with_warmup", {"warmup": 5}, {}),
    ("linear", {"warmup": 5}, {}),
    ("linear", {"warmup": 0}, {}),
    ("cosine", {"warmup": 5}, {}),
    ("cosine", {"warmup": 0}, {}),
    ("cosine_with_min_lr", {"warmup": 5, "end": 3e-5}, {"min_lr": 3e-5}),
    ("inverse_sqrt", {"warmup": 5}, {}),
    ("polynomial", {"warmup": 5, "end": 1e-5, "power": 2.0}, {"lr_end": 1e-5, "power": 2.0}),
    ("polynomial", {"warmup": 5}, {}),
    ("warmup_stable_decay", {"warmup": 5, "decay_steps": 10}, {"num_decay_steps": 10}),
    ("warmup_stable_decay", {"warmup": 5, "decay_steps": 10, "decay": "linear", "end": 3e-5},
     {"num_decay_steps": 10, "decay_type": "linear", "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", {"warmup": 5, "decay_steps": 10, "decay": "1-sqrt"},
     {"num_decay_steps": 10, "decay_type": "1-sqrt"}),
]  # fmt: skip
MEGATRON = [
    ("constant", {"warmup": 5}), ("linear", {"warmup": 5, "end": 3e-5}), ("cosine", {"warmup": 5, "end": 3e-5}),
    ("cosine", {"warmup": 0}), ("inverse-square-root", {"warmup": 5, "end": 1.8e-4}),
    *(("WSD", {"warmup": 5, "end": 3e-5, "decay_steps": 10, "decay": decay})
      for decay in ("linear", "cosine", "exponential", "minus_sqrt")),
]  # fmt: skip
OLMO = [
    ("constant", {}), ("constant_with_warmup", {"warmup": 5}), ("linear_with_warmup", {"warmup": 5}),
    ("linear_with_warmup", {"warmup": 5, "end": 6e-5}), ("cosine_with_warmup", {"warmup": 5, "end": 0.0}),
    ("cosine_with_warmup", {"warmup": 5}), ("inverse_sqrt_with_warmup", {"warmup": 5}),
]  # fmt: skip
TOTAL, PEAK = 40, 3e-4


def trainer(folder: Path) -> None:
    """Train with the Hugging Face Trainer; keep trainer_state.json and the rates that were used."""
    for name, options in TRAINERS.items():
        rates, _ = _trained(options)
        to = folder / "trainer" / name
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path("out", f"checkpoint-{STEPS}", "trainer_state.json"), to / "trainer_state.json")
        (to / "used.json").write_text(json.dumps(rates) + "\n", encoding="utf-8")
        shutil.rmtree("out")


def resumed(folder: Path) -> None:
    """Train, stop at step 16, and resume from the checkpoint at 12; a callback logs JSON lines all the while."""
    _, first = _trained(TRAINERS["cosine"], save_steps=12, stop_at=16)
    _, second = _trained(TRAINERS["cosine"], save_steps=12, resume="out/checkpoint-12")
    lines = "".join(json.dumps(entry) + "\n" for entry in first + second)
    (folder / "resumed.jsonl").write_text(lines, encoding="utf-8")
    shutil.rmtree("out")


def _trained(
    options: dict[str, Any], save_steps: int = STEPS, stop_at: int | None = None, resume: str | None = None
) -> tuple[list[float], list[dict[str, float]]]:
    """Train a tiny model; return the rate of every optimiser step, and everything that was logged."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

    rates: list[float] = []
    logged: list[dict[str, float]] = []

    class Noted(TrainerCallback):  # type: ignore[misc]
        def on_pre_optimizer_step(self, *_: Any, optimizer: Any = None, **more: Any) -> None:
            rates.append(float(optimizer.param_groups[0]["lr"]))

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
            logged.append({"step": state.global_step, **logs})

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            control.should_training_stop |= state.global_step == stop_at

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    shape = {"n_layer": 1, "n_head": 1, "n_embd": 8, "n_positions": 16, "vocab_size": 32}
    tokens = torch.randint(0, 32, (96, 16), generator=torch.Generator().manual_seed(SEED)) // 3
    rows = [{"input_ids": row, "labels": row} for row in tokens]
    arguments = TrainingArguments(
        output_dir="out", max_steps=STEPS, per_device_train_batch_size=4, learning_rate=1e-2, seed=SEED,
        eval_strategy="steps", save_strategy="steps", save_steps=save_steps, report_to=[], use_cpu=True,
        include_num_input_tokens_seen="all", disable_tqdm=True, **options,
    )  # fmt: skip
    made = Trainer(
        GPT2LMHeadModel(GPT2Config(**shape)), arguments, train_dataset=rows[:64], eval_dataset=rows[64:],
        callbacks=[Noted()],
    )  # fmt: skip
    made.train(resume_from_checkpoint=resume)
    return rates, logged


def _history(folder: Path) -> list[dict[str, float]]:
    state = json.loads((folder / "trainer" / "cosine" / "trainer_state.json").read_text(encoding="utf-8"))
    return [entry for entry in state["log_history"] if "loss" in entry or "eval_loss" in entry]


def tables(folder: Path) -> None:
    """Write the history with pandas, and with pyarrow beneath it."""
    import pandas as pd

    frame = pd.DataFrame(_history(folder))
    frame.to_csv(folder / "pandas.csv", index=False)
    frame.to_json(folder / "pandas.jsonl", orient="records", lines=True)
    frame.to_parquet(folder / "pandas.parquet", index=False)


def tensorboard(folder: Path) -> None:
    """Write the history with torch's SummaryWriter, in the old form of scalars and in the new one."""
    from torch.utils.tensorboard import SummaryWriter

    for new in (False, True):
        with tempfile.TemporaryDirectory() as scratch:
            writer = SummaryWriter(scratch)
            writer.add_text("about", "a text beside the scalars")
            for entry in _history(folder):
                for key, tag in (("loss", "train/loss"), ("learning_rate", "train/lr"), ("eval_loss", "eval/loss")):
                    if key in entry:
                        writer.add_scalar(tag, entry[key], int(entry["step"]), new_style=new)
            writer.close()
            (written,) = Path(scratch).iterdir()
            shutil.copy(written, folder / f"events.out.tfevents.{'new' if new else 'old'}")


def wandb(folder: Path) -> None:
    """Log the history to Weights & Biases offline, and export what its own file holds as a CSV."""
    import pandas as pd

    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DISABLE_GIT="true", WANDB_DISABLE_CODE="true")
    import wandb as wb

    with wb.init(project="tiny", name="tiny", dir=".", settings=wb.Settings(x_disable_stats=True)) as run:
        for entry in _history(folder):
            kind = "eval" if "eval_loss" in entry else "train"
            named = {f"{kind}/{key.removeprefix('eval_')}": v for key, v in entry.items() if key != "step"}
            run.log({**named, "train/global_step": entry["step"]})
    (written,) = Path("wandb").glob("offline-run-*/run-*.wandb")
    frame = pd.DataFrame(list(_wandb_rows(written)))
    frame.drop(columns=["_runtime", "_timestamp"]).to_csv(folder / "wandb.csv", index=False)


def _wandb_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Return the history items of a .wandb file: protobuf records in the frames of a LevelDB log."""
    from wandb.proto import wandb_internal_pb2 as proto

    content, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = proto.Record.FromString(parts)
            parts = b""
            if record.WhichOneof("record_type") == "history":
                items = record.history.item
                yield {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}


def schedules(folder: Path) -> None:
    """Note the rates that the schedulers of the tools give at steps 0, 1, ..."""
    found: list[dict[str, Any]] = []
    for tool, cases in (("hf", HF), ("megatron", MEGATRON), ("olmo", OLMO)):
        rates: Callable[..., list[float]] = {"hf": _hf, "megatron": _megatron, "olmo": _olmo}[tool]
        for name, arguments, *more in cases:
            given = {"steps": TOTAL, "peak": PEAK, **arguments}
            found.append({"tool": tool, "name": name, "arguments": given, "lr": rates(name, arguments, *more)})
    text = ",\n".join(json.dumps(entry) for entry in found)
    (folder / "schedules.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


def _hf(name: str, arguments: dict[str, Any], specific: dict[str, Any]) -> list[float]:
    import torch
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    made = get_scheduler(name, optimizer, arguments.get("warmup", 0), TOTAL, specific)
    return _stepped(optimizer, made.step)


def _megatron(name: str, arguments: dict[str, Any]) -> list[float]:
    import torch
    from megatron.core.optimizer_param_scheduler import OptimizerParamScheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    made = OptimizerParamScheduler(
        optimizer, init_lr=0.0, max_lr=PEAK, min_lr=arguments.get("end", 0.0), lr_warmup_steps=arguments["warmup"],
        lr_decay_steps=TOTAL, lr_decay_style=name, start_wd=0.0, end_wd=0.0, wd_incr_steps=TOTAL,
        wd_incr_style="constant", wsd_decay_steps=arguments.get("decay_steps"),
        lr_wsd_decay_style=arguments.get("decay"),
    )  # fmt: skip
    return _stepped(optimizer, lambda: made.step(1))


def _stepped(optimizer: Any, advance: Callable[[], None]) -> list[float]:
    rates = []
    for _ in range(TOTAL):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        advance()
    return rates


def _olmo(name: str, arguments: dict[str, Any]) -> list[float]:
    """OLMo counts a step before it trains it: its first update uses the rate of step 1."""
    from olmo.config import SchedulerConfig, SchedulerType, TrainConfig
    from olmo.optim import build_scheduler

    asked = SchedulerConfig(name=SchedulerType(name), t_warmup=arguments.get("warmup", 0))
    if "end" in arguments:
        asked.alpha_f = arguments["end"] / PEAK
    made = build_scheduler(TrainConfig(), asked)
    return [float(made.get_lr(PEAK, step, TOTAL)) for step in range(1, TOTAL + 1)]


PARTS: dict[str, Callable[[Path], None]] = {
    part.__name__: part for part in (trainer, resumed, tables, tensorboard, wandb, schedules)
}


def main() -> None:
    """Make the parts that are named, or all of them, in a folder."""
    folder, chosen = Path(sys.argv[1]).absolute(), sys.argv[2:] or list(PARTS)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for part in chosen:
            PARTS[part](folder)
        os.chdir(folder)


if __name__ == "__main__":
    main()
