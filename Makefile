# `make demo` and `make test` set up what they need in .venv and can be repeated.
PYTHON ?= python3
BIN := .venv/bin
# CPU build where the package index has one for this version; any torch >= 2.4 works.
TORCH := torch==2.13.0

.PHONY: demo view test test-slow lint clean weights cmake-lists

demo: .venv/light
	@test -f demo-out/scan/simulate.json || $(BIN)/pcrcest simulate --out demo-out/scan --noise 0.005
	$(BIN)/pcrcest quantify demo-out/scan/sub-sim_cest-0.5uT.nii.gz demo-out/scan/sub-sim_cest-1uT.nii.gz \
	  --r1 demo-out/scan/sub-sim_R1obs.nii.gz --rois demo-out/scan/sub-sim_labels.nii.gz \
	  --anatomy demo-out/scan/sub-sim_anat.nii.gz --out demo-out/result --overwrite
	@echo "maps, table and picture: demo-out/result (overview.png); the same in a browser: make view"

# The simulated leg in a browser; about a gigabyte is downloaded the first time.
view: demo
	$(BIN)/python -m pip install --quiet --editable ".[viewer]"
	$(BIN)/pcrcest view demo-out/scan

# Processes share the work; more threads in each would only wait for one another.
test: .venv/full lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist worksteal

test-slow: .venv/full
	$(BIN)/python -m pytest -m slow

lint: .venv/full
	$(BIN)/ruff check .
	$(BIN)/mypy

# What Slicer packages; run after adding or removing a file.
cmake-lists:
	$(PYTHON) Testing/tools/cmake_lists.py

# The bundled models, about an hour and a half on two cores.
TRAIN := $(BIN)/pcrcest train --out PCrCESTLib/models/weights --overwrite
weights: .venv/full
	$(TRAIN) --protocol rat-4.7T-dual --name rat-4.7T-dual --samples 2.8e7
	$(TRAIN) --protocol rat-4.7T-dual --name rat-4.7T-dual --initial rat-4.7T-dual --samples 1.2e7 --seed 2
	for name in rat-4.7T-triple human-3T-0.6uT rat-4.7T-0.25uT; do \
	  $(TRAIN) --protocol $$name --name $$name --samples 1.2e7 || exit 1; \
	done
	for leg in "human-3T-0.6uT 8e6 2" "rat-4.7T-triple 1e7 2" "rat-4.7T-triple 8e6 3"; do set -- $$leg; \
	  $(TRAIN) --protocol $$1 --name $$1 --initial $$1 --samples $$2 --seed $$3 || exit 1; \
	done

.venv/light: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[figures]"
	@touch $@

.venv/full: .venv/light
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv demo-out
