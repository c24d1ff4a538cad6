# Two commands do everything: `make sandbox` and `make test`. Each sets itself up; only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip

# Compiled modules are kept, else every process of the sandbox and of the tests would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: sandbox test soak lint bench pins clean

sandbox: $(VENV)/sandbox
	@$(BIN)/spotter-sandbox $(ARGS)

test: $(VENV)/dev
	@$(BIN)/python -m pytest $(ARGS)

soak: $(VENV)/dev
	@$(BIN)/python -m pytest -n 0 --timeout 0 -m soak $(ARGS)

lint: $(VENV)/dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python requirements/audit.py

bench: $(VENV)/dev
	@$(BIN)/python -m tests.bench $(ARGS)

# Compile the pinned requirements again after a change of pyproject.toml.
pins: COMPILE := $(UV) compile -q --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header pyproject.toml
pins: $(VENV)/uv
	$(COMPILE) --extra postgres -o requirements/run.txt
	$(COMPILE) --extra sandbox --extra postgres -o requirements/sandbox.txt
	$(COMPILE) --extra sandbox --extra postgres --group dev -o requirements/dev.txt
	$(UV) compile -q --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.9 --no-header --group edge -o requirements/edge.txt

clean:
	rm -rf $(VENV) .sandbox .bench-others

$(VENV)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit("Spotter needs Python 3.11 or newer; set PYTHON to one.") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/sandbox: $(VENV)/uv requirements/sandbox.txt pyproject.toml
	@echo "Installing Spotter and its sandbox into $(VENV) …"
	@VIRTUAL_ENV=$(VENV) $(UV) install --quiet --require-hashes -r requirements/sandbox.txt
	@VIRTUAL_ENV=$(VENV) $(UV) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/sandbox requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) $(UV) install --quiet --require-hashes -r requirements/dev.txt
	@echo "Compiling what the tests import, once for all their processes …"
	-@$(BIN)/python -m pytest -n 0 --collect-only >/dev/null
	@$(BIN)/python -W ignore -c "import azure.ai.ml, onnxruntime, playwright.sync_api, sandbox.trainer.training"
	@touch $@
