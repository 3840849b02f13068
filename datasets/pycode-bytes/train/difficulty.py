"""How hard the bytes are that happen to stand at each position of the validation windows.

A thousand windows leave a loss by position with a sampling noise of some hundredths of a nat: the
bytes at position 7 are others than those at position 8. The noise is the same at every step of
every run, since the windows are fixed. So it can be measured: a trained model predicts all of
these bytes with at least half a window of context. What is then left of a difference between
positions is the bytes, not the context.
"""

from __future__ import annotations

import torch
from model import Model
from torch import Tensor
from trainer import Corpus

REFERENCE = "cosine10-2t"
"""The run whose last model predicts the bytes."""


@torch.inference_mode()
def difficulty_csv(model: Model, corpus: Corpus) -> str:
    """Return, for each position, the mean loss of its bytes above that of all bytes, in nats.

    Subtracted from losses by position, it keeps their mean and takes about half of their noise.
    """
    half = corpus.settings.shape.context // 2
    device = model.norm.weight.device
    here = _losses(model, corpus.validation().to(device))
    before = _losses(model, corpus.validation(earlier=half).to(device))
    # Windows at the very start of the text have nothing before them.
    shifted = torch.from_numpy(corpus.validation_starts >= half).to(device)[:, None]
    first = torch.where(shifted, before[:, half:], here[:, :half])
    means = torch.cat([first, here[:, half:]], dim=1).mean(0)
    lines = [f"{i},{value:.5f}\n" for i, value in enumerate((means - means.mean()).tolist(), start=1)]
    return "position,difficulty\n" + "".join(lines)


def _losses(model: Model, windows: Tensor) -> Tensor:
    return torch.cat([model.losses(some.long()).double() for some in windows.split(32)])
