"""Which files follow from the configuration: what a method is made of, and what tables and figures are made of."""


def prompts_of(wildcards):
    """The prompts of a method; none where it has no strategy."""
    strategy = settings.methods[wildcards.method].prompts
    return f"{RESULTS}/prompts/{strategy}.jsonl" if strategy else []


def shards_named(method, suffix):
    """The files of a method's images, or beside them; none for real images, which come from the configuration."""
    if method not in GENERATED:
        return []
    return [f"{RESULTS}/synthesis/{method}/shard-{index:04d}.{suffix}" for index in range(settings.shards(method))]


def tokens_of(wildcards):
    """The learned tokens of a method's strategy; none where it has none."""
    strategy = settings.methods[wildcards.method].prompts
    return f"{RESULTS}/tokens/{strategy}.safetensors" if strategy in TOKENS else []


def shards_of(wildcards):
    """The shards of a method."""
    return shards_named(wildcards.method, "tar")


def real_images(*keys):
    """Folders and archives of real images below these keys of the configuration; a drawn world is neither."""
    paths = {str(path) for key, path in named_paths(settings) if key.startswith(keys)}
    return [ancient(path) for path in given(sorted(paths))]  # a folder's time says nothing


def real_images_of(wildcards):
    """The real images that a method itself is made of: none, unless it is the upper bound."""
    return real_images("synthesis.real") if wildcards.method not in GENERATED else []


def measured(*kinds):
    """The results of these kinds, as the configuration of tables names them, over all that is run."""
    student = f"{RESULTS}/distillation/{{method}}/{{student}}/seed-{{seed}}"
    score = f"{RESULTS}/generalization/{{method}}/{{student}}/seed-{{seed}}.json"
    pruned = f"{RESULTS}/pruning/{{method}}/sparsity-{{sparsity}}/seed-{{seed}}"
    pruned_seeds = PRUNING.seeds or SEEDS if PRUNING else []
    students = dict(method=METHODS, student=STUDENTS, seed=SEEDS)
    files = {
        "prompts": expand(f"{RESULTS}/prompts/{{strategy}}.json", strategy=STRATEGIES),
        "synthesis": [name for method in GENERATED for name in shards_named(method, "json")],
        "images": [shards_named(method, "tar")[0] for method in GENERATED],  # each shard has all classes
        "evaluation": expand(f"{RESULTS}/evaluation/{{method}}.json", method=EVALUATED),
        "relabelling": expand(f"{RESULTS}/relabelling/{{method}}.json", method=RELABELLED),
        "tokens": expand(f"{RESULTS}/tokens/{{strategy}}.json", strategy=[s for s in STRATEGIES if s in TOKENS]),
        "distillation": expand(f"{student}/{{file}}.json", file=["metrics", "manifest"], **students),
        "history": expand(f"{student}/history.csv", **students),
        "generalization": expand(score, **students),
        "pruning": expand(f"{pruned}/metrics.json", method=PRUNED, sparsity=SPARSITIES, seed=pruned_seeds),
    }
    return [file for kind in kinds for file in files[kind]]


def students_of(wildcards):
    """All students of a method, in the order of their scores."""
    file = f"{RESULTS}/distillation/{wildcards.method}/{{student}}/seed-{{seed}}/student.safetensors"
    return expand(file, student=STUDENTS, seed=SEEDS)


def replicates_of(wildcards):
    """The files of experiments of other seeds: of the table that judges images by several sets of them."""
    names = settings.tables.replicates if wildcards.table == "claims" else []
    return given(file for name in names for file in replicate_files(settings, name))


def competitor_of(wildcards):
    """The student that an adaptive inversion competes with; none for other methods."""
    adaptive = adaptive_section(wildcards.method)
    return f"{RESULTS}/inversion/{wildcards.method}/student.safetensors" if adaptive else []


def competitor_images_of(wildcards):
    """The images that this student learns from."""
    return shards_named(adaptive_section(wildcards.method).images, "tar")


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
    return f"{RESULTS}/relabelling/{wildcards.method}.safetensors" if wildcards.method in RELABELLED else []
