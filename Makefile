# make demo   the whole miniature experiment, on a laptop, and its accuracy table
# make test   the tests;  make test-slow   those that take minutes;  make lint   the checks of style
# make env    the environment alone, in .venv;  make sbom, make audit   what is in it, and what is known of that

PYTHON ?= python3
BIN ?= .venv/bin
# another environment is used as it is: make test BIN=/path/to/env/bin
ENV := $(if $(filter .venv/bin,$(BIN)),.venv/.complete)
TESTS ?= tests

.PHONY: demo test test-slow lint env lock sbom audit zoo clean

demo: $(ENV)
	@$(BIN)/snakemake --cores all $$(test -t 1 && echo --logger rich || echo --quiet rules) -- all
	@echo && cat results/miniature/tables/accuracy.md
	@echo && echo "All tables and figures: results/miniature/report.html"

test: $(ENV)
	$(BIN)/python -m pytest -q -n auto --dist loadfile $(TESTS)

test-slow: $(ENV)
	$(BIN)/python -m pytest -q -m slow -n auto --dist loadfile $(TESTS)

lint: $(ENV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakemake --lint

env: $(ENV)

# The stamp is written last, so that an interrupted installation is taken up again.
.venv/.complete: envs/requirements.txt pyproject.toml
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet uv==0.13.8
	.venv/bin/uv pip install --quiet --system-certs --python .venv/bin/python --require-hashes -r envs/requirements.txt
	.venv/bin/uv pip install --quiet --system-certs --python .venv/bin/python --no-deps --no-build-isolation --editable .
	touch $@

# Anew from envs/requirements.in: every package at its newest, for Python 3.11 and later, with hashes.
lock: $(ENV)
	$(BIN)/uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet \
		envs/requirements.in --output-file envs/requirements.txt

# What is installed, with versions and licences, as a CycloneDX bill of materials.
sbom: $(ENV)
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --validate \
		--output-file sbom.cdx.json $(BIN)/python

# Known vulnerabilities of the pinned packages; asks a database on the internet.
audit: $(ENV)
	$(BIN)/uv tool run pip-audit --requirement envs/requirements.txt --require-hashes --disable-pip

zoo: $(ENV)
	$(BIN)/snakemake --cores all zoo

clean:
	rm -rf .venv .snakemake results
