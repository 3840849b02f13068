"""The base of what is read from a file that people write: cards, results from elsewhere, the ledger."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A table in which an unknown key is an error, and which nobody changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
