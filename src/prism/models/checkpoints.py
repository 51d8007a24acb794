"""Weights on disk: other people's are data that may be hostile, ours are safetensors that say what they are.

A file written by :func:`save_model` carries its architecture, classes and preprocessing, so
:func:`load_classifier` needs nothing else. Foreign files (safetensors, or a torch file read without
unpickling code) give plain tensors.
"""

from __future__ import annotations

import json
import os
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from prism.artifacts import atomic_path
from prism.documents import parse_json
from prism.errors import ModelError
from prism.models.classifiers import Network, build

_METADATA_KEY = "prism"  # one key holding JSON: safetensors does not keep the order of several
_REQUIRED = ("architecture", "num_classes", "size_px", "mean", "std")
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")


class Classifier(nn.Module):
    """A network together with its preprocessing: images in [0, 1] of any size go in, logits come out.

    Attributes:
        network: the bare network, which expects normalised images of ``size_px``.
        architecture, num_classes, size_px, mean, std: what :func:`save_model` needs to write it again.
        class_names: the names of the classes in the order of the logits; empty if the file has none.
        metadata: everything its file said about it.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: Network,
        *,
        architecture: str,
        num_classes: int,
        size_px: int,
        mean: Iterable[float],
        std: Iterable[float],
        class_names: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.architecture = architecture
        self.num_classes = num_classes
        self.size_px = size_px
        self.class_names = tuple(class_names)
        self.metadata = dict(metadata or {})
        self.register_buffer("mean", _channels("mean", mean), persistent=False)
        self.register_buffer("std", _channels("std", std), persistent=False)
        if bool((self.std <= 0).any()):
            raise ValueError(f"std={self.std.flatten().tolist()} must be positive")

    def preprocess(self, images: Tensor) -> Tensor:
        """Resize (antialiased, if the size differs) and normalise images (batch, 3, h, w) in [0, 1]."""
        if images.shape[-2:] != (self.size_px, self.size_px):
            size = (self.size_px, self.size_px)
            images = functional.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        return (images - self.mean.to(images.dtype)) / self.std.to(images.dtype)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of images (batch, 3, height, width) in [0, 1]."""
        return self.network(self.preprocess(images))

    def logits_and_features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Both from one pass over images in [0, 1]."""
        return self.network.logits_and_features(self.preprocess(images))


def load_weights(path: Path | str) -> dict[str, Tensor]:
    """Tensors of a safetensors file or a torch file, on the CPU, without the ``module.`` of data parallelism.

    A torch file is read with ``weights_only=True``: code in it is never run.

    Raises:
        ModelError: the file is missing, damaged, holds anything but tensors, or would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such file of weights")
    weights = _read_safetensors(path)[0] if path.suffix == ".safetensors" else _unwrap(_read_torch(path))
    named = {str(name).removeprefix("module."): value for name, value in weights.items()}
    tensors = {name: value for name, value in named.items() if isinstance(value, Tensor)}
    if not tensors:
        held = f" but {', '.join(list(named)[:5])}" if named else ""
        raise ModelError(f"{path}: holds no tensors{held}; a state dict of name to tensor is needed")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"{path}: {name} holds values that are not finite; the training that made it went wrong")
    return tensors


