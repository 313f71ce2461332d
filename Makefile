# What people type. `make` alone lists it.

PORT ?= 8000
N ?= 300
STATE := .countersign
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-reset walk test check peers bench faults faults-long screenshots lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: ## make .venv with the locked dependencies
	@sh scripts/setup

# `exec`: the service gets Ctrl-C itself and ends the way it means to, with nothing of make or a shell in between.
demo: setup ## the whole service at http://127.0.0.1:8000 (PORT=… for another)
	@exec $(BIN)/countersign demo --port $(PORT)

demo-reset: setup ## forget everything that the demo kept
	@$(BIN)/python -m countersign.embedded.forget $(STATE)

walk: setup ## play the main job against a running service (PORT=…)
	@exec $(BIN)/countersign walk --url http://127.0.0.1:$(PORT)

test: setup ## everything: checks, all tests, faults, browsers
	@exec $(BIN)/python scripts/suite.py all

peers: setup ## only the tests against other people's programs: a real Bluesky PDS, and Prism over X's specification
	@exec $(BIN)/pytest -q --no-header -m peers

check: setup ## the fast half: format, lint, types, import contracts, unit tests
	@exec $(BIN)/python scripts/suite.py fast

faults: setup ## put publications under fault and judge by the ledgers (N=…, SEED=… repeats a run)
	@exec $(BIN)/countersign faults --n $(N) $(if $(SEED),--seed $(SEED))

faults-long: setup ## the same with 30,000 publications: hours
	@exec $(BIN)/countersign faults --n 30000 $(if $(SEED),--seed $(SEED))

bench: setup ## measure against the bare engine and the bare database
	@exec $(BIN)/countersign bench

screenshots: setup ## take the pictures of the README from a running service (PORT=…)
	@exec $(BIN)/python scripts/screenshots.py --url http://127.0.0.1:$(PORT)

lock: setup ## write requirements/*.txt again (UPGRADE=1 for the newest)
	@UPGRADE=$(UPGRADE) sh scripts/lock
