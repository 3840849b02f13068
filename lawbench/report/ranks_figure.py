"""The critical-difference figure: mean ranks, and which of them are not told apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lawbench.report.colours import INK, MUTED
from lawbench.report.figures import Styles


def ranks_figure(ranks: pd.DataFrame, styles: Styles) -> Figure:
    """Return the mean rank of every group of near-copies; right is better.

    A bar at the right joins entries whose mean ranks differ by less than the critical distance,
    which is drawn above them to scale; without one, as with few families, no bar is drawn.

    Parameters
    ----------
    ranks : DataFrame
        From `lawbench.ranks.critical_difference`, with at least one entry.
    styles : mapping
        Entry -> its look.
    """
    count, distance = len(ranks), float(ranks.attrs["critical_distance"])
    known = bool(np.isfinite(distance))
    figure = Figure(figsize=(6.2, 0.95 + 0.25 * (count + known)), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    for y, (entry, rank) in enumerate(zip(ranks["entry"], ranks["mean_rank"].to_numpy(), strict=True)):
        look = styles[entry]
        ax.plot(rank, y, look.marker, ms=6.5, mec=look.colour, mfc=look.face, mew=1.4, zorder=3)
        ax.annotate(f"{rank:.1f}", (rank, y), xytext=(7, 0), textcoords="offset points", fontsize=8, va="center",
                    color=INK)  # fmt: skip
    low, high = float(ranks["mean_rank"].min()), float(ranks["mean_rank"].max())
    right, left = min(1.0, low) - 0.06 * count, max(high, low + distance if known else high) + 0.03 * count
    if known:
        ax.plot([low, low + distance], [-1, -1], "|-", color=MUTED, ms=6, lw=1.0, zorder=2)
        ax.annotate(f"critical distance {distance:.1f}", (low + distance / 2, -1), xytext=(0, 3), fontsize=7.5,
                    textcoords="offset points", ha="center", color=MUTED)  # fmt: skip
    place = {entry: y for y, entry in enumerate(ranks["entry"])}
    for i, run in enumerate(ranks.attrs["not_told_apart"]):
        ax.plot([1.012 + 0.014 * i] * 2, [place[run[0]] - 0.3, place[run[-1]] + 0.3], color=INK, lw=2.2,
                solid_capstyle="butt", transform=ax.get_yaxis_transform(), clip_on=False)  # fmt: skip
    copies = ranks["copies"].to_list()
    labels = [f"{e} (best of {n})" if n > 1 else e for e, n in zip(ranks["entry"], copies, strict=True)]
    ax.set_xlim(left, right)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_yticks(range(count), labels)
    ax.set_ylim(count - 0.4, -1.7 if known else -0.6)
    ax.tick_params(axis="y", length=0, labelsize=8.5)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("mean rank (near-copies counted once)")
    return figure
