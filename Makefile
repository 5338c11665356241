# Two commands do everything: `make bench` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OTAVA := .venv-otava
MEASURING := $(VENV)/.measuring
READY := $(VENV)/.ready
TREE := src bench impl_sequential impl_batched tests docs

.PHONY: bench test test-whole lint docs history history-pages steps otava tensorboard clean

# Of another model and its SAEs: make bench SUBJECT=NAME
bench: $(MEASURING)
	$(BIN)/python -m bench run $(if $(SUBJECT),--subject '$(SUBJECT)')

# All tests, or those of one job: make test JOB=pure (tests/jobs.py). Where results/suite.json says that all passed on these
# very files, of the slow ones a share (tests/whole.py). Benchmarks are run and not timed. Tests of a file mostly stay in
# one process, which shares what is slow to make, until a process that has no more takes over. Three keep two cores busy,
# since some tests wait. Byte code is kept, or each process would compile all of it anew.
TEST_PROCESSES ?= 3
SUITE := share
test: $(READY)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal --benchmark-disable --durations 10 --suite $(SUITE) $(if $(JOB),-m $(JOB))

# All tests, whatever that record says, which is then written anew.
test-whole:
	@$(MAKE) --no-print-directory test SUITE=whole JOB=

lint: $(READY)
	$(BIN)/ruff format --check $(TREE)
	$(BIN)/ruff check $(TREE)
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml

# The documentation, in docs/_build; what a page says of the code is taken from it.
docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build
	@echo "Documentation: docs/_build/index.html"

# Measures the last commit under asv, makes its pages and serves them.
history: $(READY)
	$(BIN)/asv machine --yes
	$(BIN)/asv run --show-stderr HEAD^!
	$(BIN)/asv publish
	@$(MAKE) --no-print-directory history-pages

# asv's own preview listens to the whole network; this listens to this machine alone.
PAGES_PORT ?= 8080
history-pages: $(READY)
	@test -f results/asv/html/index.html || { echo "No pages yet. Make them with: make history"; exit 2; }
	@echo "History: http://127.0.0.1:$(PAGES_PORT)/ (another port: make history-pages PAGES_PORT=8081; Control-C ends it)"
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory results/asv/html $(PAGES_PORT)

# Finds steps in the records of many sittings.
steps: $(READY) otava
	$(BIN)/python -m bench records --workload report --otava results/otava
	$(OTAVA)/bin/otava analyze all --config-file results/otava/otava.yaml

otava: $(OTAVA)/.ready

# Figures and traces on this machine alone; TensorBoard says when it is ready, or that the port is taken.
PORT ?= 6006
tensorboard: $(MEASURING)
	$(BIN)/python -m bench dashboards
	@echo "TensorBoard: http://127.0.0.1:$(PORT)/ (another port: make tensorboard PORT=6007; Control-C ends it)"
	$(BIN)/tensorboard --logdir results/traces --host 127.0.0.1 --port $(PORT)

INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

# What measures alone, so that the main job need not wait for what tests and documents it.
$(MEASURING): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Python %d.%d found. Expected 3.11 or newer: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(INSTALL) --editable '.[lens,report,tensorboard]'
	@touch $@

$(READY): $(MEASURING)
	$(INSTALL) --group test --group studies --group docs --editable '.[lens,report,tensorboard,notebooks,asv]'
	@touch $@

# Apache Otava holds numpy to a release of its own, so it gets an environment of its own.
$(OTAVA)/.ready: Makefile
	$(PYTHON) -m venv $(OTAVA)
	$(OTAVA)/bin/python -m pip install --quiet apache-otava==0.8.0
	@touch $@

clean:
	rm -rf $(VENV) $(OTAVA) docs/_build .cache .pytest_cache .mypy_cache .ruff_cache results/traces results/otava results/asv/env results/asv/html
