"""Pretrained models, trained anew from nothing: the miniature's (copied over assets/miniature they take the shipped
ones' place), or a text-to-image model of photographs."""


rule build_zoo:
    input: photographs=[ancient(path) for _, path in zoo_paths(settings)]
    output: manifest=f"{zoo_folder(settings)}/manifest.json"
    log: "<logs>/zoo.log"
    benchmark: "<benchmarks>/zoo.tsv"
    params: config=CONFIG, recipe=recipe("zoo"), folder=subpath(output.manifest, parent=True)
    threads: settings.jobs.zoo.threads or 8  # as many of them as --cores has; workflow.cores would ask for it even to unlock
    resources: **needs_of("zoo")
    message: f"Zoo: training the models of {settings.experiment}, which takes hours on a CPU"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/zoo.py --config {params.config} --output {params.folder} > {log} 2>&1"


rule zoo:
    input: rules.build_zoo.output
