"""Runs of the cooldown study: one JSON log a run, cooldown logs joined to the constant run they start from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.schedule import FloatArray, Schedule

FIRST = "stable-124m_slimpajama_llama_norm_nlayers12_nhead12_lr0.001_"
"""Constant runs at the default peak come first: the noise between repeats is taken from the first longest pair."""


class Log(NamedTuple):
    """What is read of a file; `iters` counts the updates made, and is sorted and unique."""

    path: str
    name: str
    config: Mapping[str, Any]
    n_params: float
    iters: FloatArray
    loss: FloatArray


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return the 202 runs with their validation loss from the end of the warm-up on."""
    logs = [_read(path, files[path]) for path in sorted(files, key=lambda path: (FIRST not in path, path))]
    by_name = {log.name: log for log in logs}
    return [_run(card, log, _trunk(log, by_name)) for log in logs]


def _read(path: str, file: Path) -> Log:
    text = file.read_text(encoding="utf-8")
    name, config, evaluations = (_part(text, key, path) for key in ("name", "config", "val"))
    iters, inverse, times = np.unique(evaluations["iter"], return_inverse=True, return_counts=True)
    # Restarts log some evaluations again, after later ones.
    loss = np.bincount(inverse, evaluations["val_loss"]) / times
    return Log(path, name, config, _part(text, "parameters", path), iters, loss)


def _part(text: str, key: str, path: str) -> Any:
    """Decode the value of one key and nothing else: parsing whole files takes five times as long."""
    mark = f'"{key}": '
    if text.count(mark) != 1:
        raise DataError(f"'{path}' has {text.count(mark)} keys '{key}' instead of one: correct the loader.")
    return json.JSONDecoder().raw_decode(text, text.index(mark) + len(mark))[0]


def _trunk(log: Log, by_name: Mapping[str, Log]) -> Log | None:
    """Return the constant run from whose checkpoint a cooldown was started."""
    resumed = log.config["resume_from"]
    if resumed in (None, "None"):
        return None
    return by_name[Path(resumed).parts[-3]]


def _run(card: Card, log: Log, trunk: Log | None) -> Run:
    config, iters, loss = log.config, log.iters, log.loss
    if trunk is not None:
        before = trunk.iters < iters[0]
        iters = np.concatenate([trunk.iters[before], iters])
        loss = np.concatenate([trunk.loss[before], loss])
    trained = iters > config["warmup_steps"]
    meta = _meta(log)
    size = f"{config['n_layer']}x{config['n_embd']}"
    ending = {"constant": "", "cooldown": f"-{meta['fraction']:g}", "cosine": f"-{meta['final']:g}"}[meta["shape"]]
    return Run(
        f"{meta['series']}-{size}-{meta['decay']}{ending}-lr{config['lr']:g}-{config['iterations']}",
        # An evaluation logged at iteration k has seen k updates, those of steps 0 to k - 1.
        steps=iters[trained] - 1,
        loss=loss[trained],
        schedule=_schedule(config),
        n_params=log.n_params,
        tokens_per_step=config["batch_size"] * config["acc_steps"] * config["world_size"] * config["sequence_length"],
        dataset=card.name,
        model=f"{config['model']} {size}",
        meta=meta,
    )


def _meta(log: Log) -> dict[str, Any]:
    """Return what conditions may ask; `final` is the last rate of the plan over the peak, to two decimals."""
    config, fraction = log.config, float(log.config["wsd_fract_decay"])
    if config["scheduler"] == "cos":
        # A fraction is set in some of these too, where it does nothing.
        shape, decay, fraction, final = "cosine", "cosine", 0.0, round(_end(config) / config["lr"], 2)
    elif fraction:
        shape, decay, final = "cooldown", config.get("decay_type", "linear"), 0.0
    else:
        shape, decay, final = "constant", "constant", 1.0
    return {
        "series": _series(log),
        "shape": shape,
        "decay": decay,
        "fraction": fraction,
        "final": final,
        "peak_lr": float(config["lr"]),
        "iterations": float(config["iterations"]),
        "layers": float(config["n_layer"]),
        "width": float(config["n_embd"]),
        "seed": float(config["seed"]),
    }


def _series(log: Log) -> str:
    """Return which of the studies a run belongs to: they repeat some schedules."""
    if "grad_norm" in log.path:
        return "rerun"
    if log.config["model"] == "llama":
        return "llama"
    return "grid" if "124" in Path(log.path).name.partition("_")[0] else "sizes"


def _end(config: Mapping[str, Any]) -> float:
    """Return the last rate of a cosine: a tenth of the peak, unless the configuration gives one."""
    end = config.get("cos_final_lr", -1)
    return float(end) if end > 0 else config["lr"] / 10


def _schedule(config: Mapping[str, Any]) -> Schedule:
    """Return the rate of steps 0 to T - 1; both kinds start at a hundredth of the peak."""
    steps, warmup, peak = config["iterations"], config["warmup_steps"], config["lr"]
    k = np.arange(steps, dtype=np.float64)
    if config["scheduler"] == "cos":
        # One cycle: two half cosines, with the peak at step W - 1 and the last rate at step T - 1.
        rise, fall = k / (warmup - 1), (k - warmup + 1) / (steps - warmup)
        lr = np.where(rise <= 1, _half_cosine(peak / 100, peak, rise), _half_cosine(peak, _end(config), fall))
        return Schedule(lr, warmup=warmup)
    length = int(config["wsd_fract_decay"] * steps)
    u = np.clip((k - (steps - length)) / max(length, 1), 0.0, 1.0)
    decay = np.sqrt(u) if config.get("decay_type") == "sqrt" else u
    rise = k / warmup
    return Schedule(peak * np.where(rise < 1, rise + (1 - rise) / 100, 1 - decay), warmup=warmup)


def _half_cosine(start: float, end: float, u: FloatArray) -> FloatArray:
    out: FloatArray = end + (start - end) / 2 * (1 + np.cos(np.pi * u))
    return out
