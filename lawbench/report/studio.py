"""Draws the figures of a report and keeps the report going when one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from lawbench.report import encode
from lawbench.report.manifest import without_paths

FILES = ("svg", "pdf")


@dataclass(frozen=True)
class Picture:
    """A figure on the page."""

    name: str
    markup: str
    caption: str


@dataclass
class Studio:
    """Draws figures and writes their files.

    Attributes
    ----------
    folder : Path
        Folder of the figures.
    files : list of str
        Names of the files written.
    problems : list of str
        A sentence for everything that could not be shown.
    """

    folder: Path
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def draw(
        self, name: str, caption: str, make: Callable[[], Figure | None], kinds: Sequence[str] = FILES
    ) -> Picture | None:
        """Write a figure and return it for the page; None where there is nothing to draw or drawing fails."""
        try:
            figure = make()
            if figure is None:
                return None
            files = encode.formats(figure, kinds)
        except Exception as error:
            self.failed(f"Figure {name} could not be drawn", error)
            return None
        encode.write(files, self.folder / name)
        self.files += [f"{name}.{kind}" for kind in files]
        return Picture(name, encode.markup(files, name, caption), caption)

    def failed(self, what: str, error: Exception) -> None:
        """Note that something is missing from the report, and why."""
        self.problems.append(f"{what}: {without_paths(f'{type(error).__name__}: {error}').rstrip('.')}.")
