# Everything runs from a fresh clone with git, make and python3 (with venv); uv is used where it is present.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_VENV := .venv-bench
SHARED_EXAMPLES := ../shared/examples
# The golden programs which run as they stand today; a name joins the list when its features are there.
GOLDEN ?= a01 a02 a03 a04 a05 a07 a08 a09 a10 e01 e02 e03 e04 e05

.PHONY: help install demo test check examples docs bench proofs kill races loyalty fuzz parity clean

help:
	@echo "make demo | test | check | examples | docs | bench | proofs (kill, races, loyalty, fuzz, parity) | clean"

# $(call environment,FOLDER,GROUP): a virtual environment with custcrm, editable, and one dependency group.
define environment
@set -e; if command -v uv >/dev/null 2>&1; then \
  test -x $(1)/bin/python || uv venv --quiet --python $(PYTHON) $(1); \
  uv pip install --quiet --python $(1)/bin/python --editable '.[postgres,cli]' --group $(2); \
else \
  test -x $(1)/bin/python || $(PYTHON) -m venv $(1); \
  $(1)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'; \
  $(1)/bin/python -m pip install --quiet --editable '.[postgres,cli]' --group $(2); \
fi
@touch $@
endef

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(call environment,$(VENV),dev)

$(BENCH_VENV)/.installed: pyproject.toml
	$(call environment,$(BENCH_VENV),bench)

demo: $(STAMP)
	$(BIN)/custcrm demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One PostgreSQL for all of them; the programs which need none ignore it.
examples: $(STAMP)
	$(BIN)/python tests/postgresql_server.py -- $(BIN)/python tools/run_examples.py --golden $(SHARED_EXAMPLES) $(GOLDEN)

docs: $(STAMP)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

# In an environment of its own: an engine that we compare with wants an older python-dateutil than the tests have.
bench: $(BENCH_VENV)/.installed
	$(BENCH_VENV)/bin/python tests/postgresql_server.py -- $(BENCH_VENV)/bin/python -m benchmarks $(ARGS)

# The long forms of what `make test` proves in seconds: all of them take about half an hour on two cores.
proofs: kill races loyalty fuzz parity

kill: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_killing.py --proofs=long

races: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_races.py --proofs=long

# Points, accounts and coupons in any order, against a model of their own.
loyalty: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_loyalty.py --proofs=long

fuzz: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_fuzzing.py --proofs=long

parity: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_parity.py --proofs=long

clean:
	rm -rf $(VENV) $(BENCH_VENV) build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
