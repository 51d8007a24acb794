"""What the experiment costs, told before anything is submitted."""

localrules: plan


rule plan:
    log: "<logs>/plan.log"
    params: config=PLANNED_CONFIG
    threads: 1
    resources: gpu=0, mem_mb=2000, runtime=10
    message: "Plan: hours and disk of every method, by measured throughputs"
    shell: "python scripts/plan.py --config {params.config} 2>&1 | tee {log}"
