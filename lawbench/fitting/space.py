"""The free parameters of a fit: bounds, held values, ties, and the coordinates of the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lawbench.errors import InputError, unknown
from lawbench.law import Law, Parameter
from lawbench.schedule import FloatArray


@dataclass(frozen=True)
class Tie:
    """An lmfit-style expression that gives a parameter from the others."""

    law: str
    expression: str

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Return the value, real or complex, one number or an array.

        Raises
        ------
        InputError
            If the expression cannot be evaluated.
        """
        from asteval import Interpreter

        # 'lambda' is a parameter of a law and a word of Python.
        symbols = {name + "_" if name == "lambda" else name: value for name, value in values.items()}
        interpreter = Interpreter(user_symbols=symbols, minimal=True, use_numpy=True)
        out = interpreter(self.expression, show_errors=False)
        if interpreter.error:
            reason = interpreter.error[0].get_error()[1]
            raise InputError(f"expression '{self.expression}' of law '{self.law}' cannot be evaluated: {reason}.")
        return out


@dataclass(frozen=True)
class Space:
    """Coordinates in which a law is searched: logarithms of amplitudes, the rest as it is.

    Attributes
    ----------
    parameters : tuple of Parameter
        All parameters of the law, with the bounds of this fit.
    free : ndarray of int
        Positions of the free ones.
    held : mapping
        Values of the held ones.
    ties : mapping
        Expressions that give the tied ones from the others, in the order to evaluate them.
    """

    parameters: tuple[Parameter, ...]
    free: NDArray[np.intp]
    held: Mapping[str, float]
    ties: Mapping[str, Tie]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free parameters."""
        return tuple(self.parameters[i].name for i in self.free)

    @property
    def is_log(self) -> NDArray[np.bool_]:
        """Whether a free parameter is searched in its logarithm."""
        return np.array([self.parameters[i].scale == "log" for i in self.free], dtype=bool)

    @property
    def low(self) -> FloatArray:
        """Lower bounds of the coordinates."""
        return self.coordinates(np.array([p.min for p in self.parameters]))

    @property
    def high(self) -> FloatArray:
        """Upper bounds of the coordinates."""
        return self.coordinates(np.array([p.max for p in self.parameters]))

    def coordinates(self, values: FloatArray) -> FloatArray:
        """Return the coordinates of parameter vectors, shape (..., k) to (..., free)."""
        free = np.asarray(values, dtype=np.float64)[..., self.free]
        with np.errstate(divide="ignore"):
            return np.where(self.is_log, np.log(np.maximum(free, 1e-300)), free)

    def values(self, theta: NDArray[Any]) -> NDArray[Any]:
        """Return parameter vectors, shape (..., free) to (..., k); held and tied ones filled in."""
        theta = np.asarray(theta)
        out = np.empty((*theta.shape[:-1], len(self.parameters)), dtype=theta.dtype)
        free = np.where(self.is_log, np.exp(np.where(self.is_log, theta, 0.0)), theta)
        out[..., self.free] = free
        position = {p.name: i for i, p in enumerate(self.parameters)}
        for name, value in self.held.items():
            out[..., position[name]] = value
        for name, tie in self.ties.items():
            out[..., position[name]] = tie({n: out[..., i] for n, i in position.items()})
        return out

    def pull_back(self, theta: FloatArray, jacobian: FloatArray) -> FloatArray:
        """Turn derivatives by parameters (..., k, n) into derivatives by coordinates (..., free, n)."""
        values = self.values(theta)
        scale = np.where(self.is_log, values[..., self.free], 1.0)
        out = jacobian[..., self.free, :] * scale[..., None]
        for j in range(self.free.size) if self.ties else ():
            step = np.zeros(theta.shape, dtype=np.complex128)
            step[..., j] = 1e-30j
            moved = self.values(theta + step).imag / 1e-30
            moved[..., self.free] = 0.0
            out[..., j, :] += np.einsum("...k,...kn->...n", moved, jacobian)
        return np.asarray(out)


def space_of(law: Law, params: Any = None) -> Space:
    """Return the search space of a law, changed by what a user asks for.

    Parameters
    ----------
    law : Law
    params : lmfit.Parameters or mapping, optional
        Per parameter a value to hold, or an `lmfit.Parameter`, or a mapping with any of
        ``value``, ``min``, ``max``, ``vary``, ``expr``.

    Raises
    ------
    UnknownNameError, InputError
        For a parameter that the law does not have, or bounds that leave nothing.
    """
    declared = {p.name: p for p in law.parameters}
    held: dict[str, float] = {}
    ties: dict[str, Tie] = {}
    for given, wish in _wishes(params).items():
        name = given if given in declared else given.rstrip("_")
        if name not in declared:
            raise unknown(f"parameter of law '{law.name}'", given, declared)
        if wish.get("expr"):
            ties[name] = Tie(law.name, str(wish["expr"]))
            continue
        if wish.get("vary") is False:
            held[name] = float(wish["value"])
            continue
        low, high = wish.get("min"), wish.get("max")
        one = declared[name]
        one = replace(
            one,
            min=one.min if low is None else float(low),
            max=one.max if high is None else float(high),
            start=one.start if wish.get("value") is None else float(wish["value"]),
        )
        if not one.min < one.max or (one.scale == "log" and one.max <= 0):
            raise InputError(f"parameter '{name}' of law '{law.name}' has no room between {one.min} and {one.max}.")
        declared[name] = one
    free = [i for i, name in enumerate(declared) if name not in held and name not in ties]
    return Space(tuple(declared.values()), np.array(free, dtype=np.intp), held, ties)


def _wishes(params: Any) -> dict[str, dict[str, Any]]:
    """Bring lmfit parameters and plain mappings to one form; unlimited lmfit bounds mean the law's own."""
    wishes: dict[str, dict[str, Any]] = {}
    for name, wish in (params or {}).items():
        if isinstance(wish, Mapping):
            odd = set(wish) - {"value", "min", "max", "vary", "expr"}
            if odd:
                raise unknown(f"setting of parameter '{name}'", sorted(odd)[0], ("value", "min", "max", "vary", "expr"))
            wishes[name] = dict(wish)
        elif hasattr(wish, "vary"):
            wishes[name] = {
                "value": wish.value,
                "min": wish.min if np.isfinite(wish.min) else None,
                "max": wish.max if np.isfinite(wish.max) else None,
                "vary": wish.vary or bool(wish.expr),
                "expr": wish.expr,
            }
        else:
            wishes[name] = {"value": float(wish), "vary": False}
        if wishes[name].get("vary") is False and wishes[name].get("value") is None:
            raise InputError(f"parameter '{name}' is held but has no value: give one.")
    return wishes
