"""Students on domains that neither they nor their teacher were trained on."""


rule generalize:
    input:
        student="<results>/distillation/{method}/{student}/seed-{seed}/student.safetensors",
        images=real_images("generalization", "evaluation.reference"),
    output: accuracy="<results>/generalization/{method}/{student}/seed-{seed}.json"
    log: "<logs>/generalization/{method}/{student}/seed-{seed}.log"
    benchmark: "<benchmarks>/generalization/{method}/{student}/seed-{seed}.tsv"
    params: config=CONFIG, recipe=recipe("generalization"), revision=REVISIONS["generalization"]
    threads: THREADS
    resources: gpu=GPU, mem_mb=8000, runtime=60
    message: "Generalization: {wildcards.student} of {wildcards.method}, seed {wildcards.seed}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --"
        " python scripts/generalization.py --config {params.config} --student {input.student}"
        " --output {output.accuracy} > {log} 2>&1"
