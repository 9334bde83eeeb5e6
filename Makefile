# Everything that a fresh machine needs is done by these targets; the virtual environment is made on first use.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROTOS_VENV := build/protos-venv
# One thread for each test process: two processes with two threads each only get in each other's way.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help install demo check test fuzz lint format protos protos-check docs bench soak test-image deploy-tools clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-14s %s\n", $$1, $$2}'

install: $(VENV)/.installed  ## Make the virtual environment with everything for development

# PyTorch comes first and by its constraint, so that no later package brings another build of it. An editable install
# makes the contract's descriptors, anew where a .proto file is newer.
$(VENV)/.installed: pyproject.toml constraints.txt $(wildcard protos/gradproof/v1/*.proto)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install  ## Answer the founding case through a real server
	$(BIN)/gradproof demo

check: lint  ## Lint, and the tests that start no process and take no long time: in less than two minutes
	$(PYTEST) -n 2 --dist worksteal -m "not e2e and not slow"

test: install  ## Run all tests
	$(PYTEST) -n 2 --dist worksteal

# Seconds for each target of fuzz/targets.py, times its share; there are 24 shares.
fuzz: SECONDS = 2
fuzz: install  ## Fuzz by coverage, from the committed corpus (Linux; SECONDS=60 for longer)
	OMP_NUM_THREADS=1 $(BIN)/python -m fuzz --seconds $(SECONDS)

lint: install protos-check  ## Style, types, import contracts, contract, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/client/typing_api.py tests/support/servers.py tests/support/traffic benchmarks/serving
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code

format: install  ## Put the code in its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd protos && ../$(BIN)/buf format --write

# The generator is pinned and lives alone: its code runs on newer runtimes, not the other way round.
$(PROTOS_VENV)/.installed: constraints-protos.txt pyproject.toml
	$(PYTHON) -m venv $(PROTOS_VENV)
	$(PROTOS_VENV)/bin/pip install --quiet --requirement constraints-protos.txt numpy
	touch $@

protos: $(PROTOS_VENV)/.installed  ## Generate messages, descriptors and the builders' stubs from the contract
	$(PROTOS_VENV)/bin/python protos/generate.py

protos-check: $(PROTOS_VENV)/.installed  ## Fail where a generated file is stale
	$(PROTOS_VENV)/bin/python protos/generate.py --check

docs: install  ## Build the pages of mistakes, as HTML, in build/docs/mistakes
	$(BIN)/gradproof explain --pages build/docs/mistakes

bench: install  ## Measure, side by side in one run
	$(BIN)/python -m benchmarks

soak: SECONDS = 600
soak: install  ## Mixed traffic under injected faults, for so long: make soak SECONDS=600
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.serving.soak $(SECONDS)

deploy-tools:  ## Install the proxy, Prometheus and the false clock that tests run (Debian, as root)
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends faketime nginx-light openssl prometheus >/dev/null

test-image: install  ## Build the image, and run it restricted and by its Deployment (Debian, as root)
	tests/deploy/image/test.sh

clean:  ## Remove what the other targets made
	rm -rf build dist $(VENV)
