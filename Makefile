# Needs GNU make >= 3.81 and bash >= 3.2, and Python 3.11 to 3.13. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo "$$p" && break; done)
# A folder with g.fits, r.fits and z.fits: `make pilot HOSTS=...` runs on its galaxies instead of the mock survey.
HOSTS ?=
ARGS ?=
# Each process of the tests imports the whole stack, about 1 GB, and computes on one thread.
TESTS := $(BIN)/pytest -n auto --maxprocesses=4 --dist=worksteal
ifeq ($(HOSTS),)
PILOT := experiment=pilot
else
PILOT := experiment=pilot_pack 'data.hosts.path="$(HOSTS)"'
endif

.PHONY: help pilot survey test test-all checks lint types loops pytest ui bench docs spark lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

pilot: $(BIN)/.core ## run the main job: the leakage table on the mock survey, or on HOSTS=<folder of FITS cubes>
	$(BIN)/arcgate run $(PILOT) $(ARGS)

# A mock of the survey's files stands in for them; `docs/how-to/survey.md` says what to change for the real ones.
survey: $(BIN)/.core ## the way from a survey: sweeps, parents, bricks, pairs, gates, on a mock survey's files
	$(BIN)/arcgate mock out=data/mock-survey layout=scattered n_bricks=24 parents_per_brick=120 'planes=[image,invvar,maskbits]'
	parents=$$($(BIN)/arcgate parents root=data/mock-survey 'known_lenses=["data/mock-survey/known_lenses.csv"]' | \
		tee /dev/stderr | sed -n 's/^parents: .* galaxies: //p') && test -n "$$parents" && \
	$(BIN)/arcgate simulate hosts=legacy "data.hosts.parents=$$parents" data.hosts.survey=data/mock-survey psf=moffat_converted \
		data.n_pairs=2500
	$(BIN)/arcgate audit data=latest view=annulus_robust 'gates.known_lenses=["data/mock-survey/known_lenses.csv"]' || \
		{ code=$$?; test $$code -eq 3 -o $$code -eq 4; } # a verdict, and no error

test: checks pytest ## lint, types and tests, in minutes

test-all: checks $(BIN)/.spark ## the same, long tests and other processors' settings included: an hour
	$(TESTS) -m "" $(ARGS)

checks: lint # Each takes one core and about a minute in a new checkout.
	@$(MAKE) --no-print-directory -j 2 types loops

# Once, where each process of the tests would compile them for itself.
loops: $(BIN)/.dev
	@$(BIN)/python tests/compiled_before.py > /dev/null

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.dev
	$(BIN)/mypy

pytest: $(BIN)/.dev
	$(TESTS) $(ARGS)

ui: $(BIN)/.core ## browse the runs on http://127.0.0.1:5000
	$(BIN)/arcgate ui $(ARGS)

bench: $(BIN)/.dev ## speed, side by side with peers
	$(BIN)/python benchmarks/render.py $(ARGS)

# Parsed anew each time: what Sphinx keeps between builds hides warnings. Warnings are errors.
docs: $(BIN)/.docs ## the documentation, build/docs/docs/index.html
	$(BIN)/sphinx-build -q -W --keep-going -E -j auto -c docs -d build/doctrees . build/docs $(ARGS)

spark: $(BIN)/.spark ## what runtime.engine=spark needs beside Java 17 (460 MB)

lock: ## renew the locked requirements (needs uv)
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements/dev.txt
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -c requirements/dev.txt pyproject.toml -o requirements/core.txt
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -c requirements/dev.txt --extra docs pyproject.toml -o requirements/docs.txt
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -c requirements/dev.txt --extra spark pyproject.toml -o requirements/spark.txt

clean: ## remove the environment (data and runs stay)
	rm -rf $(VENV) build

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "arcgate needs Python 3.11, 3.12 or 3.13, and none was found on the PATH." >&2; \
		echo "  to do: install one, or name it: make pilot PYTHON=/path/to/python3.12" >&2; exit 1; fi
	$(PYTHON) -m venv $(VENV)

# Installed from the locked list, hashes checked; then arcgate itself, in place. About 6 GB on Linux, most of it torch.
$(BIN)/.core: requirements/core.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/core.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# Python looks into folders before it asks the finder of what is installed in place: it would take a checkout that lies in
	@# the working directory, which is called arcgate too, for the package.
	@$(BIN)/python -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'arcgate-checkout.pth').write_text('$(CURDIR)/src')"
	@touch $@

$(BIN)/.docs: requirements/docs.txt $(BIN)/.core
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

$(BIN)/.spark: requirements/spark.txt $(BIN)/.core
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/spark.txt
	@touch $@

$(BIN)/.dev: requirements/dev.txt $(BIN)/.core
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
