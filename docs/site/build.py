"""Build the site: ``python docs/site/build.py FOLDER``. Warnings are errors; the result is checked, see `check`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from check import problems
from sphinx.cmd.build import build_main
from stage import stage


def build(target: Path) -> list[str]:
    """Build the site into a folder and return what is wrong with it."""
    if target.exists() and any(target.iterdir()) and not (target / "searchindex.js").is_file():
        raise SystemExit(f"docs: {target} holds something else than a site; name another folder.")
    os.environ["LAWBENCH_DATASETS"] = ""  # one's own datasets are not part of the site
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "source"), Path(folder, "site")
        stage(source)
        strict = ["--quiet", "--fail-on-warning", "--keep-going", "--fresh-env"]
        if build_main(["-b", "html", *strict, str(source), str(out), "-d", str(Path(folder, "doctrees"))]):
            return ["Sphinx has warnings"]
        # Left by Sphinx and its theme; no page uses them.
        for left in [out / ".buildinfo", out / "_static" / "webpack-macros.html", *out.rglob("*.map")]:
            left.unlink(missing_ok=True)
        wrong = problems(out)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(out, target)
    return wrong


if __name__ == "__main__":
    site, start = Path(sys.argv[1]), time.perf_counter()
    wrong = build(site)
    for problem in wrong:
        print(f"docs: {problem}", file=sys.stderr)
    if wrong:
        sys.exit(1)
    files = [path for path in site.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    pages = sum(path.suffix == ".html" for path in files)
    print(f"{pages} pages, {size:.1f} MB, in {time.perf_counter() - start:.0f} s: {site / 'index.html'}")
