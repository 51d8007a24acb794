"""Students on domains that neither they nor their teacher were trained on; one job for all students of a method.

Scoring one student takes seconds, less than a job's start.
"""


rule generalize:
    input:
        classes=CLASSES,
        students=students_of,
        images=real_images("generalization", "evaluation.reference"),
    output:
        scores=expand("<results>/generalization/{{method}}/{student}/seed-{seed}.json", student=STUDENTS, seed=SEEDS),
    log: "<logs>/generalization/{method}.log"
    benchmark: "<benchmarks>/generalization/{method}.tsv"
    params: config=CONFIG, recipe=recipe("generalization"), revision=REVISIONS["generalization"]
    threads: settings.threads("generalization")
    resources: **needs_of("generalization")
    message: "Generalization: students of {wildcards.method}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/generalization.py --config {params.config} --students {input.students}"
        " --outputs {output.scores} > {log} 2>&1"
