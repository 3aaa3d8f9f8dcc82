# Each target does all the set-up it needs: a virtual environment with exactly what requirements/dev.txt names.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := python -m pip --disable-pip-version-check
QUIETLY := --quiet
VERIFIED := --require-hashes --only-binary :all:
COMPILE = UV_CUSTOM_COMPILE_COMMAND='make pins' $(VENV)/pins/bin/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-annotate

.PHONY: demo test lint types unit bench soak mutations format wheel wheels pins clean install uninstall test-systemd unit-debian

demo: $(READY)
	$(BIN)/betterstack-signl4 demo

test: lint types unit

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest --numprocesses 3 --dist worksteal $(TESTS)

bench: $(READY)
	$(BIN)/python -m tests.bench $(WORDS)

soak: $(READY)
	$(BIN)/python -m tests.soak

mutations: $(READY)
	$(BIN)/python -m tests.mutations $(WORDS)

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(READY)
	$(BIN)/python -m hatchling build -t wheel

# The project itself is built by what is installed already: nothing but what the file names is downloaded or run.
$(READY): pyproject.toml requirements/dev.txt
	@echo 'Sets up $(VENV) with the packages that requirements/dev.txt names: about a minute.'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/$(PIP) install $(QUIETLY) $(VERIFIED) --requirement requirements/dev.txt
	@$(BIN)/$(PIP) install $(QUIETLY) --no-deps --no-build-isolation --editable .
	@touch $(READY)

# The names in requirements/ stay as they are and new ones join; with UPGRADE=1 all are raised.
pins:
	@echo 'Looks up the packages that pyproject.toml asks for, with their hashes: about half a minute.'
	@$(PYTHON) -m venv $(VENV)/pins
	@$(VENV)/pins/bin/$(PIP) install $(QUIETLY) --upgrade uv
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra dev --output-file requirements/dev.txt pyproject.toml
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --constraint requirements/dev.txt --extra postgresql --output-file requirements/postgresql.txt pyproject.toml
	echo hatchling | $(COMPILE) --constraint requirements/dev.txt --output-file requirements/build.txt -
	@rm -rf $(VENV)/pins

# For a machine without internet, of the same kind and with the same Python: sudo make install WHEELS=wheels
# EXTRAS=postgresql, here and there: for a database on a server.
wheels:
	@echo 'Downloads what `make install` needs into wheels/.'
	@rm -rf wheels
	@$(PYTHON) -m venv $(VENV)/wheels
	@$(VENV)/wheels/bin/$(PIP) download $(QUIETLY) $(VERIFIED) --dest wheels \
		--requirement requirements/$(or $(EXTRAS),run).txt --requirement requirements/build.txt
	@rm -rf $(VENV)/wheels

test-systemd: $(READY)
	$(BIN)/pytest tests/systemd

unit-debian: $(READY)
	$(BIN)/python -m tests.systemd.unit_tests

# make hands on DESTDIR, PREFIX, PYTHON, WHEELS and EXTRAS as they were given to it.
install:
	@sh systemd/install.sh

uninstall:
	@sh systemd/uninstall.sh

clean:
	rm -rf $(VENV) dist wheels .mypy_cache .pytest_cache .ruff_cache .hypothesis
