# Everything runs from a fresh clone with git, make and python3 (with venv); uv is used where it is present.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_VENV := .venv-bench
SHARED_EXAMPLES := ../shared/examples
# The golden programs which run as they stand today; a name joins the list when its features are there.
GOLDEN ?= a01 a02 a03 a04 a05 a07 a08 a09 a10 e01 e02 e03 e04 e05

# What `make proofs` draws examples from: each time others, or those of a run that was red, e.g. make laws SEEDS=123
ifndef SEEDS
SEEDS := $(shell od -An -N12 -tu4 /dev/urandom)
endif
DRAWN := --hypothesis-profile=fresh --hypothesis-seed=$(firstword $(SEEDS))

.PHONY: help install demo test check examples docs bench proofs laws promises kill powercut chaos races loyalty fuzz nonsense parity sabotage clean

help:
	@echo "make demo      a base of real customers, and what one asks of it"
	@echo "make test      all tests, in minutes; the same examples for everybody, so what is red was made so by a change"
	@echo "make check     style, types, and who may import whom"
	@echo "make docs      the pages of docs/; make examples: the programs"
	@echo "make proofs    what one runs before a change of rules lands: new examples, kills and races for an hour; its parts:"
	@echo "                 laws (every property test, under three new seeds), kill, powercut, chaos, races, loyalty, fuzz, nonsense,"
	@echo "                 parity"
	@echo "                 SEEDS=... repeats a run: it prints its seeds"
	@echo "make sabotage  defects made on purpose, one at a time in a copy: a test must notice each; ARGS=--short tries ten"
	@echo "make bench     how fast it is, beside others"
	@echo "make clean     remove what was made"

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

# New examples for every law, and the long forms of what `make test` proves in seconds: about an hour on two cores.
proofs: laws promises kill powercut chaos races loyalty fuzz nonsense parity

laws: $(STAMP)
	@set -e; for seed in $(SEEDS); do \
	  echo "make laws SEEDS=$$seed"; \
	  $(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile=fresh --hypothesis-seed=$$seed; \
	done

kill: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_killing.py --proofs=long

# Each corruption of a store on both databases, and each test of the facade with a look at its whole store at the end.
promises: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/verifying tests/crm --proofs=long

# What a SQLite file is after a power cut at four hundred moments, by what was synced; it needs a C compiler.
powercut: $(STAMP)
	$(BIN)/python -m pytest tests/proofs/test_powercut.py --proofs=long

# Eight processes do everything at once and are killed, minutes on each store; then every promise is looked at.
chaos: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_chaos.py --proofs=long $(DRAWN)

races: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_races.py --proofs=long

# Points, accounts and coupons in any order, against a model of their own.
loyalty: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_loyalty.py --proofs=long $(DRAWN)

# Filters, as text and as JSON, and files, twenty thousand of each.
fuzz: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_fuzzing.py --proofs=long $(DRAWN)

# Two thousand calls of each public verb with nonsense.
nonsense: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_nonsense.py --proofs=long $(DRAWN)

parity: $(STAMP)
	$(BIN)/python -m pytest -n 2 tests/proofs/test_parity.py --proofs=long $(DRAWN)

# Each patch of tests/sabotage in a copy of the project; a word of its name in ARGS tries it alone.
sabotage: $(STAMP)
	$(BIN)/python tools/sabotage.py $(ARGS)

clean:
	rm -rf $(VENV) $(BENCH_VENV) build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
