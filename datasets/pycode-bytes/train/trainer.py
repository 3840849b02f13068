"""Training of one run: one batch a step, one rate a step, saved often enough to lose little."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from files import write_bytes
from model import Model
from numpy.typing import NDArray
from plan import Planned, Settings, log_steps
from torch import Tensor

SAVE_EVERY = 250
"""Steps between checkpoints: what a kill can cost."""

Progress = Callable[[int], None]


@dataclass
class Log:
    """What a run has logged: one row, and one loss a position, for every evaluated step."""

    rows: list[dict[str, float]] = field(default_factory=list)
    positions: list[list[float]] = field(default_factory=list)
    train_sum: float = 0.0
    train_steps: int = 0


class Corpus:
    """Train and validation bytes, cut into windows."""

    def __init__(self, train: bytes, validation: bytes, settings: Settings) -> None:
        self.settings = settings
        self._train = np.frombuffer(train, np.uint8)
        self.n_windows = (self._train.size - 1) // settings.shape.context
        self.validation_starts = np.linspace(
            0, len(validation) - settings.shape.context - 1, settings.eval_windows
        ).astype(np.int64)
        self._validation = np.frombuffer(validation, np.uint8)

    def batch(self, seed: int, step: int) -> Tensor:
        """Return the windows of a step, shape (batch, context + 1): a function of seed and step alone.

        Windows do not overlap, and each is used once before any is used again.
        """
        size = self.settings.batch
        at = np.arange(step * size, (step + 1) * size)
        order = [_order(self.n_windows, seed, int(epoch)) for epoch in at // self.n_windows]
        chosen = np.array([windows[i] for windows, i in zip(order, at % self.n_windows, strict=True)])
        return torch.from_numpy(_cut(self._train, chosen * self.settings.shape.context, self.settings))

    def validation(self, earlier: int = 0) -> Tensor:
        """Return the fixed windows of the validation loss, spread evenly over its text.

        With `earlier`, they start so many bytes earlier, or where the text starts.
        """
        starts = np.maximum(self.validation_starts - earlier, 0)
        return torch.from_numpy(_cut(self._validation, starts, self.settings))


def prepare() -> str:
    """Make torch deterministic and return the device: a GPU where there is one."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    # Only this way of attention is sure to be deterministic on a GPU.
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    return "cuda" if torch.cuda.is_available() else "cpu"


class Trainer:
    """The state of a run between two steps.

    A row logged with step s is the state after the update of step s: it has used the rates
    ``lr[0..s]``.
    """

    def __init__(self, run: Planned, corpus: Corpus, device: str) -> None:
        self.run, self.corpus, self.device = run, corpus, device
        shared = run.settings
        self.model = Model(shared.shape, run.seed).to(device)
        matrices = [weight for weight in self.model.parameters() if weight.dim() == 2]
        norms = [weight for weight in self.model.parameters() if weight.dim() != 2]
        groups = [
            {"params": matrices, "weight_decay": shared.weight_decay},
            {"params": norms, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, betas=shared.betas, fused=True)
        self.step, self.log = 0, Log()
        self._log_steps = frozenset(log_steps(run))
        self._validation = corpus.validation().to(device)

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        return self.step >= len(self.run.schedule)

    def advance(self) -> bool:
        """Make one step and log it if its turn has come; False if the loss is not finite."""
        for group in self.optimiser.param_groups:
            group["lr"] = float(self.run.schedule.lr[self.step])
        windows = self.corpus.batch(self.run.seed, self.step).to(self.device).long()
        loss = self.model.losses(windows).mean()
        value = float(loss.detach())
        if not math.isfinite(value):
            return False
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.run.settings.clip)
        self.optimiser.step()
        self.log.train_sum += value
        self.log.train_steps += 1
        if self.step in self._log_steps and not self._evaluate():
            return False
        self.step += 1
        return True

    def state(self) -> bytes:
        """Return everything that the next step depends on."""
        out = io.BytesIO()
        torch.save(
            {
                "step": self.step,
                "model": self.model.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "log": asdict(self.log),
            },
            out,
        )
        return out.getvalue()

    def restore(self, state: bytes) -> None:
        """Go on from a saved state, of this run or of the run that it branches from."""
        saved: dict[str, Any] = torch.load(io.BytesIO(state), map_location=self.device, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.log = saved["step"], Log(**saved["log"])

    @torch.inference_mode()
    def _evaluate(self) -> bool:
        """Log the mean validation loss at every position, and their mean; False if it is not finite."""
        sums = torch.zeros(self.run.settings.shape.context, dtype=torch.float64, device=self.device)
        for windows in self._validation.split(self.run.settings.batch):
            sums += self.model.losses(windows.long()).double().sum(0)
        positions = (sums / len(self._validation)).tolist()
        loss = math.fsum(positions) / len(positions)
        if not math.isfinite(loss):
            return False
        log = self.log
        lr = float(self.run.schedule.lr[self.step])
        log.rows.append({"step": self.step, "lr": lr, "loss": loss, "train_loss": log.train_sum / log.train_steps})
        log.positions.append(positions)
        log.train_sum, log.train_steps = 0.0, 0
        return True


def train(trainer: Trainer, checkpoint: Path, snapshots: dict[int, Path], progress: Progress) -> bool:
    """Train to the end; False if the run diverged.

    Parameters
    ----------
    trainer : Trainer
    checkpoint : Path
        Written every few hundred steps.
    snapshots : dict of int to Path
        States to keep for the runs that branch off at these steps.
    progress : callable
        Called with the step after each step.
    """
    while not trainer.done:
        if not trainer.advance():
            return False
        if trainer.step in snapshots:
            write_bytes(snapshots[trainer.step], trainer.state())
        if trainer.step % SAVE_EVERY == 0 and not trainer.done:
            write_bytes(checkpoint, trainer.state())
        progress(trainer.step)
    return True


@lru_cache(maxsize=4)
def _order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    # The stream of RandomState never changes between versions of numpy.
    return np.random.RandomState([seed, epoch]).permutation(n)


def _cut(text: NDArray[np.uint8], starts: NDArray[np.int64], settings: Settings) -> NDArray[np.uint8]:
    return text[starts[:, None] + np.arange(settings.shape.context + 1)]
