# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
# Wheels are kept in WHEELS, so that a later clone works without a network.

PYTHON ?= python3
VENV ?= .venv
WHEELS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/keychange/wheels

bin := $(VENV)/bin
pip := $(bin)/python -m pip --disable-pip-version-check

.PHONY: help demo test bench bench-quick docs lint types wheel clean

help:
	@echo "make demo   the whole upgrade on the sample workspace, with a real MLX synthesis"
	@echo "make test   lint, types and all tests"
	@echo "make bench  keychange beside its peers, in ratios; make bench-quick in a few minutes"
	@echo "make docs   what is made of the documents: references, outputs, the picture, transcripts"
	@echo "make wheel  build the wheel and the source distribution into dist/"
	@echo "make clean  remove what make made"

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "keychange needs Python 3.11 or later; say make PYTHON=python3.12"; exit 1; }
	@mkdir -p $(WHEELS)
	$(PYTHON) -m venv $(VENV)
	@echo "fetching packages into $(WHEELS)"
	@$(pip) wheel -q -w $(WHEELS) -c constraints.txt pip hatchling editables \
	  || echo "offline: using the wheels in $(WHEELS)"
	@$(pip) install -q --no-index --find-links $(WHEELS) -c constraints.txt pip hatchling editables
	@$(pip) wheel -q --find-links $(WHEELS) -w $(WHEELS) -c constraints.txt --no-build-isolation -e '.[mlx]' --group dev \
	  || echo "offline: using the wheels in $(WHEELS)"
	@rm -f $(WHEELS)/keychange-*.whl
	$(pip) install -q --no-index --find-links $(WHEELS) -c constraints.txt --no-build-isolation -e '.[mlx]' --group dev
	@touch $@

demo: $(VENV)/.ready
	@$(bin)/python -m keychange demo

test: $(VENV)/.ready lint types
	@# the hooks of pre-commit install keychange once more, from the same wheels
	PIP_NO_INDEX=1 PIP_FIND_LINKS=$(WHEELS) $(bin)/python -m pytest -n 2 --dist worksteal

bench: $(VENV)/.ready
	@$(bin)/python tests/bench

bench-quick: $(VENV)/.ready
	@$(bin)/python tests/bench --quick

docs: $(VENV)/.ready
	@$(bin)/python tests/readme --write --picture
	@$(bin)/python tests/transcripts --write

lint: $(VENV)/.ready
	$(bin)/ruff check
	$(bin)/ruff format --check

types: $(VENV)/.ready
	$(bin)/mypy

wheel: $(VENV)/.ready
	$(bin)/python -m hatchling build -d dist

clean:
	rm -rf $(VENV) .bench dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
