"""Figures as files and as markup for the page: small, and the same bytes for the same figure."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

WEBP_DPI = 90
"""Small enough that nobody reads a loss off a picture, large enough to see which law is nearer."""


def formats(figure: Figure, kinds: Sequence[str]) -> dict[str, bytes]:
    """Return a figure as files, the same bytes for the same figure: ``svg``, ``pdf``, ``webp``."""
    dates: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    out = {}
    # The layout is solved once, not once a file.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for kind in kinds:
        buffer = io.BytesIO()
        more: dict[str, Any] = {"pil_kwargs": {"quality": 60}} if kind == "webp" else {"metadata": dates[kind]}
        figure.savefig(buffer, format=kind, dpi=WEBP_DPI if kind == "webp" else 160, **more)
        out[kind] = _rounded(buffer.getvalue()) if kind == "svg" else buffer.getvalue()
    return out


def write(files: Mapping[str, bytes], stem: Path) -> None:
    """Write the files of a figure."""
    for kind, content in files.items():
        stem.with_name(f"{stem.name}.{kind}").write_bytes(content)


def markup(files: Mapping[str, bytes], name: str, alt: str) -> str:
    """Return a figure for the page: inline SVG where there is one, else an embedded picture."""
    if "svg" not in files:
        return f'<img alt="{escape(alt)}" src="data:image/webp;base64,{b64encode(files["webp"]).decode()}">'
    text = files["svg"].decode()
    # Namespaces and metadata are not needed inside a page, and ids must not meet those of other figures.
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    head, rest = text.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{escape(alt)}">{rest}'


def _rounded(svg: bytes) -> bytes:
    """Write coordinates with two decimals: a hundredth of a point is not seen, and halves the file."""
    text = svg.decode()
    short = re.sub(r"(?<=[\s\"(,LMQCz])-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", text)
    return short.encode()
