# Everything a developer, a visitor or the CI calls. `make help` lists it.

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/installed
DATA = $${EVERSHELF_DATA_DIR:-data}
FILE =
PYTEST_ARGS =

.PHONY: help install run load verify test check clean reset

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile | expand -t 12

install: $(INSTALLED)  ## make .venv with the pinned dependencies, and nothing else

run: install  ## start the demo (or, with MONGODB_URI, follow that database); Ctrl+C stops
	@exec $(BIN)/python -m listener.demo

load: install  ## put FILE=products.jsonl (or .jsonl.gz) into the demo, instead of the samples
	@exec $(BIN)/python run_listener.py load $(FILE)

verify: install  ## compare the model with one trained from scratch, in all products
	@exec $(BIN)/python run_listener.py verify --demo

test: install  ## run the whole test suite, on a real mongod
	@exec $(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

check: install  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:  ## remove .venv and caches; the demo's data stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset:  ## remove the demo's database and the model; the next run starts afresh
	rm -rf "$(DATA)/mongod" "$(DATA)/model"

$(INSTALLED): requirements.lock pyproject.toml
	@for python in "$(PYTHON)" python3 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	        && break; \
	    python=; \
	done; \
	if [ -z "$$python" ]; then \
	    echo 'Python 3.11 or later is missing. Run: sudo apt-get install -y python3 python3-venv' >&2; \
	    echo '(or python3.11 and python3.11-venv, where python3 is older).' >&2; \
	    exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    echo "Python's venv module is missing. Run: sudo apt-get install -y python$$version-venv" >&2; \
	    exit 1; \
	fi; \
	$(BIN)/python -c 'import pip' 2>/dev/null || "$$python" -m venv --clear $(VENV)
	@echo 'Installing the pinned dependencies into $(VENV); this takes a minute or two.'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --no-deps --no-build-isolation --editable .
	@echo 'Compiling the kernels, once.'
	@$(BIN)/python -c 'import recommender.kernels'
	@$(BIN)/python -m listener.demo.preflight || true
	@touch $(INSTALLED)
