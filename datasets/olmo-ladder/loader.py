"""Runs of the OLMo ladder: cosine runs of five sizes, and the two models that they are to predict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lawbench.data.card import Card
from lawbench.data.readers import read_columns
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.schedule import FloatArray, Schedule

FOLDER = "src/scripts/paper/data/ladder-runs"
LOSS, BATCH, PEAK = "eval/c4_en-validation/CrossEntropyLoss", "batch_size_in_tokens", "learning_rate_peak"
EVALUATIONS = {
    name: f"eval/{column}-validation/CrossEntropyLoss"
    for name, column in {
        "dolma-books": "dolma_books",
        "dolma-common-crawl": "dolma_common-crawl",
        "dolma-pes2o": "dolma_pes2o",
        "dolma-reddit": "dolma_reddit",
        "dolma-stack": "dolma_stack",
        "dolma-wiki": "dolma_wiki",
        "ice": "ice",
        "s2orc": "m2d2_s2orc",
        "pile": "pile",
        "wikitext-103": "wikitext_103",
    }.items()
}
"""Columns of the other validation losses."""
LOGGED_LR, TOKENS = "optim/learning_rate_group0", "throughput/total_tokens"
SIZES = {
    "190M": 190354176.0,
    "370M": 371262464.0,
    "760M": 758220288.0,
    "1B": 1279395840.0,
    # Not in the configuration: run lengths, rounded up to whole updates, leave 16,000 values around this one.
    "3B": 3169533000.0,
}
LENGTHS = ("0.5xC", "1xC", "1xC-rerun", "2xC", "5xC", "10xC")
N_7B, N_13B = 6887575552.0, 13202396160.0
TAIL = 10
"""Updates at the last rate, after the cosine."""
LR_TOLERANCE = 1e-12


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return every ladder run as a curve and as its final loss, and the curves and ends of 7B and 13B."""
    runs: list[Run] = []
    for size in SIZES:
        for length in LENGTHS:
            runs += _ladder(card, files[f"{FOLDER}/{size}-{length}.csv"], size, length)
    for name, file, n in (
        ("7B", "peteish7_eval_full", N_7B),
        ("7B-medlr", "peteish7_medlr_eval_full", N_7B),
        ("13B", "peteish13_eval_full", N_13B),
    ):
        runs.append(_target(card, files[f"{FOLDER}/{file}.csv"], name, n))
    annealed = read_columns(files[f"{FOLDER}/peteish7_eval_anneal.csv"], [LOSS, TOKENS, *EVALUATIONS.values()])
    ends = {name: annealed[column][-1] for name, column in EVALUATIONS.items()}
    runs.append(_final(card, "7B", "7B", N_7B, annealed[LOSS][-1], annealed[TOKENS][-1], ends))
    last = runs[-2]
    assert last.tokens is not None
    runs.append(_final(card, "13B", "13B", N_13B, float(last.loss[-1]), float(last.tokens[-1]), _ends(last)))
    return runs


def _ladder(card: Card, path: Path, size: str, length: str) -> list[Run]:
    table = read_columns(path, ["_step", LOSS, LOGGED_LR, TOKENS, PEAK, BATCH, *EVALUATIONS.values()])
    updates, n, batch = table["_step"], SIZES[size], float(table[BATCH][0])
    multiple = float(length.partition("x")[0])
    warmup = round(n / batch)
    rates = _cosine(int(updates[-1]), float(table[PEAK][0]), warmup)
    name = f"{size}-{length}"
    wrong = np.abs(rates[updates.astype(np.int64) - 1] / table[LOGGED_LR] - 1)
    if wrong.max() > LR_TOLERANCE or not np.array_equal(table[TOKENS], updates * batch):
        raise DataError(f"rates or tokens of '{name}' of '{card.name}' are not those of its log: correct the loader.")
    keep = updates > warmup
    curve = Run(
        name,
        updates[keep].astype(np.int64) - 1,
        table[LOSS][keep],
        schedule=Schedule(rates, warmup=warmup),
        n_params=n,
        tokens_per_step=batch,
        dataset=card.name,
        model=size,
        evaluations={key: table[column][keep] for key, column in EVALUATIONS.items()},
        meta=_meta(
            "curve", size, multiple, length.endswith("rerun"), peak_lr=float(table[PEAK][0]), batch_tokens=batch
        ),
    )
    loss, tokens = float(table[LOSS][-1]), float(table[TOKENS][-1])
    return [curve, _final(card, name, size, n, loss, tokens, _ends(curve), multiple, length.endswith("rerun"))]


def _cosine(total: int, peak: float, warmup: int) -> FloatArray:
    """Return the rate of every update 1..total: a ramp, a cosine to a tenth, and its last rate to the end."""
    update = np.arange(1.0, total + 1)
    share = np.clip((update - warmup) / (total - TAIL - warmup), 0.0, 1.0)
    falling = 0.1 * peak + 0.45 * peak * (1 + np.cos(np.pi * share))
    out: FloatArray = np.where(update < warmup, peak * update / warmup, falling)
    return out


def _target(card: Card, path: Path, name: str, n: float) -> Run:
    """Return the curve of a large model. Its rates are not logged, and its first row is before any update."""
    table = read_columns(path, ["_step", LOSS, BATCH, PEAK, *EVALUATIONS.values()])
    keep, batch = table["_step"] > 0, float(table[BATCH][0])
    peaks = np.unique(table[PEAK])
    # One log has two peaks in different rows: which is meant is not known.
    known = {"peak_lr": float(peaks[0])} if peaks.size == 1 else {}
    return Run(
        name,
        table["_step"][keep].astype(np.int64) - 1,
        table[LOSS][keep],
        n_params=n,
        tokens_per_step=batch,
        dataset=card.name,
        model=name,
        evaluations={key: table[column][keep] for key, column in EVALUATIONS.items()},
        meta=_meta("curve", name.partition("-")[0], 0.0, False, batch_tokens=batch, **known),
    )


def _ends(curve: Run) -> dict[str, float]:
    """Return the last loss of a curve on every other set."""
    return {name: float(losses[-1]) for name, losses in curve.evaluations.items()}


def _final(
    card: Card,
    name: str,
    size: str,
    n: float,
    loss: float,
    tokens: float,
    others: Mapping[str, float],
    multiple: float = 0.0,
    rerun: bool = False,
) -> Run:
    """Return the last evaluation of a run as a run of one point."""
    meta = _meta("final", size, multiple, rerun)
    evaluations = {key: [value] for key, value in others.items()}
    return Run.final(
        f"{name}-final", loss, n, tokens, dataset=card.name, model=size, evaluations=evaluations, meta=meta
    )


def _meta(kind: str, size: str, multiple: float, rerun: bool, **more: float) -> dict[str, Any]:
    return {"kind": kind, "size": size, "multiple": multiple, "rerun": rerun, **more}
