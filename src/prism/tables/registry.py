"""The tables and figures by name: what a user writes in a target, and what makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from prism.tables import (
    ablation,
    accuracy,
    claims,
    cost,
    dataset_distillation,
    energy_histograms,
    generalization,
    images,
    learning_curves,
    precision_recall,
    pruning,
    quality,
)
from prism.tables.context import Context
from prism.tables.render import Table

TABLES: dict[str, Callable[[pd.DataFrame, Context], Table]] = {
    "accuracy": accuracy.build,
    "quality": quality.build,
    "ablation": ablation.build,
    "generalization": generalization.build,
    "cost": cost.build,
    "pruning": pruning.build,
    "claims": claims.build,
    "dataset-distillation": dataset_distillation.build,
}

FIGURES: dict[str, Callable[[Iterable[Path], Context], Figure]] = {
    "images": images.from_files,
    "precision-recall": precision_recall.from_files,
    "learning-curves": learning_curves.from_files,
    "pruning-curve": pruning.from_files,
    "energy-histograms": energy_histograms.from_files,
}
