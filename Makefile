# What a person does with Cradle. Needs only Python 3.11 or newer: everything else goes to `.venv` and `var`.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
CRADLE := $(RUN) -m app.cli
UPGRADE ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint bench openapi requirements clean

help: ## Show what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done

demo: $(VENV)/run.stamp ## Start Cradle with its own database and synthetic children (CRADLE_PORT moves it)
	@$(CRADLE) demo

test: $(VENV)/test.stamp ## Run the tests, all but the long ones
	$(RUN) -m pytest -m "not long"

test-long: $(VENV)/long.stamp ## Run the tests that take minutes, and look for known weaknesses
	$(RUN) -m bandit --quiet --recursive app --severity-level medium
	$(RUN) .ci/audit requirements/run.txt
	@$(RUN) -m pytest -m long --collect-only -qq >/dev/null 2>&1; \
	if [ $$? -eq 5 ]; then echo 'No test is marked `long`.'; else $(RUN) -m pytest -m long; fi

lint: $(VENV)/test.stamp ## Check style, types and the direction of imports
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy app tests
	$(VENV)/bin/lint-imports

bench: $(VENV)/test.stamp ## Measure: every program in bench/, one after the other
	@set -e; for program in bench/[a-z]*.py; do \
		[ -e "$$program" ] || { echo 'There is nothing in bench/ yet.'; break; }; \
		echo "== $$program"; PYTHONPATH=. $(RUN) "$$program"; \
	done

openapi: $(VENV)/test.stamp ## Write openapi/openapi.json and the CapabilityStatement anew
	$(RUN) -m openapi.generate > openapi/new.json && mv openapi/new.json openapi/openapi.json
	$(RUN) -m fhir_profiles.CapabilityStatement.generate > openapi/new.json && mv openapi/new.json fhir_profiles/CapabilityStatement/cradle.json

requirements: $(VENV)-lock/bin/uv ## Lock the dependencies of pyproject.toml again (UPGRADE=--upgrade takes newer ones)
	$(call lock,run,--extra embedded)
	$(call lock,test,--extra embedded --group test --group lint --constraints requirements/run.txt)
	$(call lock,long,--extra embedded --group test --group lint --group long --constraints requirements/test.txt)

clean: ## Remove .venv and what tools leave behind; the databases in var/ stay
	rm -rf $(VENV) $(VENV)-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build
	find app migrations tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# --- how `.venv` is made: again only when its list of requirements has changed

.PRECIOUS: $(VENV)/%.stamp
$(VENV)/%.stamp: requirements/%.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/bin/python:
	@$(call made,$(VENV))

$(VENV)-lock/bin/uv:
	@$(call made,$(VENV)-lock)
	$(VENV)-lock/bin/python -m pip install --quiet uv

define made
command -v $(PYTHON) >/dev/null || { echo 'Cradle needs Python 3.11 or newer, and there is no $(PYTHON).'; exit 1; }; \
$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Cradle needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.11" % sys.version_info[:2])' && \
{ $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'This Python cannot make a virtual environment. On Debian: apt-get install python3-venv'; exit 1; }; } && \
{ $(PYTHON) -m venv $(1) || { rm -rf $(1); exit 1; }; }
endef

lock = $(VENV)-lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate $(UPGRADE) $(2) --output-file requirements/$(1).txt
