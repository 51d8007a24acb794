"""The miniature's pretrained models, trained anew from nothing; copied over assets/miniature they take its place."""


rule build_zoo:
    output: manifest="results/zoo/miniature/manifest.json"
    log: "results/zoo/logs/miniature.log"
    benchmark: "results/zoo/benchmarks/miniature.tsv"
    params: folder=subpath(output.manifest, parent=True)
    threads: workflow.cores
    resources: gpu=GPU, mem_mb=8000, runtime=720
    message: "Zoo: training the miniature's models, which takes hours on a CPU"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --"
        " python scripts/zoo.py --output {params.folder} > {log} 2>&1"


rule zoo:
    input: rules.build_zoo.output
