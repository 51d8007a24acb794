"""The numbers of an experiment in one JSON file, for programs and for comparing runs (``dvc metrics diff``)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from prism.tables.context import PERCENT, Context, methods_of
from prism.tables.quality import COLUMNS

_DIGITS = 4


def summary(frame: pd.DataFrame, context: Context) -> dict[str, dict[str, Any]]:
    """Means over seeds by method: ``accuracy`` and ``generalization`` (other domains) in % by student, and each metric
    of the images.
    """
    found: dict[str, dict[str, Any]] = {}
    accuracies = frame[frame["metric"] == "accuracy"]
    trained = accuracies[accuracies["stage"] == "distillation"]
    elsewhere = accuracies[accuracies["domain"].isin(context.other_domains) & (accuracies["stage"] == "generalization")]
    images = frame[frame["stage"] == "evaluation"]
    for method in methods_of(frame[frame["stage"].isin(("distillation", "generalization", "evaluation"))], context):
        numbers: dict[str, Any] = {}
        for name, scores in (("accuracy", trained), ("generalization", elsewhere)):
            means = scores[scores["method"] == method].groupby("student")["value"].mean() * PERCENT
            if len(means):
                numbers[name] = {str(student): round(float(value), _DIGITS) for student, value in means.items()}
        own = images[images["method"] == method]
        for column in COLUMNS:
            values = own[own["metric"] == column.key]["value"]
            if len(values):
                numbers[column.key] = round(float(values.mean()), _DIGITS)
        found[method] = numbers
    return found
