"""Where results are: the files of an experiment, by the names in its configuration.

The rules of the workflow write these files, programs that read many of them find them here: a list of thousands
would not fit on a command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prism.config.model import Config


class Layout:
    """The files of an experiment.

    Args:
        config: the configuration.
        root: the folder of results; results/<experiment> if None.
    """

    def __init__(self, config: Config, root: str | None = None) -> None:
        self.config = config
        self.root = root or f"results/{config.experiment}"
        self.generated = [name for name in config.run if config.methods[name].engine != "real"]
        used = {config.methods[name].prompts for name in self.generated}
        self.strategies = [name for name in sorted(config.strategies) if name in used]

    def prompts(self, strategy: str, suffix: str = "jsonl") -> str:
        """The prompts of a strategy; with the suffix json their manifest."""
        return f"{self.root}/prompts/{strategy}.{suffix}"

    def tokens(self, strategy: str, suffix: str = "safetensors") -> str:
        """The learned tokens of a strategy; with the suffix json their manifest."""
        return f"{self.root}/tokens/{strategy}.{suffix}"

    def shards(self, method: str, suffix: str = "tar") -> list[str]:
        """The files of a method's images, or with the suffix json their manifests; none for real images."""
        count = self.config.shards(method) if self.config.methods[method].engine != "real" else 0
        return [f"{self.root}/synthesis/{method}/shard-{index:04d}.{suffix}" for index in range(count)]

    def competitor(self, method: str, suffix: str = "safetensors") -> str:
        """The student that an adaptive inversion competes with; with the suffix json its manifest."""
        return f"{self.root}/inversion/{method}/student.{suffix}"

    def evaluation(self, method: str) -> str:
        """The metrics of a method's images."""
        return f"{self.root}/evaluation/{method}.json"

    def labels(self, method: str, suffix: str = "safetensors") -> str:
        """The soft labels of a method; with the suffix json their manifest."""
        return f"{self.root}/relabelling/{method}.{suffix}"

    def students(self, method: str) -> list[str]:
        """The folders of a method's students, one for each network and seed."""
        seeds = self.config.distillation.seeds
        return [f"{self.root}/distillation/{method}/{name}/seed-{s}" for name in self.config.students for s in seeds]

    def scores(self, method: str) -> list[str]:
        """The accuracies of a method's students on other domains, in the order of ``students``."""
        return [folder.replace("/distillation/", "/generalization/", 1) + ".json" for folder in self.students(method)]

    def pruned(self, method: str) -> list[str]:
        """The folders of the teachers that were pruned and healed on a method's images; none without ``pruning``."""
        pruning = self.config.pruning
        if pruning is None or method not in (pruning.methods or self.config.run):
            return []
        seeds = pruning.seeds or self.config.distillation.seeds
        folder = f"{self.root}/pruning/{method}"
        return [f"{folder}/sparsity-{share:g}/seed-{seed}" for share in pruning.sparsities for seed in seeds]

    def results(self, kinds: Iterable[str]) -> list[str]:
        """The files of these kinds (``names.Results``) over all methods of ``run``, from which tables are made."""
        config, run = self.config, self.config.run
        tokens = [name for name in self.strategies if config.strategies[name].token]
        students = [folder for method in run for folder in self.students(method)]
        files = {
            "prompts": [self.prompts(name, "json") for name in self.strategies],
            "tokens": [self.tokens(name, "json") for name in tokens],
            "inversion": [self.competitor(method, "json") for method in self.generated if self._competes(method)],
            "synthesis": [file for method in self.generated for file in self.shards(method, "json")],
            "images": [self.shards(method)[0] for method in self.generated],  # each shard has all classes
            "evaluation": [self.evaluation(method) for method in run if config.evaluated(method)],
            "relabelling": [
                self.labels(method, "json") for method in run if config.methods[method].relabel is not None
            ],
            "distillation": [f"{folder}/{file}.json" for folder in students for file in ("metrics", "manifest")],
            "history": [f"{folder}/history.csv" for folder in students],
            "generalization": [file for method in run for file in self.scores(method)],
            "pruning": [f"{folder}/metrics.json" for method in run for folder in self.pruned(method)],
        }
        return [file for kind in kinds for file in files[kind]]

    def _competes(self, method: str) -> bool:
        inversion = self.config.methods[method].inversion
        return inversion is not None and inversion.adaptive is not None
