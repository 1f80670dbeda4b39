# Everything that is built, shown and checked; `make` alone lists the targets. All of them can be repeated: what is up to
# date is not done again. PYTHON=python3.12 makes the virtual environment with another interpreter.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LAUNCHER := tracers/target/release/roar
SHIM := tracers/target/release/libroar_preload.so
CARGO := cargo --locked
PIP := $(BIN)/pip --disable-pip-version-check --quiet

export CARGO_TARGET_DIR := $(CURDIR)/tracers/target
# Its `ziglang` compiles the BPF programs.
export ROAR_BPF_PYTHON := $(CURDIR)/$(BIN)/python
export PATH := $(CURDIR)/$(BIN):$(PATH)
# What the caller's shell and this make have set is nothing to tests that run Python and make themselves.
unexport PYTHONPATH MAKEFLAGS MAKELEVEL MFLAGS

RUST_SOURCES := $(shell find tracers -path tracers/target -prune -o -type f -print) $(wildcard proto/roar/v1/*.proto) VERSION
PACKAGING := pyproject.toml hatch_build.py VERSION
PYTHON_SOURCES := roard roar_client roar_truth lineage_graph migrations proto tests benchmarks examples scripts hatch_build.py

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# --- build -------------------------------------------------------------------------------------------------------------

.PHONY: build
build: $(VENV)/.installed ## build roar and install it into .venv

$(VENV)/.created:
	scripts/need $(PYTHON) git
	$(PYTHON) -c 'import sys; sys.exit("error: Python 3.10 or newer is needed, this is " + sys.version if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV) || scripts/need --venv $(PYTHON) $(VENV)
	touch $@

# What building needs: the same that pip would install for a build in isolation.
$(VENV)/.build-tools: $(VENV)/.created pyproject.toml
	$(PIP) install $$(sed -nE '/^requires = /{s/.*\[(.*)\].*/\1/; s/[",]/ /g; p; }' pyproject.toml)
	touch $@

# Ahead of pip, which would hide the progress of a build that takes a minute the first time.
$(LAUNCHER): $(VENV)/.build-tools $(RUST_SOURCES)
	scripts/need cargo gcc
	cd tracers && $(CARGO) build --release --package launcher
	cd tracers && $(CARGO) build --release --package ebpf
	touch $@

$(SHIM): $(wildcard tracers/preload/*)
	scripts/need gcc
	mkdir -p $(@D)
	$(MAKE) -C tracers/preload OUT=$(CURDIR)/$@

$(VENV)/.installed: $(VENV)/.build-tools $(LAUNCHER) $(SHIM) $(PACKAGING)
	$(PIP) install --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(PIP) install --no-build-isolation --editable '.[dev]'
	touch $@

$(VENV)/.example: $(VENV)/.created examples/digits/requirements.txt
	$(PIP) install --requirement examples/digits/requirements.txt
	touch $@

# --- show --------------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.installed $(VENV)/.example ## record the digits pipeline and show its lineage
	@scripts/demo

.PHONY: bench
bench: $(VENV)/.installed ## measure what roar adds to a command, into benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run_overhead.py --roar $(BIN)/roar $(BENCH)

.PHONY: bench-backends
bench-backends: $(VENV)/.installed $(VENV)/.example ## measure what each backend adds, into benchmarks/RESULTS.md
	scripts/need gcc make strace
	$(BIN)/python benchmarks/backend_overhead.py --roar $(BIN)/roar $(BENCH)

.PHONY: bench-concurrent
bench-concurrent: $(VENV)/.installed ## measure what many runs at once cost each other, into benchmarks/RESULTS.md
	$(BIN)/python benchmarks/concurrent_runs.py --roar $(BIN)/roar $(BENCH)

.PHONY: bench-queries
bench-queries: $(VENV)/.installed ## measure what the read commands cost in a large project, into benchmarks/RESULTS.md
	$(BIN)/python benchmarks/query_speed.py --roar $(BIN)/roar $(BENCH)

# --- check -------------------------------------------------------------------------------------------------------------

.PHONY: check
check: $(VENV)/.dev ## formats, lints, types, layers, contract, generated files
	ruff format --check $(PYTHON_SOURCES)
	ruff check $(PYTHON_SOURCES)
	mypy
	lint-imports
	codespell
	buf lint proto
	python proto/generate.py --check
	cd tracers && cargo fmt --check
	cd tracers && $(CARGO) clippy --workspace --all-targets -- -D warnings

.PHONY: test
test: check $(VENV)/.example ## everything that a change must pass
	scripts/need gcc make strace
	@# Without these some tests are skipped, and say so.
	-scripts/need rsync qemu-aarch64 ld-musl-config gcc-m32
	-rustup target add aarch64-unknown-linux-gnu
	cd tracers && $(CARGO) test --workspace
	pytest $(PYTEST)

.PHONY: test-long
test-long: $(VENV)/.dev ## the long figures: reliability, and 50,000 random programs under every backend from a new seed
	ROAR_LONG=1 pytest -s tests/reliability $(PYTEST)
	ROAR_RANDOM_PROGRAMS=50000 ROAR_RANDOM_SEED=$${ROAR_RANDOM_SEED:-$$(date +%s)} pytest -s tests/random_io $(PYTEST)

.PHONY: conform
conform: $(VENV)/.dev $(VENV)/.example ## the tracer conformance suite alone
	pytest -rA tests/conformance

.PHONY: fix
fix: $(VENV)/.dev ## format, mend what can be mended, write generated files anew
	python proto/generate.py
	ruff check --fix $(PYTHON_SOURCES)
	ruff format $(PYTHON_SOURCES)
	cd tracers && cargo fmt

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(VENV) build dist tracers/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
