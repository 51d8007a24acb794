"""Text prompts, one line an image: what the text-to-image model is asked for."""


rule write_prompts:
    input: classes=CLASSES, language_model=language_model_of
    output:
        lines="<results>/prompts/{strategy}.jsonl",
        manifest="<results>/prompts/{strategy}.json",
    log: "<logs>/prompts/{strategy}.log"
    benchmark: "<benchmarks>/prompts/{strategy}.tsv"
    params: config=CONFIG, recipe=recipe("prompts", "strategy"), revision=REVISIONS["prompts"]
    priority: 2  # short, and tokens wait for them
    threads: settings.threads("prompts")
    resources: **needs_of("prompts")
    message: "Prompts: strategy {wildcards.strategy}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/prompts.py --config {params.config} --strategy {wildcards.strategy}"
        " --output {output.lines} > {log} 2>&1"


rule prompts:
    input: measured("prompts")
