# Two commands for a newcomer: `make demo` and `make test`. Both set up what they need in .venv and may be repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TRAIN := $(VENV)/.train-ready
DEV := $(VENV)/.dev-ready
PURE := tests/cohort tests/deidentify tests/evaluate tests/imaging tests/ledger tests/runtime tests/stats
# Begun first, so that no process is left alone with them at the end.
LONG := tests/pipeline/test_road.py tests/test_tasks.py tests/demo
COVERAGE := 90

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench docs clean

help:
	@echo "make demo    set up, then drive the whole road once on virtual patients (about 7 minutes)"
	@echo "make test    set up, then run the tests"
	@echo "make check   lint, types and the import floors"
	@echo "make bench   print the benchmark tables"
	@echo "make docs    pages of every docstring, in build/docs"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version.split()[0])'
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(TRAIN): $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing overread with what training needs (some minutes the first time)"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[train]'
	@touch $@

$(DEV): $(TRAIN)
	@echo "Installing what the tests and checks need"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[train,formats,postgres,dev]'
	@touch $@

demo: $(TRAIN)
	@$(BIN)/overread demo

test: $(DEV)
	@echo "Running the tests: first the rooms of pure functions, on two cores, then those that train, serve and wait"
	@rm -f .coverage
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= $(PURE)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-append --cov-report= $(LONG) tests $(PURE:%=--ignore=%)
	@echo "Lines that the tests run (processes of their own are not counted)"
	@$(BIN)/coverage report --fail-under=$(COVERAGE) --format=total

check: $(DEV)
	@echo "Lint"
	@$(BIN)/ruff check src tests benchmarks examples docs
	@$(BIN)/ruff format --check src tests benchmarks examples docs
	@echo "Types"
	@$(BIN)/mypy
	@echo "Import floors"
	@$(BIN)/lint-imports

format: $(DEV)
	@$(BIN)/ruff check --fix src tests benchmarks examples docs
	@$(BIN)/ruff format src tests benchmarks examples docs

bench: $(DEV)
	@for f in benchmarks/*.py; do $(BIN)/python $$f; done

docs: $(DEV)
	@$(BIN)/python docs/reference/build.py

clean:
	rm -rf $(VENV) demo-out .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
