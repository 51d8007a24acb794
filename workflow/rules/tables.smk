"""Tables, figures and the report: every number of every method side by side, and what each is made from."""

localrules: table, figure, summary, report, tables, figures


rule table:
    input:
        results=lambda wildcards: measured(*TABLES[wildcards.table]),
        replicates=replicates_of,
        published=published_numbers(),
    output:
        csv="<results>/tables/{table}.csv",
        md="<results>/tables/{table}.md",
        tex="<results>/tables/{table}.tex",
        html=report("<results>/tables/{table}.html", caption="../report/table.rst", category="Tables"),
    log: "<logs>/tables/{table}.log"
    benchmark: "<benchmarks>/tables/{table}.tsv"
    params: config=CONFIG, recipe=recipe_of_table, revision=REVISIONS["tables"]
    threads: 1
    resources: gpu=0, mem_mb=2000, runtime=10
    message: "Table: {wildcards.table}"
    shell:
        "python scripts/tables.py --config {params.config} --table {wildcards.table} --output {output.csv} > {log} 2>&1"


rule figure:
    input: results=lambda wildcards: measured(*FIGURES[wildcards.figure])
    output: png=report("<results>/figures/{figure}.png", caption="../report/figure.rst", category="Figures")
    log: "<logs>/figures/{figure}.log"
    benchmark: "<benchmarks>/figures/{figure}.tsv"
    params: config=CONFIG, recipe=recipe("tables"), revision=REVISIONS["tables"]
    threads: 1
    resources: gpu=0, mem_mb=4000, runtime=10
    message: "Figure: {wildcards.figure}"
    shell:
        "python scripts/figures.py --config {params.config} --figure {wildcards.figure} --output {output.png}"
        " > {log} 2>&1"


rule summary:
    input: results=measured("distillation", "generalization", "evaluation")
    output: json="<results>/metrics.json"
    log: "<logs>/summary.log"
    benchmark: "<benchmarks>/summary.tsv"
    params: config=CONFIG, recipe=recipe("tables"), revision=REVISIONS["tables"]
    threads: 1
    resources: gpu=0, mem_mb=2000, runtime=10
    message: "Summary"
    shell: "python scripts/summary.py --config {params.config} --output {output.json} > {log} 2>&1"


rule tables:
    input: expand("<results>/tables/{table}.csv", table=TABLES)


rule figures:
    input: expand("<results>/figures/{figure}.png", figure=FIGURES)


rule report:
    input:
        tables=expand("<results>/tables/{table}.html", table=TABLES),
        figures=rules.figures.input,
    output: html="<results>/report.html"
    log: "<logs>/report.log"
    benchmark: "<benchmarks>/report.tsv"
    params: config=CONFIG
    threads: 1
    resources: gpu=0, mem_mb=2000, runtime=10
    message: "Report"
    shell:
        "python scripts/report.py --config {params.config} --contents {input} --output {output.html} > {log} 2>&1"


for name in TABLES:  # `snakemake accuracy` for results/<experiment>/tables/accuracy.csv

    rule:
        name: name
        input: f"{RESULTS}/tables/{name}.csv"
