"""How results that were not computed here are marked, wherever they are shown."""

from __future__ import annotations

CONTRIBUTED = "contributed"
"""The recipe of an entry whose predictions came from elsewhere, so that its label ends in ``@contributed``."""
