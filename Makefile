# make reports: environment, sync, notebooks, pages.   make serve: any of them about anything, in a browser.   make test: all tests.   make bench: benchmarks.   make lab: the notebooks in JupyterLab.
PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin
LOCKED := $(ENV)/.made-from-lock
INSTALLED := $(ENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

# Without it every process of the suite, hundreds of them, would compile the product anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: reports serve test bench lab filter lock clean

# What JupyterLab and papermill note down beside a notebook's outputs; none of it goes into git.
NOTED := $(foreach key,codemirror_mode file_extension mimetype nbconvert_exporter pygments_lexer version,metadata.language_info.$(key)) metadata.papermill cell.metadata.papermill

reports: $(INSTALLED)
	@$(BIN)/crm-reports night

serve: $(INSTALLED)
	@$(BIN)/crm-reports serve

test: $(INSTALLED)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Each benchmark prints ratios; `make bench ONLY=loader` runs one, and takes its options: ONLY="loader --deals 5000".
bench: $(INSTALLED)
	@$(BIN)/python -m tests.benchmarks $(ONLY)

# With this environment's kernel, whatever python3 the user's home knows, and with something to report on.
lab: $(INSTALLED)
	@[ -e data/store.duckdb ] || $(BIN)/crm-reports sync
	@JUPYTER_PREFER_ENV_PATH=1 $(BIN)/jupyter lab --expose-app-in-browser notebooks

# The locked packages, then this one. An environment is made anew only when the lock changes.
$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m crm_reports.look.bundle
	@$(MAKE) --no-print-directory filter
	@touch $@

# Notebooks go into git without outputs (.gitattributes); where the program for it is gone, as they are.
filter:
	@[ ! -e .git ] || git config filter.nbstripout.clean 'if [ -x $(BIN)/nbstripout ]; then exec $(BIN)/nbstripout --keep-id --extra-keys "$(NOTED)"; else exec cat; fi' || true

$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(f"Python 3.11 or later is needed and {sys.executable} is {v}: say which one with `make PYTHON=python3.12 …`." if sys.version_info < (3, 11) else 0)'
	@echo "Making $(ENV) from requirements.lock; this downloads about 300 MB the first time, which take 1.2 GB here."
	@$(PYTHON) -m venv --clear $(ENV)
	@$(PIP) install --quiet --no-deps --requirement requirements.lock
	@touch $@

lock: $(INSTALLED)
	@$(PIP) install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --no-annotate --no-header --extra test --extra cluster --extra lab --python-version 3.11 \
		--output-file requirements.lock pyproject.toml

clean:
	@rm -rf $(ENV) build .pytest_cache .ruff_cache .hypothesis .benchmarks lib/*.egg-info
	@find lib tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf
