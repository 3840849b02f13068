"""What must hold of the built site: it asks nothing of the network, its links lead somewhere, it names no machine."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).resolve().parents[2]
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""Attributes whose address a browser loads without being asked."""
NOT_LOADED = {"canonical", "next", "prev", "search", "author", "index"}
"""Relations of a `link` that load nothing."""
_IN_STYLE = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")]+)")


class Page(HTMLParser):
    """The addresses and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag loads, where it leads, and the anchors that it sets."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        address = given.get(LOADED.get(tag, ""), "")
        if address and not (tag == "link" and given.get("rel", "") in NOT_LOADED):
            self.loads.append(address)
            self.links.append(address)


def problems(site: Path) -> list[str]:
    """Return what is wrong with a site, one sentence each; empty where nothing is."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    out = []
    for path, page in pages.items():
        where = path.relative_to(site)
        out += [f"{where} loads {address} from the network" for address in page.loads if _remote(address)]
        out += [f"{where} links {address}, which is not there" for address in page.links if _dead(address, path, pages)]
    for path in sorted(site.rglob("*.css")):
        found = _IN_STYLE.findall(path.read_text(encoding="utf-8"))
        out += [f"{path.relative_to(site)} loads {address} from the network" for address in found]
    here = str(ROOT).encode()
    out += [
        f"{path.relative_to(site)} holds the path of this checkout"
        for path in sorted(site.rglob("*"))
        if path.is_file() and here in path.read_bytes()
    ]
    return list(dict.fromkeys(out))


def _remote(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https")


def _dead(address: str, page: Path, pages: dict[Path, Page]) -> bool:
    """Return whether a relative address leads to no file of the site, or to no anchor of a page."""
    if urlsplit(address).scheme or urlsplit(address).netloc:
        return False
    file, anchor = urldefrag(address)
    target = (page.parent / unquote(urlsplit(file).path)).resolve() if file else page
    if target not in pages:
        return not target.is_file()
    return bool(anchor) and unquote(anchor) not in pages[target].anchors
