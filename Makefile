# Two commands do everything: `make demo` and `make test`. Both set up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup demo test lint bench browser clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt seedbench/weights.toml
	$(PYTHON) -c 'import sys; sys.exit("SeedBench needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	$(BIN)/python -m pip check
	$(BIN)/seedbench weights fetch
	touch $@

# The main job in small: six systems on the suite `quick`, with a report, and an arena of the same clips with votes of simulated voters.
demo: setup
	$(BIN)/python -m seedbench.cli.demo
	$(BIN)/seedbench arena demo

# Every test, the browser's too. Chromium comes from the system's packages where it is not there yet.
test: setup browser lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { echo "installing chromium for the browser tests"; (apt-get update -qq && apt-get install -y -qq chromium >/dev/null) || \
	    (sudo apt-get update -qq && sudo apt-get install -y -qq chromium >/dev/null); }

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/seedbench bench

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
