# What can be done here. `make` alone lists the verbs. Works with GNU make 3.81 (macOS) and later.

PYTHON = .venv/bin/python
RUNTIME = .venv/has-requirements
DEVELOPMENT = .venv/has-requirements-dev
ARGS =

.DEFAULT_GOAL = help
.PHONY: help setup serve test trust check lint types docs bench clean lock

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

setup: $(DEVELOPMENT) ## make .venv with the locked packages (the other verbs do it when needed)

serve: $(RUNTIME) ## start the server; more with ARGS="--port 0 --data /tmp/data"
	@./setup.sh page || echo "make: the pages are without script, and complete" >&2
	@exec $(PYTHON) server.py serve $(ARGS)

test: $(DEVELOPMENT) programs page ## run the tests; some of them with ARGS="tests/test_names.py"
	@$(PYTHON) -m pytest $(ARGS)

trust: $(DEVELOPMENT) programs ## break everything that can break, for hours; more with ARGS="--help"
	@exec nice $(PYTHON) -m tests.trust.run $(ARGS)

check: lint types docs test ## everything that must pass: lint, types, docs, test

lint: $(DEVELOPMENT) ## ruff and biome: rules and format
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check --quiet .
	@$(PYTHON) -m page.building lint

types: $(DEVELOPMENT) ## mypy and tsc, strict
	@$(PYTHON) -m mypy
	@$(PYTHON) -m page.building types

docs: $(DEVELOPMENT) ## the documents say what the code does
	@$(PYTHON) -m pytest -q tests/test_docs.py

bench: $(DEVELOPMENT) ## measure; one benchmark with ARGS="peers --help"
	@exec $(PYTHON) bench/run.py $(ARGS)

clean: ## remove .venv and caches; never data/
	rm -rf .venv .venv-peers .venv-clients page/node_modules handlers/browser/static/page build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +

lock: ## choose the newest packages anew (needs uv)
	uv pip compile pyproject.toml $(LOCKED) --upgrade -o requirements.lock
	uv pip compile $(LOCKED) --upgrade --group pyproject.toml:page -o page/requirements.lock
	uv pip compile pyproject.toml $(LOCKED) --upgrade --group dev -c requirements.lock -o requirements-dev.lock

LOCKED = --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.PHONY: programs page
programs:
	@./setup.sh programs

page: $(DEVELOPMENT)
	@./setup.sh page

$(RUNTIME): requirements.lock setup.sh
	@./setup.sh packages requirements.lock
	@touch $@

# The development lock holds the runtime packages too, in the same versions.
$(DEVELOPMENT): requirements-dev.lock requirements.lock setup.sh
	@./setup.sh packages requirements-dev.lock
	@touch $(RUNTIME) $@
