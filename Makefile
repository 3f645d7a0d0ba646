# make run · make test · make lint · make lock
# The first of them makes .venv and installs requirements.lock into it; the others, and later calls, find it done.

# What `make run` hands to snakemake besides: make run ARGS="--configfile config/kaggle.yaml --config 'dataset={path: DIR}'"
ARGS ?=
CORES ?= 4

RIGHT_PYTHON = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(RIGHT_PYTHON)' 2>/dev/null && echo $$python && break; done)
BIN = .venv/bin
INSTALLED = .venv/installed

.PHONY: run test lint format lock
.DELETE_ON_ERROR:

run: $(INSTALLED)
	$(BIN)/snakemake --cores $(CORES) $(ARGS)
	$(if $(filter -n --dry-run --dryrun,$(ARGS)),,$(BIN)/snakemake --report results/workflow_report.html $(ARGS))

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	scratch=$$(mktemp -d) && $(BIN)/snakemake --lint --directory $$scratch; code=$$?; rm -r $$scratch; exit $$code

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

# Needs uv. One lock for all platforms and Pythons that pyproject.toml names, and one more with the extra group on top.
COMPILE = uv pip compile pyproject.toml --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command "make lock"
lock:
	$(COMPILE) --group dev --output-file requirements.lock
	$(COMPILE) --group dev --group extra --constraints requirements.lock --output-file requirements-extra.lock

$(INSTALLED): requirements.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one, or name it: make run PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -c '$(RIGHT_PYTHON)' || { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@
