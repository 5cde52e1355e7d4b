# `make` lists the commands. Everything that they leave behind is in .venv, .demo and .cache, and in the cache of built programs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo down verify render test lint bench clean

# The newest Python that really runs and can make an environment; give another with `make setup PYTHON=/path/to/python3`.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

VENV := .venv
# Progress shows as it is made, in a log too.
UNBUFFERED := $(VENV)/bin/python -u
PLAYBOOK := $(UNBUFFERED) $(VENV)/bin/ansible-playbook
PYTEST := $(UNBUFFERED) -m pytest
INVENTORY ?= playbooks/inventory/demo.yml
REPORT := .demo/report/report.html
# More for ansible-playbook or pytest, such as ARGS="--check --diff" or ARGS="-k queue".
ARGS ?=
DELETES_DATA := $(filter 1 true yes,$(DATA))
# The report tells costs by user, which are data as well. A check deletes nothing.
DELETES_REPORT := $(if $(filter --check -C,$(ARGS)),,$(DELETES_DATA))

# Also where the folder may be written by everybody: Ansible would not read its ansible.cfg by itself there.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# What is as it should be already is not worth a line; ARGS=-v shows more.
demo down verify render: export ANSIBLE_DISPLAY_OK_HOSTS := false
# Nor is which file a step is in (ansible-core 2.21 and later).
demo down verify render: export ANSIBLE_DISPLAY_INCLUDED_HOSTS := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Ansible starts in no other encoding; what the environment says of languages stays out of logs and tests as well.
export LC_ALL := C.UTF-8
# Not so for all: each module that Ansible starts would read its program, some hundred kilobytes, byte by byte.
unexport PYTHONUNBUFFERED
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.for-tests ## make the Python environment in .venv

demo: $(VENV)/.for-playbooks ## install a stack on this machine, play recorded sessions into it, check it (DEMO_SAMPLES=none: empty)
	@mkdir -p .cache && touch .cache/demo-started
	@$(PLAYBOOK) -i playbooks/inventory/demo.yml playbooks/demo.yml $(ARGS) || failed=$$?; \
	if [ $(REPORT) -nt .cache/demo-started ]; then echo "Report: $(CURDIR)/$(REPORT)"; fi; exit $${failed:-0}

down: $(VENV)/.for-playbooks ## stop and remove the demo; DATA=1 deletes its data and report as well
	$(if $(DELETES_REPORT),@rm -rf $(dir $(REPORT)))
	@$(PLAYBOOK) -i playbooks/inventory/demo.yml playbooks/remove.yml $(if $(DELETES_DATA),-e stack_remove_data=true) $(ARGS)

verify: $(VENV)/.for-playbooks ## check a running stack (INVENTORY=your.yml; the demo without it)
	@$(PLAYBOOK) -i $(INVENTORY) playbooks/verify.yml $(ARGS)

render: $(VENV)/.for-playbooks ## write files/dashboards from the catalogue; do it after a change of the catalogue
	@$(PLAYBOOK) playbooks/render.yml $(ARGS)

test: $(VENV)/.for-tests ## run all tests (a part: ARGS=tests/unit)
	@$(PYTEST) $(if $(ARGS),$(ARGS),-n 3 --dist loadfile --no-loadscope-reorder)

lint: $(VENV)/.for-tests ## run the linters alone
	@$(PYTEST) tests/lint $(ARGS)

bench: $(VENV)/.for-tests ## measure what the collector and the stores take
	@$(PYTEST) -s $(if $(findstring tests/bench,$(ARGS)),,tests/bench) $(ARGS)

clean: ## delete the Python environment and caches of this folder; not the demo
	rm -rf $(VENV) .cache .ansible .pytest_cache .ruff_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with the modules venv and ensurepip was found." \
		"Install one (Debian: apt-get install python3 python3-venv), or name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making the environment $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.for-playbooks: requirements.txt constraints.txt | $(VENV)/bin/python
	@echo "Installing Ansible into $(VENV)"
	@$(VENV)/bin/python -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.for-tests: requirements-test.txt $(VENV)/.for-playbooks
	@echo "Installing what the tests need into $(VENV)"
	@$(VENV)/bin/python -m pip install --quiet -r requirements-test.txt
	@touch $@