def read_metadata(path: Path | str) -> dict[str, Any]:
    """What :func:`save_model` wrote beside the weights; empty for a file of other origin.

    Raises:
        ModelError: the file is missing or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such file of weights")
    return _read_safetensors(path, tensors=False)[1] if path.suffix == ".safetensors" else {}


def save_model(path: Path | str, module: nn.Module, metadata: Mapping[str, Any]) -> None:
    """Write a network (or the network in a :class:`Classifier`) as safetensors, whole or not at all.

    Args:
        path: the file; the same weights and metadata give the same bytes.
        module: what to write.
        metadata: plain JSON with at least ``architecture, num_classes, size_px, mean, std``; ``class_names``
            where known.

    Raises:
        ValueError: a required key is missing.
    """
    missing = [key for key in _REQUIRED if key not in metadata]
    if missing:
        raise ValueError(f"metadata lacks {', '.join(missing)}; needed are {', '.join(_REQUIRED)}")
    network = module.network if isinstance(module, Classifier) else module
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    text = json.dumps(dict(metadata), sort_keys=True, allow_nan=False)
    payload = safetensors.torch.save(tensors, metadata={_METADATA_KEY: text})
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        Path(temporary).write_bytes(payload)


def load_classifier(path: Path | str, given: Mapping[str, Any] | None = None) -> Classifier:
    """The classifier in a file of weights, in evaluation mode, on the CPU.

    Args:
        path: a file of :func:`save_model`, or with ``given`` one of other origin.
        given: ``architecture, mean, std, size_px`` for a file that does not say them; what the file says rules.

    Raises:
        ModelError: the file is damaged, neither it nor ``given`` says what it is, its architecture is not the
            given one, or its weights do not fit.
    """
    path = Path(path)
    if path.suffix != ".safetensors" and not given:
        raise ModelError(f"{path}: a .safetensors file that names its architecture is needed")
    said, given = read_metadata(path), dict(given or {})
    if said and given.get("architecture", said.get("architecture")) != said.get("architecture"):
        raise ModelError(f"{path}: is a {said.get('architecture')}, not a {given['architecture']}")
    metadata = {**given, **said}
    missing = [key for key in _REQUIRED if key not in metadata and not (given and key == "num_classes")]
    if missing:
        remedy = "say them in evaluation.extractor" if given else "save_model writes them"
        raise ModelError(f"{path}: its metadata lacks {', '.join(missing)}; {remedy}")
    weights = load_weights(path)
    if "num_classes" not in metadata:
        metadata["num_classes"] = _outputs(metadata["architecture"], metadata["size_px"], weights, path)
    network = build(metadata["architecture"], metadata["num_classes"], metadata["size_px"], seed=0)
    fit_weights(network, weights, num_classes=metadata["num_classes"], path=path)
    names = metadata.get("class_names", ())
    fields = {key: metadata[key] for key in _REQUIRED}
    return Classifier(network, **fields, class_names=names, metadata=metadata).eval()


def fit_weights(network: Network, weights: Mapping[str, Tensor], *, num_classes: int, path: Path | str) -> None:
    """Load ``weights`` into ``network``, every name and shape the same.

    Raises:
        ModelError: names are missing or left over (the first three are named), the head has another number of
            outputs than ``num_classes``, or another tensor has another shape.
    """
    own = network.state_dict()
    # Files from before torch 0.4.1 have no such counters.
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    missing = [name for name in own if name not in weights and name not in counters]
    unexpected = [name for name in weights if name not in own]
    if missing or unexpected:
        both = (("lacks", missing), ("has unexpected", unexpected))
        parts = [_first(kind, names) for kind, names in both if names]
        raise ModelError(f"{path}: does not fit the architecture: {'; '.join(parts)}")
    for name, value in weights.items():
        if value.shape == own[name].shape:
            continue
        if value.shape[1:] == own[name].shape[1:] and own[name].shape[0] == num_classes:
            raise ModelError(f"{path}: has {value.shape[0]} outputs ({name}), there are {num_classes} classes")
        expected = tuple(own[name].shape)
        raise ModelError(f"{path}: {name} has shape {tuple(value.shape)}, the architecture needs {expected}")
    network.load_state_dict({**own, **weights})


def _outputs(architecture: str, size_px: int, weights: Mapping[str, Tensor], path: Path) -> int:
    """The number of classes of weights that do not say it: the rows of what in a network of one class has one."""
    own = build(architecture, 1, size_px, seed=0).state_dict()
    heads = [name for name, value in own.items() if value.ndim == 2 and len(value) == 1]
    found = [len(weights[name]) for name in heads if name in weights]
    if not found:
        raise ModelError(f"{path}: does not fit the architecture {architecture}: {_first('lacks', heads)}")
    return found[0]


def _channels(name: str, values: Iterable[float]) -> Tensor:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != 3:
        raise ValueError(f"{name}={numbers} must have three numbers, one a colour channel")
    return torch.tensor(numbers).view(1, 3, 1, 1)


def _first(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{kind} {', '.join(names[:3])}{more}"


def _read_safetensors(path: Path, *, tensors: bool = True) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            metadata = parse_json((file.metadata() or {}).get(_METADATA_KEY, "{}"))
            names = file.keys() if tensors else ()
            return {name: file.get_tensor(name) for name in names}, metadata
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: not a whole safetensors file ({_one_line(error)})") from error


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(os.fspath(path), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"holds more than tensors, as {named[1]}" if named else "damaged, or holds more than tensors"
        raise ModelError(
            f"{path}: {what}; nothing in it was run: save the state_dict() alone, best as safetensors"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise ModelError(f"{path}: not a whole torch file ({_one_line(error)})") from error


def _unwrap(loaded: Any) -> Mapping[str, Any]:
    for key in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            return loaded[key]
    return loaded if isinstance(loaded, Mapping) else {}


def _one_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
