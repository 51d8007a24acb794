"""Surrogate images, in shards: a diffusion model steered by the teacher, or pixels optimised against teachers.

No real image comes in here, unless a method says by its own label that it is not data-free.
"""


rule synthesize:
    input:
        classes=CLASSES,
        models=drawn_with,
        prompts=prompts_of,
        tokens=tokens_of,
        teacher=TEACHER,
        teachers=teachers_of,
        student=competitor_of,
        method_images=images_behind,
    output:
        shard="<results>/synthesis/{method}/shard-{shard}.tar",
        manifest="<results>/synthesis/{method}/shard-{shard}.json",
    log: "<logs>/synthesis/{method}/shard-{shard}.log"
    benchmark: "<benchmarks>/synthesis/{method}/shard-{shard}.tsv"
    params: config=CONFIG, recipe=recipe("synthesis", "method"), revision=synthesis_revision
    threads: settings.threads("synthesis")
    resources: **needs_of("synthesis")
    message: "Synthesis: {wildcards.method}, shard {wildcards.shard}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/synthesis.py --config {params.config} --method {wildcards.method} --shard {wildcards.shard}"
        " --prompts {input.prompts} --tokens {input.tokens} --student {input.student}"
        " --output {output.shard} > {log} 2>&1"


rule synthesis:
    input: measured("synthesis")
