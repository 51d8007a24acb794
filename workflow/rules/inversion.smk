"""The student that an adaptive inversion competes with, taught on images of another method. No real image comes in."""


rule train_competitor:
    input: shards=competitor_images_of, teacher=TEACHER
    output:
        student="<results>/inversion/{method}/student.safetensors",
        manifest="<results>/inversion/{method}/student.json",
    log: "<logs>/inversion/{method}/student.log"
    benchmark: "<benchmarks>/inversion/{method}/student.tsv"
    params: config=CONFIG, recipe=recipe("inversion", "method"), revision=REVISIONS["inversion"]
    priority: 1  # a method's images wait for it
    threads: settings.threads("inversion")
    resources: **needs_of("inversion")
    message: "Inversion: the student that {wildcards.method} competes with"
    shell:
        "python scripts/lease.py --gpus {resources.gpu} --log {log} --"
        " python scripts/inversion.py --config {params.config} --method {wildcards.method}"
        " --output {output.student} > {log} 2>&1"
