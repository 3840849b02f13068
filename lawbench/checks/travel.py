"""Checks that a law and its fits survive the way to another process or to a file."""

from __future__ import annotations

import json
import pickle

import numpy as np

from lawbench.checks.samples import draw, reference, sample_runs, stacked
from lawbench.fitting.result import predictions
from lawbench.law import Law


def check_pickle(law: type[Law]) -> None:
    """A pickled law, and a pickled fit, predict what they did."""
    model = law()
    x, p = stacked(model, sample_runs()), draw(model, 1)[0]
    twin = pickle.loads(pickle.dumps(model))
    assert np.array_equal(twin.predict(p, x), model.predict(p, x)), "a pickled law predicts otherwise"
    known = reference(law)
    pairs = zip(pickle.loads(pickle.dumps(known.fit)).predict(known.runs), known.fit.predict(known.runs), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs), "a pickled fit predicts otherwise"


def check_json(law: type[Law]) -> None:
    """The JSON of a fit holds all that a prediction needs."""
    known = reference(law)
    written = json.loads(known.fit.to_json())
    assert written["law"] == law.name, f"the JSON of a fit names law '{written['law']}'"
    read = predictions(law(**written["options"]), written["params"], known.runs)
    pairs = zip(read, known.fit.predict(known.runs), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs), "a fit read from its JSON predicts otherwise"
