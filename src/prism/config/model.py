"""The whole configuration: one tree of sections, checked across sections."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from prism.config import budgets, recipes
from prism.config.base import Section, Slug, problems
from prism.config.checks import cross_checks
from prism.config.claims import ClaimConfig
from prism.config.diffusion import DiffusionConfig
from prism.config.distillation import DistillationConfig
from prism.config.evaluation import EvaluationConfig
from prism.config.generalization import GeneralizationConfig
from prism.config.jobs import JobsConfig
from prism.config.methods import MethodConfig
from prism.config.plan import PlanConfig
from prism.config.prompts import PromptsConfig, StrategyConfig
from prism.config.pruning import PruningConfig
from prism.config.students import StudentConfig
from prism.config.synthesis import SynthesisConfig
from prism.config.tables import TablesConfig
from prism.config.teacher import TeacherConfig
from prism.config.tokens import TokensConfig
from prism.config.zoo import ZooConfig

DATA_ROOT = "{data_root}"


class Config(Section):
    """Everything a run depends on. Relative paths start at the folder that the workflow runs in."""

    experiment: Slug = Field(description="Name of the experiment; results go to results/<experiment>.")
    seed: int = Field(default=0, ge=0, description="The run's seed; every image and student derives its own from it.")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where models run; auto prefers cuda.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="Arithmetic of the large models; auto is bf16 on cuda and fp32 on cpu."
    )
    threads_per_job: int = Field(default=1, ge=1, le=256, description="CPU threads of one job.")
    data_root: str = Field(default=".", min_length=1, description="What {data_root} in any path stands for.")
    methods_file: Path | None = Field(
        default=None, description="YAML file of methods, beneath those in `methods`; null for none."
    )
    tables_file: Path | None = Field(
        default=None,
        description="YAML file of tables and figures, beneath what `tables` says; null for none.",
    )
    claims_file: Path | None = Field(
        default=None, description="YAML file of claims, beneath those in `claims`; null for none."
    )
    classes: Path = Field(description="Class list, a YAML file: names with the sense that is meant.")
    teacher: TeacherConfig = Field(description="The classifier whose training data is gone.")
    teachers: dict[Slug, TeacherConfig] = Field(
        default={}, description="Further teachers by name, for methods that use several; null removes one."
    )
    students: dict[Slug, StudentConfig] = Field(
        min_length=1, description="The students; null removes one of the default."
    )
    diffusion: DiffusionConfig = Field(description="The text-to-image model.")
    prompts: PromptsConfig = Field(default_factory=PromptsConfig, description="Who writes the prompts.")
    strategies: dict[Slug, StrategyConfig] = Field(description="Kinds of prompts, by name.")
    tokens: TokensConfig = Field(
        default_factory=TokensConfig, description="How the learned words of strategies with `token` are learned."
    )
    synthesis: SynthesisConfig = Field(description="How many images.")
    methods: dict[Slug, MethodConfig] = Field(
        min_length=1, description="Methods by name, beside those of methods_file."
    )
    run: list[Slug] = Field(min_length=1, description="The methods that are run, in the order of the tables' rows.")
    evaluation: EvaluationConfig = Field(description="How the images are measured.")
    distillation: DistillationConfig = Field(default_factory=DistillationConfig, description="How students learn.")
    generalization: GeneralizationConfig = Field(description="Where students are tested.")
    pruning: PruningConfig | None = Field(
        default=None, description="The teacher pruned and fine-tuned on each method's images; null for no such stage."
    )
    claims: dict[Slug, ClaimConfig] = Field(
        default={}, description="The papers' statements, each put to the test; null removes one of claims_file."
    )
    tables: TablesConfig = Field(default_factory=TablesConfig, description="What is written at the end.")
    jobs: JobsConfig = Field(default_factory=JobsConfig, description="What a job of each stage asks of the machine.")
    plan: PlanConfig = Field(default_factory=PlanConfig, description="How the cost is estimated beforehand.")
    zoo: ZooConfig = Field(
        default_factory=ZooConfig, description="The pretrained models that the target zoo trains from nothing."
    )

    @model_validator(mode="before")
    @classmethod
    def _prepared(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return without_removed(_filled(given, str(given.get("data_root", "."))))

    @model_validator(mode="after")
    def _sections_agree(self) -> Config:
        found = cross_checks(self)
        if found:
            raise problems(*found)
        return self

    def recipe(
        self, stage: str, method: str | None = None, student: str | None = None, strategy: str | None = None
    ) -> dict[str, Any]:
        """The slice of the configuration that a stage's results depend on, and nothing else.

        Ready for JSON. Labels, device, threads and batch sizes (but that of training) are no part of it.
        Paths below ``data_root`` are written relative to it, so that data may move.

        Args:
            stage: prompts, tokens (need ``strategy``), synthesis, inversion, evaluation, relabelling (need
                ``method``), distillation (needs ``method`` and ``student``), generalization, pruning (needs
                ``method``), tables, claims (the table of that name) or zoo.
            method: a name of ``methods``.
            student: a name of ``students``.
            strategy: a name of ``strategies``.

        Raises:
            ValueError: a name is missing or unknown.
        """
        slice_ = recipes.recipe(self, stage, method=method, student=student, strategy=strategy)
        return _relative(slice_, self.data_root)

    def images_per_class(self, method: str) -> int:
        """Images of each class that a method makes: its own number, or that of ``synthesis``."""
        return budgets.images_per_class(self, method)

    def shards(self, method: str) -> int:
        """Files of a method's images: ``synthesis.shards``, or the largest number below that divides its images and
        leaves in each as many images of a class as ``inversion.classes_per_batch`` makes room for.
        """
        return budgets.shards(self, method)

    def prompts_per_class(self, strategy: str) -> int:
        """Prompts of each class: enough for every method of ``run`` with that strategy, which take the first ones."""
        return budgets.prompts_per_class(self, strategy)

    def evaluated(self, method: str) -> bool:
        """Whether a method's images are measured: False where it asks for too few for ``evaluation.k`` neighbours."""
        return budgets.evaluated(self, method)

    def label_teachers(self, method: str) -> list[TeacherConfig]:
        """The teachers whose soft labels a method stores, the experiment's first; none without ``relabel``."""
        return budgets.label_teachers(self, method)

    @property
    def further_teachers(self) -> dict[str, TeacherConfig]:
        """Those of ``teachers`` if any method of ``run`` asks them; none otherwise."""
        return budgets.further_teachers(self)

    def label_epochs(self, method: str) -> int:
        """Epochs for which a method stores soft labels; 0 without ``relabel``."""
        return budgets.label_epochs(self, method)

    def training(self, method: str) -> DistillationConfig:
        """The section ``distillation`` with what a method's ``relabel.training`` says otherwise."""
        return budgets.training(self, method)

    def gpus(self, stage: str) -> int:
        """GPUs that a job of a stage asks for."""
        given: int | None = getattr(self.jobs, stage).gpu
        return given if given is not None else 0 if self.device == "cpu" else 1

    def threads(self, stage: str) -> int:
        """CPU threads that a job of a stage asks for."""
        return getattr(self.jobs, stage).threads or self.threads_per_job

    def label(self, method: str) -> str:
        """A method's name for people, with its number of images where that is its own."""
        chosen = self.methods[method]
        own = chosen.images_per_class
        return self.family(method) + ("" if own is None else f", {own} per class")

    def family(self, method: str) -> str:
        """What methods that differ in their number of images alone have in common: label, or key without -ipc<n>."""
        chosen = self.methods[method]
        return chosen.label or method.removesuffix(f"-ipc{chosen.images_per_class}")

    def learns_token(self, method: str) -> bool:
        """Whether the prompts of a method name learned tokens; False for a method that is not known."""
        prompts = self.methods[method].prompts if method in self.methods else None
        return prompts in self.strategies and self.strategies[prompts].token

    def dump(self) -> dict[str, Any]:
        """The resolved configuration, ready for JSON; ``load_config`` reads it back to an equal one."""
        return self.model_dump(mode="json")


