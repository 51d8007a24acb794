"""Which files follow from the configuration: what a method is made of, and what tables and figures are made of."""


def model_files(*keys):
    """The local models below these keys of the configuration: a file, or a folder's weights and descriptions."""
    paths = [Path(path) for key, path in named_paths(settings) if key in keys]
    kinds = ("*.safetensors", "*.json")
    return given(str(file) for path in paths for file in (
        sorted(file for kind in kinds for file in path.rglob(kind)) if path.is_dir() else [path]
    ))


CLASSES = given([str(settings.classes)])
PIPELINE, TINY_DECODER = model_files("diffusion.pipeline"), model_files("diffusion.tiny_decoder")
LANGUAGE_MODEL = model_files("prompts.model")


def language_model_of(wildcards):
    """The language model that writes a strategy's contents; none where it has none."""
    return LANGUAGE_MODEL if settings.strategies[wildcards.strategy].contents else []


def drawn_with(wildcards):
    """The models that a method draws its images with; none where it optimises pixels."""
    method = settings.methods[wildcards.method]
    return [*PIPELINE, *(TINY_DECODER if method.needs_tiny_decoder else [])] if method.engine == "diffusion" else []


def prompts_of(wildcards):
    """The prompts of a method; none where it has no strategy."""
    strategy = settings.methods[wildcards.method].prompts
    return FILES.prompts(strategy) if strategy else []


def tokens_of(wildcards):
    """The learned tokens of a method's strategy; none where it has none."""
    strategy = settings.methods[wildcards.method].prompts
    return FILES.tokens(strategy) if strategy in TOKENS else []


def shards_of(wildcards):
    """The shards of a method."""
    return FILES.shards(wildcards.method)


def real_images(*keys):
    """Folders and archives of real images below these keys of the configuration; a drawn world is neither."""
    paths = {str(path) for key, path in named_paths(settings) if key.startswith(keys)}
    return [ancient(path) for path in given(sorted(paths))]  # a folder's time says nothing


def real_images_of(wildcards):
    """The real images that a method itself is made of: none, unless it is the upper bound."""
    return real_images("synthesis.real") if wildcards.method not in GENERATED else []


def measured(*kinds):
    """The results of these kinds, as the configuration of tables names them, over all that is run."""
    return FILES.results(kinds)


def students_of(wildcards):
    """All students of a method, in the order of their scores."""
    return [f"{folder}/student.safetensors" for folder in FILES.students(wildcards.method)]


def replicates_of(wildcards):
    """The files of experiments of other seeds: of the table that judges images by several sets of them."""
    names = settings.tables.replicates if wildcards.table == "claims" else []
    return given(file for name in names for file in replicate_files(settings, name))


def competitor_of(wildcards):
    """The student that an adaptive inversion competes with; none for other methods."""
    adaptive = adaptive_section(wildcards.method)
    return FILES.competitor(wildcards.method) if adaptive else []


def competitor_images_of(wildcards):
    """The images that this student learns from."""
    return FILES.shards(adaptive_section(wildcards.method).images)


def adaptive_section(method):
    """The section inversion.adaptive of a method, or None."""
    inversion = settings.methods[method].inversion
    return inversion.adaptive if inversion else None


def teachers_of(wildcards):
    """The weights of the further teachers that a method asks."""
    used = settings.teachers.values() if settings.methods[wildcards.method].uses_teachers else []
    return given(str(teacher.weights) for teacher in used)


def synthesis_revision(wildcards):
    """The revision of the package that makes a method's images."""
    return REVISIONS["inversion" if settings.methods[wildcards.method].engine == "inversion" else "synthesis"]


def images_behind(wildcards):
    """The real images that a method's synthesis sees: none, unless the method is labelled as not data-free."""
    return [] if settings.methods[wildcards.method].data_free else real_images("synthesis.real")


def label_teachers_of(wildcards):
    """The checkpoints of all teachers whose soft labels a method stores."""
    return given(str(teacher.weights) for teacher in settings.label_teachers(wildcards.method))


def labels_of(wildcards):
    """The stored soft labels of a method; none where the teacher is asked anew."""
    return FILES.labels(wildcards.method) if settings.methods[wildcards.method].relabel is not None else []
