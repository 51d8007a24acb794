"""Soft labels of the methods that store them: every view of every epoch, by one or several teachers."""


rule relabel:
    input: shards=shards_of, teachers=label_teachers_of
    output:
        labels="<results>/relabelling/{method}.safetensors",
        manifest="<results>/relabelling/{method}.json",
    log: "<logs>/relabelling/{method}.log"
    benchmark: "<benchmarks>/relabelling/{method}.tsv"
    params: config=CONFIG, recipe=recipe("relabelling", "method"), revision=REVISIONS["relabelling"]
    threads: settings.threads("relabelling")
    resources: **needs_of("relabelling")
    message: "Relabelling: {wildcards.method}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/relabelling.py --config {params.config} --method {wildcards.method}"
        " --output {output.labels} > {log} 2>&1"


rule relabelling:
    input: measured("relabelling")
