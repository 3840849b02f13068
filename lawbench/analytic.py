"""Functions for formulas of laws that neither overflow nor lose a complex step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softplus(z: NDArray[Any]) -> NDArray[Any]:
    """Return ``log(1 + exp(z))``, real or complex.

    Its derivative is `sigmoid`.

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(6).tolist()
    [0.0, 0.693147, 1000.0]
    """
    up = np.real(z) > 0
    out: NDArray[Any] = np.where(up, z, 0.0) + np.log1p(np.exp(np.where(up, -z, z)))
    return out


def sigmoid(z: NDArray[Any]) -> NDArray[Any]:
    """Return ``1 / (1 + exp(-z))``, real or complex.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    up = np.real(z) > 0
    small = np.exp(np.where(up, -z, z))
    out: NDArray[Any] = np.where(up, 1.0, small) / (1.0 + small)
    return out
