"""The bound on the last iterate of subgradient descent on a convex function, as a function of the schedule."""

from __future__ import annotations

import numpy as np

from lawbench.points import IntArray
from lawbench.schedule import FloatArray


def last_iterate_bound(rates: FloatArray, steps: IntArray) -> tuple[FloatArray, FloatArray]:
    r"""Return the two parts of the bound for the schedule cut off after each logged step.

    With rates :math:`\eta_1, \dots, \eta_t`, distance :math:`D` to the optimum and gradients of
    norm at most :math:`G`, the bound is

    .. math::
        \Omega_t = \frac{D^2}{2 \sum_j \eta_j} + \frac{G^2 \sum_j \eta_j^2}{2 \sum_j \eta_j}
        + \frac{G^2}{2} \sum_{k < t} \frac{\eta_k}{\sum_{j > k} \eta_j}
          \frac{\sum_{j \ge k} \eta_j^2}{\sum_{j \ge k} \eta_j}

    The first term is :math:`D^2` times the first part returned. Summed by parts, the other two are
    :math:`G^2` times the second:

    .. math:: \frac{1}{2} \left( \eta_t + \sum_{k < t} \frac{\eta_k^2}{\sum_{j > k} \eta_j} \right)

    A step at rate 0 moves nothing and is left out; before the first step that moves, both are infinite.

    Parameters
    ----------
    rates : ndarray, shape (T,)
        Rate at every step.
    steps : ndarray of int, shape (n,)
        Logged steps.

    Returns
    -------
    start, noise : ndarray, shape (n,)
        In units of 1/(lr step) and of lr. It costs one pass over the rates so far a logged step.

    References
    ----------
    Defazio et al. 2023; Schaipp et al., ICML 2025, arXiv 2501.18965.

    Examples
    --------
    >>> start, noise = last_iterate_bound(np.array([1.0, 1.0, 1.0, 0.5, 0.25]), np.array([0, 2, 4]))
    >>> start.round(6).tolist(), noise.round(6).tolist()
    ([0.5, 0.166667, 0.133333], [0.5, 1.25, 1.759199])
    """
    moving = rates[rates > 0.0]
    squares = moving**2
    noise = np.full(steps.size, np.inf)
    for i, last in enumerate(np.cumsum(rates > 0.0)[steps] - 1):
        if last < 0:
            continue
        # Sums of the later rates for k = t-1, t-2, .., 1: added up backwards, none is a difference.
        later = np.cumsum(moving[last:0:-1])
        noise[i] = 0.5 * (moving[last] + (squares[:last][::-1] / later).sum())
    with np.errstate(divide="ignore"):
        return 0.5 / np.cumsum(rates)[steps], noise
