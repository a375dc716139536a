# Everything runs in .venv, which `make setup` makes from requirements.lock. ARGS go to the tool of the target.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format requirements bench-setup lock
EXTRAS := airflow gate dvc dev

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup:  ## make .venv (core, Airflow, gate, DVC, tools); fast when nothing changed
	@infra/setup.sh

demo: setup  ## two nights of real pages through real Airflow
	@infra/demo/run.sh $(ARGS)

test: setup  ## all tests; ARGS='-k dedup -x'
	@infra/browser.sh
	.venv/bin/python -m pytest $(ARGS)

lint: setup  ## style, types, and which room may import which
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup  ## put the code into its standard form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

requirements: setup  ## which requirement rows have a passing test
	@.venv/bin/python -m pytest -q --requirements $(ARGS)

bench-setup: setup  ## the benchmarks' peers, each in an environment of its own
	@infra/bench-setup.sh

lock:  ## make requirements.lock from setup.cfg again; ARGS='--upgrade' for newer versions
	uv pip compile setup.cfg $(EXTRAS:%=--extra %) --universal --python-version 3.11 --generate-hashes --quiet \
	  --custom-compile-command 'make lock' -o requirements.lock $(ARGS)
