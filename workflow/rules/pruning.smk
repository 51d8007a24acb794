"""The teacher, pruned and fine-tuned by its whole self on a method's images; only where the section pruning is set."""


rule prune:
    input:
        classes=CLASSES,
        shards=shards_of,
        teacher=TEACHER,
        method_images=real_images_of,
        test_images=real_images("evaluation.reference"),  # scored on at the end, they decide nothing
    output:
        network="<results>/pruning/{method}/sparsity-{sparsity}/seed-{seed}/pruned.safetensors",
        metrics="<results>/pruning/{method}/sparsity-{sparsity}/seed-{seed}/metrics.json",
        manifest="<results>/pruning/{method}/sparsity-{sparsity}/seed-{seed}/manifest.json",
    log: "<logs>/pruning/{method}/sparsity-{sparsity}/seed-{seed}.log"
    benchmark: "<benchmarks>/pruning/{method}/sparsity-{sparsity}/seed-{seed}.tsv"
    params:
        config=CONFIG,
        recipe=recipe("pruning", "method"),
        revision=REVISIONS["pruning"],
        folder=subpath(output.network, parent=True),
    threads: settings.threads("pruning")
    resources: **needs_of("pruning")
    message: "Pruning: {wildcards.sparsity} of the teacher on {wildcards.method}, seed {wildcards.seed}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/pruning.py --config {params.config} --method {wildcards.method}"
        " --sparsity {wildcards.sparsity} --seed {wildcards.seed}"
        " --output {params.folder} > {log} 2>&1"
