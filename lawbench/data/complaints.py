"""Say in one sentence what is wrong with a card: the key, the reason, the fix."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from lawbench.errors import unknown


def sentence(error: ValidationError, schema: type[BaseModel], place: str = "card.toml") -> str:
    """Say what is wrong with the first bad key, and how to correct it."""
    first = error.errors()[0]
    where = [part for part in first["loc"] if part != "function-after"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
    if first["type"] == "extra_forbidden":
        return str(unknown("key", key, _known_beside(where, schema)))
    if first["type"] == "missing":
        return f"the key '{key}' is missing: add it."
    reason = first["msg"].removeprefix("Value error, ").rstrip(".")
    given = first.get("input")
    shown = f" (got {given!r})" if isinstance(given, str | int | float | bool) else ""
    at = f"the key '{key}': " if key else ""
    return f"{at}{reason}{shown}: correct it in {place}."


def _known_beside(where: list[int | str], schema: type[BaseModel]) -> list[str]:
    """List the keys that the table around an unknown key may have."""
    model: Any = schema
    path = [part for part in where[:-1] if isinstance(part, str)]
    for part in path:
        fields = getattr(model, "model_fields", {})
        model = _model_in(fields[part].annotation) if part in fields else model
        if model is None:
            return []
    prefix = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where[:-1]).lstrip(".")
    names = [info.alias or name for name, info in model.model_fields.items()]
    return [f"{prefix}.{name}" if prefix else name for name in names]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
