# One command each; `make` alone lists them. Everything is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --no-deps
# A pip of its own takes an environment longer to get than uv does; uv does its work.
GET_UV := install --quiet --disable-pip-version-check --require-hashes \
	-r requirements-uv.lock
LOCK := $(UV) pip compile --quiet --no-config --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-annotate \
	--custom-compile-command "make lock"
WORKERS ?= 2
PYTEST = python -m pytest -n $(WORKERS) --dist worksteal --durations=20
QUICK = -m "not soak$(if $(SLOW),, and not slow)"

# The first run writes the bytecode it needs; without it each later start costs 3.5 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo clinic test soak lint kernels bench bench-against reliability results schema docs pictures lock floors clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 15

demo: .venv/run.stamp  ## play one programming visit, write its report to results/demo
	$(BIN)/ccmlab run first_visit --out results/demo --force

clinic: .venv/run.stamp  ## open the live page on which a class plays a visit
	$(BIN)/ccmlab clinic

test: .venv/dev.stamp  ## check style and types, run the tests (SLOW=1: the slow ones too)
	@$(MAKE) --no-print-directory -j2 lint kernels
	$(BIN)/$(PYTEST) $(QUICK)

# Half a minute of one core the first time, as the types are: beside them it costs none.
kernels: .venv/run.stamp
	@$(BIN)/python -c "from harness import load_scenario, run_scenario; \
		run_scenario(load_scenario('first_visit'))"

soak: .venv/dev.stamp  ## run the long counts, of which `make test` has a part
	$(BIN)/$(PYTEST) -m soak

lint: .venv/dev.stamp  ## check style and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.stamp  ## measure speed, print each figure beside its budget (ONLY='visit heart')
	$(BIN)/python -m bench $(ONLY)

bench-against: .venv/dev.stamp  ## compare speed with REV=... (ONLY='visit heart', PAIRS=5, MINUTES=30)
	$(BIN)/python -m bench.against $(or $(REV),HEAD) $(ONLY) \
		--pairs $(or $(PAIRS),5) --minutes $(or $(MINUTES),30)

reliability: .venv/dev.stamp  ## break it again, write docs/background/reliability.md
	$(BIN)/python -m bench.reliability

results: .venv/run.stamp  ## write results/published again; stopped, it goes on (about an hour)
	$(BIN)/python -m bench.results

schema: .venv/run.stamp  ## write docs/*.schema.json again, after a section or message changed
	$(BIN)/python -m harness.report.schema docs/report.schema.json
	$(BIN)/python -m harness.play.stream.schema docs/stream.schema.json

docs: .venv/dev.stamp  ## build the site into results/site, its examples executed (no network)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs results/site
	@echo "open results/site/index.html"

pictures: .venv/dev.stamp  ## take the README's picture of the live page again (Chromium)
	$(BIN)/python docs/take_pictures.py

lock: .venv/uv.stamp  ## resolve every pinned version again
	$(LOCK) --upgrade pyproject.toml --group build -o requirements.lock
	$(LOCK) --upgrade pyproject.toml --group dev -c requirements.lock \
		-o requirements-dev.lock
	echo uv | $(LOCK) --upgrade - -o requirements-uv.lock

floors: .venv/uv.stamp  ## run the tests on the lowest versions that pyproject.toml allows
	$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-floors
	$(UV) pip install --quiet --python .venv-floors/bin/python \
		--resolution lowest-direct --group dev -e .
	.venv-floors/bin/$(PYTEST) $(QUICK)

clean:  ## remove what the other targets made, results/published excepted
	rm -rf .venv .venv-floors .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find results -mindepth 1 -maxdepth 1 ! -name published -exec rm -rf {} +

# A stamp is newer than what it was made from, so a repeated make does nothing.
.venv/uv.stamp: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
		|| { echo "Python 3.11 to 3.14 is needed: make PYTHON=/path/to/python3.12"; \
		exit 1; }
	$(PYTHON) -m venv --without-pip .venv
	@$(PYTHON) -m pip --python $(BIN)/python $(GET_UV) 2>/dev/null \
		|| { $(PYTHON) -m venv .venv && $(BIN)/python -m pip $(GET_UV); }
	@touch $@

.venv/run.stamp: .venv/uv.stamp requirements.lock pyproject.toml
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
