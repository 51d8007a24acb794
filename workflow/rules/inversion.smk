"""The student that an adaptive inversion competes with, taught on images of another method. No real image comes in."""


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
    return [str(teacher.weights) for teacher in used]


def synthesis_revision(wildcards):
    """The revision of the package that makes a method's images."""
    return REVISIONS["inversion" if settings.methods[wildcards.method].engine == "inversion" else "synthesis"]


def images_behind(wildcards):
    """The real images that a method's synthesis sees: none, unless the method is labelled as not data-free."""
    return [] if settings.methods[wildcards.method].data_free else real_images("synthesis.real")


rule train_competitor:
    input: shards=competitor_images_of, teacher=TEACHER
    output:
        student="<results>/inversion/{method}/student.safetensors",
        manifest="<results>/inversion/{method}/student.json",
    log: "<logs>/inversion/{method}/student.log"
    benchmark: "<benchmarks>/inversion/{method}/student.tsv"
    params: config=CONFIG, recipe=recipe("inversion", "method"), revision=REVISIONS["inversion"]
    threads: THREADS
    resources: gpu=GPU, mem_mb=8000, runtime=120
    message: "Inversion: the student that {wildcards.method} competes with"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --"
        " python scripts/inversion.py --config {params.config} --method {wildcards.method}"
        " --shards {input.shards} --output {output.student} > {log} 2>&1"
