# Needs Python 3.11 or newer and make; everything else goes into .venv.
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
# A Python of your choice: make install PYTHON=/path/to/python3
PYTHON :=
# Options for pytest: make test ARGS="-k settings"
ARGS :=
BY_MODULE := --dist loadscope --no-loadscope-reorder
ALL_CORES := -n auto $(BY_MODULE)
# The pure rules, the cards, the policy, and one whole life of a request.
SMOKE := $(wildcard $(patsubst %,tests/unit/test_%.py,\
  answer_rule cards_* deciders_now digest edit_* eligibility judge* policy_* \
  reminder_times typed_confirmation)) \
  "tests/acceptance/test_main_job.py"
# Bytecode is kept wherever that can be written: without it each start of the bot takes
# a second more, and pytest rewrites every test in every process.
export PYTHONDONTWRITEBYTECODE :=
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help run test smoke long check bench install lock sbom mutants clean

help:
	@echo "make run      set up and run the bot; with no Slack variables, the simulator"
	@echo "make test     set up and run every test (ARGS=... for pytest)"
	@echo "make smoke    the tests that take seconds, to run on each save"
	@echo "make long     what takes long: every crash, more examples, a soak, mutants, image"
	@echo "make check    lint, format, types, import rules, Dockerfile"
	@echo "make install  the set-up alone"
	@echo "make bench    the benchmarks, a quarter of an hour"
	@echo "make sbom     the bill of materials, sbom.json"
	@echo "make mutants  whether the tests notice changes of the guard (up to an hour)"
	@echo "make lock     bring requirements.lock in line with pyproject.toml"
	@echo "make clean    remove .venv and caches; .data, the bot's data, stays"

# exec: Ctrl-C and SIGTERM reach the bot itself, which then ends in order.
run: $(STAMP)
	@exec $(PY) -m bot

# All cores; the tests of one module share a server, a bot and a simulator.
test: $(STAMP)
	@$(PY) -m pytest $(ALL_CORES) $(ARGS)

smoke: $(STAMP)
	@$(PY) -m pytest -n logical $(BY_MODULE) $(SMOKE) $(ARGS)

long: $(STAMP)
	@CRASHES=all $(PY) -m pytest $(ALL_CORES) tests/acceptance/test_crash_matrix.py
	@$(PY) -m pytest $(ALL_CORES) -m long
	@$(PY) -m pytest $(ALL_CORES) -m "hypothesis and not long" --hypothesis-profile=long
	@$(PY) -m tests.bench soak --seed 1 --minutes 2
	@$(PY) -m tests.support.image_steps
	@$(MAKE) mutants

check: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright
	$(VENV)/bin/lint-imports
	$(VENV)/bin/hadolint Dockerfile
	$(PY) -m tests.support.installed

bench: $(STAMP)
	@if [ -f tests/bench/__main__.py ]; then exec $(PY) -m tests.bench $(ARGS); fi; \
	echo "There are no benchmarks in this version yet." >&2; exit 1

sbom: $(STAMP)
	@$(PY) -m tests.support.sbom > sbom.json && echo "Written: sbom.json"

# Beside .venv, since nothing else needs it: make mutants ARGS="bot.approvals.judge*"
mutants: $(STAMP)
	@$(PIP) --upgrade --target .mutmut --requirement mutants.lock
	@PYTHONPATH="$(CURDIR)/.mutmut" $(PY) -m mutmut run $(ARGS)
	@PYTHONPATH="$(CURDIR)/.mutmut" $(PY) -m mutmut results
	@PYTHONPATH="$(CURDIR)/.mutmut" $(PY) -m mutmut export-cicd-stats
	@$(if $(ARGS),,$(PY) -m tests.support.mutants)

install: $(STAMP)

# uv sets up in a third of pip's time; where there is none, pip does it. A mirror's address
# may hold a password, and everybody on the machine can read a command line.
# The stamp is touched last, so a set-up that was cut off is done again.
$(STAMP): requirements.lock
	@if ! $(PY) -c "$(ENOUGH)" 2>/dev/null; then \
	  found=; for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
	    if [ -n "$$python" ] && "$$python" -c "$(ENOUGH)" 2>/dev/null; then \
	      found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "Python 3.11 or newer is needed and none was found:" \
	      "install one, or name it with PYTHON=/path/to/python3." >&2; exit 1; fi; \
	  echo "Setting up .venv; this is done once and takes about a minute."; \
	  if ! "$$found" -m venv --clear $(VENV); then \
	    rm -rf $(VENV); \
	    echo "This Python cannot make a virtual environment:" \
	      "install its venv module (on Debian: python3-venv)." >&2; exit 1; fi; \
	fi
	@sed -n '/^uv==/,/# via/p' requirements.lock > $(VENV)/uv.lock
	@{ $(PIP) --requirement $(VENV)/uv.lock && \
	  index=$${PIP_INDEX_URL:-$$($(PY) -m pip config get global.index-url 2>/dev/null)}; \
	  if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	  $(VENV)/bin/uv pip install --quiet --python $(PY) --require-hashes \
	    --compile-bytecode --requirement requirements.lock; } || \
	  $(PIP) --requirement requirements.lock
	@touch $@

lock: $(STAMP)
	$(VENV)/bin/uv pip compile pyproject.toml --all-extras --no-strip-extras --universal \
	  --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --output-file requirements.lock

clean:
	rm -rf $(VENV) .mutmut mutants .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find agent bot tests -name __pycache__ -type d -prune -exec rm -rf {} +
