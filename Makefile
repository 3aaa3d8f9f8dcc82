# Each target does all the set-up it needs: a virtual environment with the exact versions of constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint types unit bench soak mutations format wheel clean install uninstall test-systemd

demo: $(READY)
	$(BIN)/betterstack-signl4 demo

test: lint types unit

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest --numprocesses 3 --dist worksteal

bench: $(READY)
	$(BIN)/python -m tests.bench

soak: $(READY)
	$(BIN)/python -m tests.soak

mutations: $(READY)
	$(BIN)/python -m tests.mutations $(WORDS)

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(READY)
	$(BIN)/python -m hatchling build -t wheel

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip install --quiet --editable '.[dev]'
	touch $(READY)

test-systemd: $(READY)
	$(BIN)/pytest tests/systemd

install:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' PYTHON='$(PYTHON)' sh systemd/install.sh

uninstall:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' sh systemd/uninstall.sh

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
