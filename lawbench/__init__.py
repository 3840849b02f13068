"""lawbench: which scaling law predicts the losses you have not paid for yet?"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lawbench.data.dataset import datasets as datasets
    from lawbench.data.dataset import load_dataset as load_dataset
    from lawbench.fitting.fit import fit as fit
    from lawbench.leaderboard import leaderboard as leaderboard
    from lawbench.registry import laws as laws
    from lawbench.runner import run as run
    from lawbench.runs import Run as Run
    from lawbench.schedule import Schedule as Schedule
    from lawbench.tasks import load_task as load_task
    from lawbench.tasks import tasks as tasks

__version__ = "0.2.0"

# `laws/` and `datasets/` lie inside the installed package, but beside it in a checkout.
if not (Path(__file__).parent / "laws").is_dir():
    __path__.append(str(Path(__file__).parent.parent))

# Public names and their modules; imported on first use, so that `import lawbench` stays light.
_PUBLIC = {
    "Run": "lawbench.runs",
    "Schedule": "lawbench.schedule",
    "datasets": "lawbench.data.dataset",
    "fit": "lawbench.fitting.fit",
    "laws": "lawbench.registry",
    "leaderboard": "lawbench.leaderboard",
    "load_dataset": "lawbench.data.dataset",
    "load_task": "lawbench.tasks",
    "run": "lawbench.runner",
    "tasks": "lawbench.tasks",
}
__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lawbench' has no attribute '{name}'")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `lawbench.laws()` callable when the import system binds the sub-package of that name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