def without_removed(given: dict[str, Any]) -> dict[str, Any]:
    """A copy without the entries that are null, of teachers, students, strategies, methods, claims, domains, tables
    and figures."""
    copy = dict(given)
    for key in ("teachers", "students", "strategies", "methods", "claims"):
        if key in copy:
            copy[key] = _without_null(copy[key])
    for section, key in (("generalization", "domains"), ("tables", "tables"), ("tables", "figures")):
        if isinstance(copy.get(section), dict) and key in copy[section]:
            copy[section] = {**copy[section], key: _without_null(copy[section][key])}
    return copy


def _without_null(entries: Any) -> Any:
    return (
        {name: entry for name, entry in entries.items() if entry is not None} if isinstance(entries, dict) else entries
    )


def _filled(value: Any, data_root: str) -> Any:
    if isinstance(value, str):
        return value.replace(DATA_ROOT, data_root.rstrip("/") or "/")
    if isinstance(value, dict):
        return {key: _filled(entry, data_root) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(entry, data_root) for entry in value]
    return value


def _relative(value: Any, data_root: str) -> Any:
    prefix = data_root.rstrip("/") + "/"
    if isinstance(value, str) and prefix != "./" and value.startswith(prefix):
        return f"{DATA_ROOT}/{value.removeprefix(prefix)}"
    if isinstance(value, dict):
        return {key: _relative(entry, data_root) for key, entry in value.items()}
    if isinstance(value, list):
        return [_relative(entry, data_root) for entry in value]
    return value
