"""What is wanted: a typed configuration, read from YAML, checked before anything runs. Needs no torch."""

from prism.config.base import is_hub_id, split_archive
from prism.config.checks import check_batches
from prism.config.claims import ClaimConfig
from prism.config.diffusion import DiffusionConfig
from prism.config.distillation import AugmentConfig, DistillationConfig
from prism.config.evaluation import EvaluationConfig, ExtractorConfig
from prism.config.generalization import GeneralizationConfig
from prism.config.inversion import AdaptiveConfig, GrowthConfig, InversionConfig
from prism.config.load import load_config, validate, validate_snakemake_config
from prism.config.methods import CutMixConfig, GuidanceTerm, InterleavedStudentConfig, MethodConfig, SelectConfig
from prism.config.model import Config
from prism.config.paths import check_paths
from prism.config.prompts import PromptsConfig, StrategyConfig
from prism.config.pruning import PruningConfig
from prism.config.relabelling import LabelTeacher, LabelTraining, RelabelConfig
from prism.config.students import StudentConfig
from prism.config.synthesis import SynthesisConfig
from prism.config.tables import SettingConfig, TablesConfig
from prism.config.teacher import TeacherConfig
from prism.config.tokens import TokensConfig
from prism.config.zoo import ZooConfig, ZooStepsConfig

__all__ = [
    "AdaptiveConfig",
    "AugmentConfig",
    "ClaimConfig",
    "Config",
    "CutMixConfig",
    "DiffusionConfig",
    "DistillationConfig",
    "EvaluationConfig",
    "ExtractorConfig",
    "GeneralizationConfig",
    "GrowthConfig",
    "GuidanceTerm",
    "InterleavedStudentConfig",
    "InversionConfig",
    "LabelTeacher",
    "LabelTraining",
    "MethodConfig",
    "PromptsConfig",
    "PruningConfig",
    "RelabelConfig",
    "SelectConfig",
    "SettingConfig",
    "StrategyConfig",
    "StudentConfig",
    "SynthesisConfig",
    "TablesConfig",
    "TeacherConfig",
    "TokensConfig",
    "ZooConfig",
    "ZooStepsConfig",
    "check_batches",
    "check_paths",
    "is_hub_id",
    "load_config",
    "split_archive",
    "validate",
    "validate_snakemake_config",
]
