"""Why files of a model could not be loaded, in one line that says what would be right."""

from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

from prism.errors import ModelError


def refusal(key: str, source: str | Path, error: Exception) -> ModelError:
    """For a folder, or a model of the hub, from which a library could not load ``key``."""
    if out_of_reach(error):
        return ModelError(
            f"{key}: the hub cannot be reached and its cache {HF_HUB_CACHE} has not all files of {source}; name a "
            f"local folder with safetensors weights, or fill the cache where there is a network (hf download {source})"
        )
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(
        f"{key}: {source} cannot be loaded ({reason}); a folder with safetensors weights or a hub id is needed"
    )


def out_of_reach(error: BaseException | None) -> bool:
    """Whether the hub's client found neither the network nor its cache: libraries wrap what it says."""
    if error is None or isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled):
        return error is not None
    return out_of_reach(error.__cause__) or out_of_reach(error.__context__)
