"""The models: decoder-only transformers over bytes, and how their parameters are counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

VOCABULARY = 256


@dataclass(frozen=True)
class Shape:
    """What a model is made of; `context` is the number of positions it sees at once."""

    width: int
    layers: int
    heads: int
    context: int = 128


SIZES: Mapping[str, Shape] = {
    "25k": Shape(width=32, layers=2, heads=2),
    "150k": Shape(width=64, layers=3, heads=2),
    "450k": Shape(width=96, layers=4, heads=3),
    "800k": Shape(width=128, layers=4, heads=4),
}
"""Named after their parameters without embeddings."""

SMOKE = Shape(width=16, layers=1, heads=2, context=32)


class Block(nn.Module):
    """Attention and a four times wider GELU layer, each behind a norm and added to its input."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.norm1, self.norm2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, positions, width) to the same shape."""
        batch, positions, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, positions, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mix(seen.transpose(1, 2).reshape(batch, positions, width))
        out: Tensor = x + self.down(functional.gelu(self.up(self.norm2(x))))
        return out


class Model(nn.Module):
    """Byte and position embeddings, blocks, a last norm; the head is the byte embedding (tied).

    Positions are learned. There are no biases. Weights start as normal(0, 0.02), those that
    write into the residual stream divided by sqrt(2 x layers).
    """

    def __init__(self, shape: Shape, seed: int) -> None:
        super().__init__()
        self.shape = shape
        self.bytes = nn.Embedding(VOCABULARY, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        random = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("mix.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * shape.layers if writes else 1), generator=random)

    def losses(self, windows: Tensor) -> Tensor:
        """Return the loss in nats at every position, shape (batch, positions).

        `windows` holds one byte more than there are positions: position i predicts byte i + 1.
        """
        x = self.bytes(windows[:, :-1]) + self.positions.weight
        for block in self.blocks:
            x = block(x)
        logits = functional.linear(self.norm(x), self.bytes.weight)
        targets = windows[:, 1:].reshape(-1)
        return functional.cross_entropy(logits.flatten(0, 1), targets, reduction="none").view(x.shape[:2])


def count(shape: Shape) -> dict[str, int]:
    """Return the number of parameters without and with the embeddings of bytes and positions.

    The head is the byte embedding, so it is in neither count twice. Norms count.
    """
    block = 12 * shape.width**2 + 2 * shape.width
    inner = shape.layers * block + shape.width
    return {
        "without_embeddings": inner,
        "with_embeddings": inner + (VOCABULARY + shape.context) * shape.width,
    }
