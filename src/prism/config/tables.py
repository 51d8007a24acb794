"""Section ``tables``: what is written at the end, and from which stages' results."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from prism.config.base import Problem, Section, Slug, problems
from prism.config.names import FIGURES, TABLES, Results, hint


class SettingConfig(Section):
    """Which of the papers' numbers stand beside ours; names as in the published files."""

    dataset: str = Field(default="ImageNet-1K", description="Data set, as ImageNet-1K.")
    teacher: str = Field(default="ResNet-34", description="Teacher, as ResNet-34.")
    student: str = Field(default="ResNet-18", description="Student, as ResNet-18.")


class TablesConfig(Section):
    """All tables and figures, and the papers' numbers; `tables_file` holds what is the same for all runs."""

    published: Path | None = Field(
        default=None, description="The papers' numbers: a CSV file or a folder of them; null for none."
    )
    setting: SettingConfig = Field(
        default_factory=SettingConfig, description="Which of the papers' numbers stand beside ours."
    )
    tables: dict[Slug, list[Results]] = Field(
        default={}, description="Tables by name, with the results that fill them."
    )
    figures: dict[Slug, list[Results]] = Field(
        default={}, description="Figures by name, with the results that they show."
    )
    replicates: list[Slug] = Field(
        default=[],
        description="Finished experiments that differ from this one in `seed` alone: further images for table claims.",
    )

    @model_validator(mode="after")
    def _names_are_known(self) -> TablesConfig:
        found: list[Problem] = []
        for key, named, known in (("tables", self.tables, TABLES), ("figures", self.figures, FIGURES)):
            found += [
                (f"{key}.{name}", f"there is none of that name; {hint(name, known)}")
                for name in named
                if name not in known
            ]
        if found:
            raise problems(*found)
        return self
