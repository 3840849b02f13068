"""Figures of a report. Every function returns a Matplotlib figure and leaves no global state behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from lawbench.report.colours import INK, MUTED, SHADE, Style
from lawbench.report.panels import ACROSS, Gallery, Panel

Styles = Mapping[str, Style]
NAMED = 8
"""Entries that a figure of distances names: more are told apart by nobody."""

_LOOK: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": "#4a4a4a",
    "axes.linewidth": 0.6,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "xtick.color": "#4a4a4a",
    "ytick.color": "#4a4a4a",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.3,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Text stays text, and the same figure gives the same file.
    "svg.fonttype": "none",
    "svg.hashsalt": "lawbench",
    "pdf.fonttype": 42,
}


@contextmanager
def look() -> Iterator[None]:
    """Draw and save in the style of the report, and restore the reader's settings afterwards."""
    import seaborn as sns

    settings: Any = {**dict(sns.axes_style("ticks")), **_LOOK}
    with mpl.rc_context(settings):
        yield


def residuals_figure(gallery: Gallery, styles: Styles) -> Figure:
    """Return relative errors, one panel a predicted curve, with the noise floor as a band."""
    figure, axes = _canvas(gallery)
    for ax, panel in zip(axes, gallery.panels, strict=True):
        _shade(ax, panel)
        if panel.floor:
            ax.axhspan(-100 * panel.floor, 100 * panel.floor, color="#c9dff0", lw=0, zorder=0.5)
        ax.axhline(0, color=INK, lw=0.6, zorder=1)
        for entry in panel.lines:
            _line(ax, panel.x, panel.residual(entry), styles[entry], panel.kind == "compute")
        reach = _reach(panel)
        ax.set_ylim(-reach, reach)
        ax.set_title(panel.title)
    _label(figure, axes, gallery, "prediction / observed − 1 (%)")
    floor = any(p.floor for p in gallery.panels)
    pooled = all(p.kind == "compute" for p in gallery.panels)
    _legend(figure, gallery.entries, styles, pooled, floor=floor, shade=_shaded(gallery))
    return figure


def board_figure(board: pd.DataFrame, styles: Styles, noise_skill: float | None) -> Figure:
    """Return the leaderboard: skill of every entry, its interval, and the skill of the noise floor.

    The axis is the logarithm of error relative to the baseline, labelled with the skill, so that
    twice and half the error lie equally far from the baseline.
    """
    shown = board[board["error"].notna()]
    figure = Figure(figsize=(6.2, 0.9 + 0.27 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    for y, (_, row) in enumerate(shown.iterrows()):
        look_of, ranked = styles[row["entry"]], pd.notna(row["rank"])
        if pd.notna(row["skill_low"]):
            ax.plot([1 - row["skill_low"], 1 - row["skill_high"]], [y, y], color=look_of.colour, lw=1.6, zorder=2)
        ax.plot(row["error"], y, look_of.marker, ms=6.5, mec=look_of.colour, mfc=look_of.face, mew=1.4, zorder=3,
                alpha=1.0 if ranked else 0.45)  # fmt: skip
        # Beyond the interval, which would strike the number through.
        right = row["error"] if pd.isna(row["skill_high"]) else min(row["error"], 1 - row["skill_high"])
        ax.annotate(f"{row['skill']:.2f}".replace("-", "−"), (right, y), xytext=(7, 0), fontsize=8,
                    textcoords="offset points", va="center", color=INK if ranked else MUTED)  # fmt: skip
    ax.axvline(1.0, color=MUTED, lw=0.8, ls=(0, (3, 2)), zorder=1)
    ends = [1.0, *shown["error"], *(1 - shown["skill_low"].dropna()), *(1 - shown["skill_high"].dropna())]
    if noise_skill is not None and noise_skill < 1:
        ends.append(1 - noise_skill)
        ax.axvspan(1e-6, 1 - noise_skill, color="#c9dff0", lw=0, zorder=0)
        _above(ax, 1 - noise_skill, "noise floor")
    _above(ax, 1.0, "baseline")
    ax.set_xscale("log")
    ax.set_xlim(max(ends) * 1.25, min(e for e in ends if e > 0) / 1.45)
    ticks = [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if ax.viewLim.xmax >= t]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda r, _: f"{1 - r:g}".replace("-", "−")))
    labels = [e if pd.notna(r) else f"{e} (not ranked)" for e, r in zip(shown["entry"], shown["rank"], strict=True)]
    ax.set_yticks(range(len(shown)), labels)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0, labelsize=8.5)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("skill = 1 − error / error of the baseline (log scale)")
    return figure


