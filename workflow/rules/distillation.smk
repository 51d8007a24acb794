"""Students, taught by the teacher on a method's images; the method `real` takes real ones, as the upper bound."""


rule distill:
    input:
        classes=CLASSES,
        shards=shards_of,
        teacher=TEACHER,
        labels=labels_of,
        method_images=real_images_of,
        test_images=real_images("evaluation.reference"),  # scored on at the end, they decide nothing
    output:
        student="<results>/distillation/{method}/{student}/seed-{seed}/student.safetensors",
        metrics="<results>/distillation/{method}/{student}/seed-{seed}/metrics.json",
        history="<results>/distillation/{method}/{student}/seed-{seed}/history.csv",
        manifest="<results>/distillation/{method}/{student}/seed-{seed}/manifest.json",
    log: "<logs>/distillation/{method}/{student}/seed-{seed}.log"
    benchmark: "<benchmarks>/distillation/{method}/{student}/seed-{seed}.tsv"
    params:
        config=CONFIG,
        recipe=recipe("distillation", "method", "student"),
        revision=REVISIONS["distillation"],
        folder=subpath(output.student, parent=True),
    threads: settings.threads("distillation")
    resources: **needs_of("distillation")
    message: "Distillation: {wildcards.student} on {wildcards.method}, seed {wildcards.seed}"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/distillation.py --config {params.config} --method {wildcards.method}"
        " --student {wildcards.student} --seed {wildcards.seed} --labels {input.labels}"
        " --output {params.folder} > {log} 2>&1"


rule distillation:
    input: measured("distillation")
