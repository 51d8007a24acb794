"""The stage ``prompts``: one file of prompts for each strategy."""

import logging
import math
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from prism.artifacts import WorkClock, hash_of, progress_dir, read_json, sha256_file, write_json, write_manifest
from prism.config import Config, PromptsConfig
from prism.data.classes import ClassList, load_classes
from prism.data.prompts import PromptRecord, write_prompt_file
from prism.devices import arithmetic, pick_device, pick_precision, run_facts
from prism.errors import PrismError
from prism.models.language import Engine, TransformersEngine
from prism.models.language_server import OpenAIEngine
from prism.progress import ProgressBar
from prism.prompts import REVISION
from prism.prompts.grammar import short_gloss
from prism.prompts.jobs import TEMPLATES, Plan, PromptClass
from prism.prompts.length import token_budget
from prism.prompts.strategies import Strategy
from prism.prompts.tally import Tally
from prism.prompts.writer import Sampling, Writer
from prism.seeds import derive

log = logging.getLogger(__name__)

MANY_FALLBACKS = 0.1
_LINE_TOKENS = 48  # a caption with a dictionary's gloss in it
_LINES_PER_REQUEST = 4  # at most; later lines of long lists repeat the first


def write_prompts(config: Config, strategy: str, output: Path, *, warn_above: float = MANY_FALLBACKS) -> None:
    """Write ``output``, the ``.jsonl`` file of ``strategy``, and its manifest beside it (``.json``).

    Args:
        config: the resolved configuration.
        strategy: a name of ``config.strategies``.
        output: the prompt file. A run that was stopped goes on after the last class that it finished.
        warn_above: share of the lines asked of a language model that templates may fill without a warning.

    Raises:
        PrismError: the classes, the text encoder's tokenizer or the language model cannot be used.
    """
    started, output = time.monotonic(), Path(output)
    recipe = config.recipe("prompts", strategy=strategy)
    classes = prompt_classes(load_classes(config.classes))
    per_class = config.prompts_per_class(strategy)
    contents = min(config.prompts.per_class, per_class)
    writer = _writer(config, strategy, len(classes))
    runs_here = isinstance(writer.engine, TransformersEngine)
    where = (writer.engine.model.device, writer.engine.model.dtype) if runs_here else (None, None)
    # Saved parts are those of this very recipe, arithmetic and batch or they are not used.
    identity = {"recipe": recipe, "revision": REVISION, "classes": [asdict(spec) for spec in classes]}
    saved_as = hash_of({**identity, "run": [config.prompts.batch, arithmetic(*where)] if runs_here else []})
    clock = WorkClock(progress_dir(output) / f"{saved_as}.seconds", started)
    records, tally = [], Tally()
    for part in ProgressBar(_parts(classes, contents, writer), desc=f"prompts {strategy}", unit="part", disable=None):
        progress = progress_dir(output) / f"{part[0].index:05d}-{part[-1].index:05d}.json"
        done = _load(progress, saved_as)
        found, counts = done or writer.write(part, per_class, contents)
        if done is None and writer.engine is not None:
            saved = {
                "saved_as": saved_as,
                "records": [r.model_dump() for r in found],
                "tally": counts.as_dict(),
            }
            write_json(progress, saved)
            clock.save()
        records += found
        tally.add(counts)
    if tally.asked and tally.fallback > warn_above * tally.wanted:
        log.warning(
            "prompts %s: the language model wrote no good line for %d of %d contents; templates fill them",
            strategy,
            tally.fallback,
            tally.wanted,
        )
    write_prompt_file(output, records)
    write_manifest(
        output.with_suffix(".json"),
        stage="prompts",
        recipe=recipe,
        revision=REVISION,
        inputs={"classes": sha256_file(config.classes)},
        models=_weights(config.prompts) if writer.engine is not None else {},
        outputs=[output],
        count=len(records),
        details={
            "engine": writer.engine_name,
            "max_tokens": writer.budget.max_tokens,
            "lines": tally.as_dict(),
        },
        run=run_facts(clock.seconds, len(records), *where),
    )
    shutil.rmtree(progress_dir(output), ignore_errors=True)


def prompt_classes(classes: ClassList) -> list[PromptClass]:
    """The classes, glosses cut to what fits into a prompt, with the glosses of their names' other senses."""
    return [
        PromptClass(
            index=spec.index,
            name=spec.name,
            sense=spec.sense,
            gloss=short_gloss(spec.gloss),
            other_glosses=tuple(
                short_gloss(other.gloss)
                for other in classes
                if other.index != spec.index and other.name.casefold() == spec.name.casefold()
            ),
        )
        for spec in classes
    ]


def open_engine(config: Config) -> Engine | None:
    """The configured language model; ``None`` for templates.

    Raises:
        ModelError, EngineError: it cannot be loaded, or its address is none.
    """
    settings = config.prompts
    if settings.engine == "transformers":
        device = pick_device(config.device)
        dtype = pick_precision(config.precision, device)
        return TransformersEngine(settings.model, revision=settings.revision, device=device, dtype=dtype)
    if settings.engine == "openai":
        return OpenAIEngine(settings.model, base_url=settings.base_url)
    return None


def _writer(config: Config, strategy: str, classes: int) -> Writer:
    switches, settings = config.strategies[strategy], config.prompts
    engine = open_engine(config) if switches.contents else None
    return Writer(
        plan=Plan(
            strategy=Strategy(
                switches.senses,
                switches.contents,
                switches.styles,
                settings.photo_share,
                named=switches.named,
                token=switches.token,
            ),
            seed=derive(config.seed, "prompts", settings.seed if switches.diversified else 0),
            styles=tuple(settings.styles),
        ),
        budget=token_budget(config.diffusion.pipeline, config.diffusion.revision, classes if switches.token else 0),
        engine=engine,
        engine_name=settings.engine if engine is not None else TEMPLATES,
        sampling=Sampling(
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            batch=settings.batch,
            retries=settings.retries,
            lines_per_request=max(1, min(_LINES_PER_REQUEST, settings.max_new_tokens // _LINE_TOKENS)),
        ),
    )


def _parts(classes: list[PromptClass], contents: int, writer: Writer) -> list[list[PromptClass]]:
    """The classes in parts that fill a batch of requests; all at once where no language model is asked."""
    requests = math.ceil(contents / writer.sampling.lines_per_request)
    size = len(classes) if writer.engine is None else max(1, writer.sampling.batch // requests)
    return [classes[start : start + size] for start in range(0, len(classes), size)]


def _load(progress: Path, saved_as: str) -> tuple[list[PromptRecord], Tally] | None:
    """A part that an earlier run finished, if it is of this recipe and whole."""
    try:
        saved = read_json(progress)
        if saved["saved_as"] != saved_as:
            return None
        return [PromptRecord.model_validate(record) for record in saved["records"]], Tally.from_dict(saved["tally"])
    except (OSError, PrismError, ValueError, LookupError, TypeError):
        return None


def _weights(settings: PromptsConfig) -> dict[str, str]:
    """Hashes of a local model's weights, or the revision of another."""
    folder = Path(settings.model)
    if settings.engine == "transformers" and folder.is_dir():
        return {path.name: sha256_file(path) for path in sorted(folder.glob("*.safetensors"))}
    return {settings.model: settings.revision or "unknown"}