def distance_figure(distance: pd.DataFrame, styles: Styles) -> Figure:
    """Return the error of every entry against how far beyond the fitted range a task reaches.

    The `NAMED` entries with the smallest errors, relative to the baseline, have a look and a name; the others
    are grey dots.
    """
    figure = Figure(figsize=(6.2, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    shown = distance[distance["log_mae"] > 0]
    order = np.log(distance["ratio"]).groupby(distance["entry"]).mean().sort_values(kind="stable").index
    entries = sorted(order[:NAMED])
    others = shown[~shown["entry"].isin(entries)]
    ax.plot(others["extrapolation"], 100 * others["log_mae"], "o", ms=2.5, mew=0, mfc="#b8b8b8", zorder=1)
    # Tasks of equal reach would hide behind each other: entries stand side by side.
    for i, entry in enumerate(entries):
        own = shown[shown["entry"] == entry]
        beside = np.exp(0.035 * (i - (len(entries) - 1) / 2))
        ax.plot(own["extrapolation"] * beside, 100 * own["log_mae"], styles[entry].marker, ms=5, mew=1.1,
                mec=styles[entry].colour, mfc=styles[entry].face, alpha=0.85)  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    low, high = float(distance["extrapolation"].min()), float(distance["extrapolation"].max())
    ax.set_xlim(low / 1.35, high * 1.35)
    _plain_ticks(ax.xaxis, low / 1.35, high * 1.35, (1, 1.5, 2, 3, 5, 7))
    errors = 100 * distance.loc[distance["log_mae"] > 0, "log_mae"]
    _plain_ticks(ax.yaxis, float(errors.min()) / 1.3, float(errors.max()) * 1.3, (1, 2, 5))
    ax.set_xlabel("reach: largest predicted over largest fitted (×)")
    ax.set_ylabel("error of log loss (% of the loss)")
    _legend(figure, entries, styles, pooled=True)
    return figure


def _plain_ticks(axis: Axis, low: float, high: float, digits: Sequence[float]) -> None:
    """Label a log axis with round numbers written out."""
    ticks = [d * 10.0**e for e in range(-6, 31) for d in digits if low <= d * 10.0**e <= high]
    axis.set_major_locator(FixedLocator(ticks or [low]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def _flop(value: float, _: Any = None) -> str:
    """Write a large number as a power of ten."""
    power = int(np.floor(np.log10(value) + 1e-9))
    digit = round(value / 10.0**power)
    return rf"$10^{{{power}}}$" if digit == 1 else rf"${digit}\!\times\!10^{{{power}}}$"


def _above(ax: Axes, x: float, label: str) -> None:
    ax.annotate(label, (x, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
                ha="center", fontsize=7.5, color=MUTED, annotation_clip=False)  # fmt: skip


def _canvas(gallery: Gallery) -> tuple[Figure, list[Axes]]:
    n = len(gallery.panels)
    across = min(n, 2 if n in (2, 4) else 3)
    down = -(-n // across)
    size = {1: 6.2, 2: 4.4}.get(across, 3.2)
    longest = max(map(len, gallery.entries), default=1)
    legend = 0.22 * -(-(len(gallery.entries) + 2) // max(1, int(size * across / (0.55 + 0.06 * longest))))
    figure = Figure(figsize=(size * across, 2.35 * down + legend + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(down, across, squeeze=False)
    axes = list(grid.ravel())
    for ax in axes[n:]:
        ax.remove()
    return figure, axes[:n]


def _shaded(gallery: Gallery) -> bool:
    return any(p.kind == "steps" and p.ignored_until is not None for p in gallery.panels)


def _shade(ax: Axes, panel: Panel) -> None:
    until = panel.ignored_until
    if until is not None and panel.kind == "steps":
        ax.axvspan(float(panel.x[0]), until, color=SHADE, lw=0, zorder=0)
    ax.margins(x=0.02)


def _line(ax: Axes, x: Any, y: Any, style: Style, pooled: bool) -> None:
    if pooled:
        ax.plot(x, y, style.marker, ms=3.6, mec=style.colour, mfc=style.face, mew=0.9, alpha=0.85, zorder=3)
    else:
        ax.plot(x, y, color=style.colour, ls=style.line, lw=1.3 if style.filled else 0.9, alpha=0.9, zorder=3)


def _reach(panel: Panel) -> float:
    """Half height of a residual panel: shows the better half of the entries whole."""
    worst = sorted(panel.largest(entry) for entry in panel.lines)
    largest = worst[(len(worst) - 1) // 2]
    return 1.35 * max(largest, 100 * (panel.floor or 0.0), 1e-3)


def _label(figure: Figure, axes: Sequence[Axes], gallery: Gallery, y: str) -> None:
    for ax, panel in zip(axes, gallery.panels, strict=True):
        if panel.kind == "compute":
            low, high = float(panel.x.min()) / 1.2, float(panel.x.max()) * 1.2
            ax.set_xscale("log")
            ax.set_xlim(low, high)
            _plain_ticks(
                ax.xaxis, low, high, (1,) if high > 100 * low else (1, 3) if high > 8 * low else (1, 2, 4, 6, 8)
            )
            ax.xaxis.set_major_formatter(FuncFormatter(_flop))
        else:
            ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_locator(MaxNLocator(5))
    kinds = dict.fromkeys(panel.kind for panel in gallery.panels)
    figure.supxlabel("; ".join(ACROSS[kind] for kind in kinds), fontsize=9)
    figure.supylabel(y, fontsize=9)


def _legend(
    figure: Figure,
    entries: Sequence[str],
    styles: Styles,
    pooled: bool,
    *,
    floor: bool = False,
    shade: bool = False,
) -> None:
    handles: list[Any] = []
    for entry in entries:
        s = styles[entry]
        keys = {"marker": s.marker, "mec": s.colour, "mfc": s.face, "ls": "", "ms": 5} if pooled else {"ls": s.line}
        handles.append(Line2D([], [], color=s.colour, label=entry, **{"lw": 1.5 if s.filled else 1.0, **keys}))
    if shade:
        handles.append(Patch(color=SHADE, label="does not count"))
    if floor:
        handles.append(Patch(color="#c9dff0", label="noise floor"))
    # Room for the longest name at 8.5 points, so that no name is cut off.
    room = 0.55 + 0.06 * max((len(str(h.get_label())) for h in handles), default=1)
    columns = max(1, min(len(handles), int(figure.get_figwidth() / room)))
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, handlelength=2.4, columnspacing=1.4)
