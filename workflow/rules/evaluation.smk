"""Metrics of a method's images against real ones, which only this stage and the next ones may read."""


rule evaluate:
    input:
        classes=CLASSES,
        shards=shards_of,
        teacher=TEACHER,
        measures=model_files("evaluation.extractor.weights", "evaluation.oracle"),
        method_images=real_images_of,
        reference=real_images("evaluation.reference"),
    output: metrics="<results>/evaluation/{method}.json"
    log: "<logs>/evaluation/{method}.log"
    benchmark: "<benchmarks>/evaluation/{method}.tsv"
    params: config=CONFIG, recipe=recipe("evaluation", "method"), revision=REVISIONS["evaluation"]
    threads: settings.threads("evaluation")
    resources: **needs_of("evaluation")
    message: "Evaluation: {wildcards.method}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/evaluation.py --config {params.config} --method {wildcards.method}"
        " --output {output.metrics} > {log} 2>&1"


rule evaluation:
    input: measured("evaluation")
