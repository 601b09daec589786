# Everything a user or contributor does first. `make demo` and `make test` need only Python 3.11+, git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
VIDEO  ?=
# Which optional parts the tests may use: `make test EXTRAS=test,train` also runs those of training (needs torch).
EXTRAS ?= test

.DEFAULT_GOAL := help
.PHONY: help install demo test check format renderer proto bench-accuracy clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("privacy needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.extras-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@ $(VENV)/.installed

install: $(VENV)/.installed ## Create .venv with the command .venv/bin/privacy

demo: $(VENV)/.installed ## Mask a clip through the running service; VIDEO=path for your own
	$(BIN)/python examples/demo.py $(if $(VIDEO),--video '$(VIDEO)') --out demo-out

test: $(VENV)/.extras-$(EXTRAS) ## Run the tests; PRIVACY_DATA=folder adds those on real pictures
	$(BIN)/python -m pytest $(PYTEST)

check: $(VENV)/.extras-dev ## Lint, types, imports, proto
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python proto/lint.py

format: $(VENV)/.extras-dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

renderer: ## Create .venv-render with Blender, for datasets/rendered (Python 3.11, 0.9 GB)
	python3.11 -m venv .venv-render
	.venv-render/bin/python -m pip install --quiet -r datasets/rendered/requirements.txt

proto: $(VENV)/.extras-dev ## Generate privacy/v1 and privacy/inference from proto/
	$(BIN)/python proto/generate.py

bench-accuracy: $(VENV)/.extras-bench ## Fill in benchmarks/results/bench.md; needs PRIVACY_DATA, takes about half an hour
	$(BIN)/python benchmarks/leaderboard.py

clean: ## Remove what the targets above have made
	rm -rf $(VENV) .venv-render demo-out build dist
