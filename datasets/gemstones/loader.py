"""Runs of the Gemstones: constant-rate curves of 22 architectures, and where their cooldowns end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lawbench.data.card import Card
from lawbench.errors import DataError
from lawbench.runs import Run
from lawbench.shapes import constant, wsd

Row = Mapping[str, Any]
HOT, HALF, BEGIN, END = (
    f"wandb_dfs/wandb_df_for_fitting_{part}.jsonl"
    for part in ("hot_100b+_477", "lr_ablation_hot_477", "cool_begin", "cool_end")
)
FIRST = 477
"""Updates before the first evaluation. The warm-up, of unknown length, lies there: it is not used."""
VOCABULARY = 2 * 50304
"""Rows of the input and output embeddings together, found from pairs of models of one width."""
SAME = 1e-6
"""Largest difference, in nats, of one loss written in two files."""
FALLS = 0.02
"""A cooldown lowers the loss by more; every sound one does so by more than 0.05."""


def load(card: Card, files: Mapping[str, Path]) -> list[Run]:
    """Return hot curves, curves at half the rate, cooldowns, and the last points of these alone.

    Rates are in units of the peak of the hot run of the same architecture.
    """
    hot, half, begin, end = (_tables(files[path]) for path in (HOT, HALF, BEGIN, END))
    runs = [_level(card, name, rows, 1.0) for name, rows in hot.items()]
    runs += [_level(card, name, rows, 0.5) for name, rows in half.items()]
    for name, ends in end.items():
        starts = begin[name]
        if len(starts) != len(ends):
            raise DataError(f"'{name}' of '{card.name}' starts {len(starts)} cooldowns and ends {len(ends)}.")
        own = _is_trunk(hot[name], starts)
        for i, last in enumerate(ends):
            after = starts[i - 1]["step"] if i else FIRST
            stable = [row for row in hot[name] if after < row["step"] < starts[i]["step"]] if own else []
            runs += _cooldown(card, [*stable, starts[i]], last, own)
    return runs


def _tables(path: Path) -> dict[str, list[Row]]:
    """Return the rows of every architecture in order of their step."""
    tables: dict[str, list[Row]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        tables.setdefault(_architecture(row), []).append(row)
    return {name: sorted(rows, key=lambda row: row["step"]) for name, rows in tables.items()}


def _architecture(row: Row) -> str:
    return f"{row['width']}x{row['depth']}"


def _level(card: Card, name: str, rows: Sequence[Row], level: float) -> Run:
    """Return a run at one rate, `level` times the peak, without its first evaluation."""
    kept = [row for row in rows if row["step"] > FIRST]
    schedule = constant(kept[-1]["step"], level)
    kind = "hot" if level == 1.0 else "half"
    return _run(card, f"{name}-{kind}", kept, kind, schedule=schedule)


def _cooldown(card: Card, stable: Sequence[Row], last: Row, own: bool) -> list[Run]:
    """Return a cooldown with the stable points before it, and its end as a run of one point."""
    start = stable[-1]
    name, billions = _architecture(last), round(start["tokens"] / 1e9)
    known = {
        "start": float(billions),
        "trunk": "hot" if own else "other",
        "falls": start["final_loss"] - last["final_loss"] > FALLS,
    }
    # Where the trunk is not the hot run, the ratio of its rate to that of the hot run is not known either.
    schedule = wsd(last["step"], 1.0, decay_start=start["step"]) if own else None
    model = name if own else f"{name}, other run"
    curve = _run(card, f"{name}-cool-{billions}b", [*stable, last], "cooldown", schedule=schedule, model=model, **known)
    final = Run.final(
        f"{name}-end-{billions}b",
        loss=last["final_loss"],
        n_params=last["params_active_precise"],
        tokens=last["tokens"],
        dataset=card.name,
        model=model,
        meta=_meta(last, "end", **known),
    )
    return [curve, final]


def _is_trunk(hot: Sequence[Row], starts: Sequence[Row]) -> bool:
    """Say whether the cooldowns start from the hot run, as far as both are evaluated at one step."""
    losses = {row["step"]: row["final_loss"] for row in hot}
    return all(abs(row["final_loss"] - losses.get(row["step"], row["final_loss"])) < SAME for row in starts)


def _run(card: Card, name: str, rows: Sequence[Row], kind: str, *, model: str = "", schedule: Any, **known: Any) -> Run:
    return Run(
        name,
        # The files count updates, hence tokens = step x tokens per step; a run counts steps from 0.
        steps=np.array([row["step"] - 1 for row in rows]),
        loss=np.array([row["final_loss"] for row in rows]),
        schedule=schedule,
        n_params=rows[0]["params_active_precise"],
        tokens_per_step=card.tokens_per_step,
        dataset=card.name,
        model=model or _architecture(rows[0]),
        meta=_meta(rows[0], kind, **known),
    )


def _meta(row: Row, kind: str, **known: Any) -> dict[str, Any]:
    without = row["params_active_precise"] - VOCABULARY * row["width"]
    return {
        "kind": kind,
        "width": float(row["width"]),
        "depth": float(row["depth"]),
        "n_params_no_embed": float(without),
        "lr_unit": "peak",
        **{"start": 0.0, "trunk": "hot", "falls": False, **known},
    }
