# `make run`: the embedded sandbox, the job end to end.  `make test`: lint, types, contracts, tests.
# `make chaos`: the fault injection of docs/reliability.md in full, for an hour or two.
# `make bench`, `make profile`: the tables of docs/performance.md.
# `make bench-peers`: the table of docs/peers.md, which needs Python 3.12 or newer as PEERS_PYTHON.
# `make harm OLD=COMMIT`: the reproductions of tests/flow/harm with that commit's program and with this one.
# `make real`: the tests that need real programs, which Go builds once into a cache (CONTRIBUTING.md).
# They need Python 3.11 or newer, git and make; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt

.PHONY: run test lint types contracts decision tests real chaos harm bench bench-peers profile lock clean

run: $(VENV)/run.stamp
	@$(BIN)/flux-gitlab-syncer sandbox $(ARGS)

test: lint types contracts decision tests

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint Dockerfile

types: $(VENV)/test.stamp
	$(BIN)/mypy

contracts: $(VENV)/test.stamp
	$(BIN)/lint-imports

# The decision's own tests reach every branch of it. All others run without measuring that, which costs time.
decision: $(VENV)/test.stamp
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --cov --cov-report term tests/reconcile

tests: $(VENV)/test.stamp
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --ignore tests/reconcile --ignore tests/real $(ARGS)

# Prints which real programs ran, and how many tests passed.
real: $(VENV)/test.stamp
	assets=$$($(BIN)/python -m tests.real.build) && PATH=$$assets:$$PATH KUBEBUILDER_ASSETS=$$assets \
		$(BIN)/python -m pytest --timeout 900 tests/cluster tests/real $(ARGS)

FUZZ := tests/fuzz tests/reconcile/desired/test_git_url.py tests/gitlab/test_items.py tests/reconcile/test_model.py \
	tests/reconcile/plan/test_plan_properties.py tests/flux/test_object_shapes.py tests/flux/test_private_keys.py

chaos: $(VENV)/test.stamp
	$(BIN)/python -m pytest --numprocesses auto --timeout 0 tests/chaos --chaos-steps 50000 --chaos-all
	$(BIN)/python -m pytest --numprocesses auto --timeout 0 $(FUZZ) --hypothesis-profile deep

# Only the program under test is old, in a checkout and a venv of its own; servers and tests are this tree's.
harm: $(VENV)/test.stamp $(VENV)/harm/$(OLD)/.venv/run.stamp
	PYTHONPATH=. $(BIN)/python -m tests.flow.harm.table --old $(VENV)/harm/$(OLD) $(ARGS)

$(VENV)/harm/%/.venv/run.stamp:
	git worktree prune
	test -e $(VENV)/harm/$*/Makefile || git worktree add --quiet --detach $(VENV)/harm/$* $*
	$(MAKE) --directory $(VENV)/harm/$* PYTHON=$(PYTHON) .venv/run.stamp

# Each tool of docs/peers.md in a venv of its own, ours among them, all with the same Python.
PEERS_PYTHON ?= python3.13
PEERS := $(VENV)/peers

# The program in a venv of its own, as it is in the image: other packages, once there, are imported too.
$(VENV)/bench.stamp: $(VENV)/bin/python setup.cfg constraints.txt $(shell find reconcile cronjob -name '*.py')
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt --force-reinstall --no-deps .
	$(VENV)/bench/bin/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt .
	@touch $@

bench: $(VENV)/test.stamp $(VENV)/bench.stamp
	PYTHONPATH=. $(BIN)/python -m bench --python $(VENV)/bench/bin/python --write docs/performance.md $(ARGS)

profile: $(VENV)/test.stamp $(VENV)/bench.stamp
	PYTHONPATH=. $(BIN)/python -m bench --python $(VENV)/bench/bin/python --profile --sizes 1000 --write docs/performance.md $(ARGS)

bench-peers: $(VENV)/test.stamp $(foreach tool,ours gitlabform gitlabracadabra python-gitlab,$(PEERS)/$(tool).stamp)
	PYTHONPATH=. $(BIN)/python -m bench.peers --write docs/peers.md $(ARGS)

$(PEERS)/%.stamp: bench/peers/%.txt
	@$(PEERS_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' \
		|| { echo "gitlabform needs Python 3.12 or newer; name one: make PEERS_PYTHON=python3.13 ..." >&2; exit 1; }
	$(PEERS_PYTHON) -m venv --clear $(PEERS)/$*
	$(PEERS)/$*/bin/python -m pip --quiet --disable-pip-version-check install --requirement $<
	@touch $@

$(PEERS)/ours.stamp: setup.cfg pyproject.toml constraints.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(VENV)/bin/python setup.cfg pyproject.toml constraints.txt
	$(PIP) --editable '.[sandbox]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/bin/python setup.cfg pyproject.toml constraints.txt
	$(PIP) --editable '.[all,dev]'
	@touch $@ $(VENV)/run.stamp

# After a change of constraints.txt, of what the package needs, or of image/*.in: what the image installs, by hash.
COMPILE = $(VENV)/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate \
	--no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip --quiet --disable-pip-version-check install pip-tools
	$(COMPILE) --constraint constraints.txt --extra metrics --output-file image/run.lock setup.cfg
	$(COMPILE) --output-file image/build.lock image/build.in
	$(COMPILE) --output-file image/tools.lock image/tools.in

clean:
	rm -rf $(VENV) build dist *.egg-info
