# The whole life of a checkout: environment, demo, tests, checks, benchmarks.
VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
# Most tests wait for real processes, so a few more than there are cores.
JOBS ?= 3
# What the lock holds: every extra of pyproject.toml but torch.
EXTRAS := embedded sklearn skops xgboost lightgbm onnx kubernetes dev

.PHONY: help setup demo test check bench lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(STAMP) ## Make the environment; quick when nothing changed

$(STAMP): requirements/all.lock pyproject.toml tools/setup-environment
	PYTHON="$(PYTHON)" tools/setup-environment $(VENV)
	@touch $@

demo: $(STAMP) ## Real data from a pushed model to a drift alert (DEMO="--no-wait": stop at the end)
	@$(BIN)/tidegate demo $(DEMO)

test: $(STAMP) ## Every test (TESTS="tests/unit": some of them; JOBS=1: one after the other)
	$(BIN)/python -m pytest -n $(JOBS) --durations 25 --durations-min 10 --dist loadfile --no-loadscope-reorder $(TESTS)

check: $(STAMP) ## Style, types, import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/unit/test_import_direction.py

bench: $(STAMP) ## Measure; figures, no verdicts
	$(BIN)/python -m benchmarks

lock: $(STAMP) ## Resolve the dependencies again
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
		$(EXTRAS:%=--extra %) --upgrade --custom-compile-command "make lock" -o requirements/all.lock pyproject.toml

clean: ## Remove the environment and the tools' caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis build *.egg-info
