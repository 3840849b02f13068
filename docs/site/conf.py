"""Sphinx's settings: Markdown pages, NumPy docstrings, formulas as MathML, nothing from the network."""

from __future__ import annotations

import itertools
import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

from lawbench import __version__

project = "lawbench"
author = "The lawbench authors"
copyright = author
release = version = __version__
language = "en_GB"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
highlight_language = "text"
default_role = "py:obj"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
add_module_names = False
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
viewcode_follow_imported_members = False
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = f"lawbench {__version__}"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "search_bar_text": "Search",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars: dict[str, list[str]] = {"index": [], "start": [], "concepts": []}


def inline(writer: Any, node: nodes.math) -> None:
    """Write a formula within a line as MathML."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> None:
    """Write a displayed formula as MathML; what is too wide scrolls."""
    writer.body.append(f'<div class="math-block" tabindex="0">{convert(node.astext(), display="block")}</div>\n')
    raise nodes.SkipNode


def one_attribute_each(
    _app: Sphinx, _what: str, _name: str, _thing: object, _options: object, lines: list[str]
) -> None:
    """Write ``a, b : type`` of a section of attributes as one entry a name: Napoleon reads only one."""
    if "Attributes" not in lines:
        return
    out: list[str] = []
    start = lines.index("Attributes") + 2
    for i, line in enumerate(lines):
        found = re.fullmatch(r"(\w+(?:, \w+)+)( : .*)?", line) if i >= start else None
        if found is None:
            out.append(line)
            continue
        told = [other for other in itertools.takewhile(lambda text: text[:1] in ("", " "), lines[i + 1 :]) if other]
        *names, last = found[1].split(", ")
        for name in names:
            out += [f"{name}{found[2] or ''}", *told]
        out.append(f"{last}{found[2] or ''}")
    lines[:] = out


def setup(app: Sphinx) -> None:
    """Render formulas at build time, so that a page needs no script and no fonts to show them."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    app.config.html_math_renderer = "mathml"
    app.connect("autodoc-process-docstring", one_attribute_each, priority=400)  # before Napoleon
