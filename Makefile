# Everything runs in .venv, which is made from requirements.lock, for development from requirements-dev.lock. ARGS go to the tool of the target.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint format requirements bench-setup lock
EXTRAS := airflow gate dvc
LOCK := uv pip compile setup.cfg --universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command 'make lock'

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup:  ## make .venv (core, Airflow, gate, DVC); fast when nothing changed
	@infra/setup.sh

setup-dev:  ## the same with the tools that test and check it
	@infra/setup.sh dev

demo: setup  ## two nights of real pages through real Airflow
	@infra/demo/run.sh $(ARGS)

test: setup-dev  ## all tests; ARGS='-k dedup -x'
	@infra/browser.sh
	.venv/bin/python -m pytest $(ARGS)

lint: setup-dev  ## style, types, and which room may import which
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup-dev  ## put the code into its standard form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

requirements: setup-dev  ## which requirement rows have a passing test
	@.venv/bin/python -m pytest -q --requirements $(ARGS)

bench-setup: setup  ## the benchmarks' peers, each in an environment of its own
	@infra/bench-setup.sh

lock:  ## make both locks from setup.cfg again; ARGS='--upgrade' for newer versions
	$(LOCK) $(EXTRAS:%=--extra %) --extra dev -o requirements-dev.lock $(ARGS)
	cp requirements-dev.lock requirements.lock  # so that the smaller one keeps the versions of the larger one
	$(LOCK) $(EXTRAS:%=--extra %) -o requirements.lock
