"""Class alignment tokens: a pseudo-word for each class, learned from the teacher. No real image comes in here."""


rule learn_tokens:
    input:
        prompts="<results>/prompts/{strategy}.jsonl",
        teacher=TEACHER,
        models=[*PIPELINE, *(TINY_DECODER if settings.tokens.decoder == "tiny" else [])],
    output:
        tokens="<results>/tokens/{strategy}.safetensors",
        manifest="<results>/tokens/{strategy}.json",
    wildcard_constraints: strategy=one_of(TOKENS)
    log: "<logs>/tokens/{strategy}.log"
    benchmark: "<benchmarks>/tokens/{strategy}.tsv"
    params: config=CONFIG, recipe=recipe("tokens", "strategy"), revision=REVISIONS["tokens"]
    priority: 1  # the longest way to a table: begun last, they would run alone at the end
    threads: settings.threads("tokens")
    resources: **needs_of("tokens")
    message: "Tokens: strategy {wildcards.strategy}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/tokens.py --config {params.config} --strategy {wildcards.strategy}"
        " --prompts {input.prompts} --output {output.tokens} > {log} 2>&1"


rule tokens:
    input: measured("tokens")
