"""What can go wrong through no fault of the code, each with one clear line for the user.

The message of every error here is a single line that names the file, key or class at fault and says what
would be right. ``prism.cli.run`` prints it and exits with status 2; anything else is a defect and keeps its
traceback.
"""


class PrismError(Exception):
    """Base of all errors that a user can mend."""


class ConfigError(PrismError):
    """A configuration key has a wrong name, type or value."""


class DataError(PrismError):
    """A class list, image or other input file is missing, broken or inconsistent."""


class ModelError(PrismError):
    """A model's weights or description cannot be loaded or do not fit their use."""


class ShardError(DataError):
    """A shard or its manifest is missing, broken, or not what its hash says."""


class PromptError(PrismError):
    """Prompts are missing or invalid, or a language model returned nothing usable."""


class EngineError(PrismError):
    """A generating engine (diffusion, inversion, language-model server) cannot do its work."""


class DiskError(PrismError):
    """A file cannot be written: the disk is full, over quota or read-only."""
