# Everything starts from Python 3.11, git and make: what else is needed is installed here.
SHELL := /bin/bash
UV_VERSION := 0.9.0
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8400
MINUTES ?= 10
BENCH ?=
MUTANTS ?=
SEEDS ?= 0-999
FACILITATORS ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup run test check vectors compiled mutate bench fuzz soak faults valkey simulate autobahn docs format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check 'uv>=$(UV_VERSION)'

setup: $(if $(filter .tools/bin/uv,$(UV)),.tools/bin/uv) ## install what the project needs into .venv
	@$(UV) sync --quiet --all-packages --locked

run: setup ## a relay on an in-memory store, at http://127.0.0.1:8400
	@echo "In another terminal, open a room:"
	@echo "  $(UV) run alcove open --relay http://$(HOST):$(PORT) --title 'First room' --agreement-file examples/agreement.txt --name Ann"
	@echo "and in a third one join it: paste the invite that the first shows."
	@echo "  $(UV) run alcove join - --name Bob"
	@$(UV) run --no-sync alcove-server --host $(HOST) --port $(PORT) --store memory

test: setup ## every suite, as many at once as there are processors; prints what each took
	@$(UV) run --no-sync python scripts/test.py

check: setup ## formatting, lints, types, and which package may import which
	$(UV) lock --check --quiet
	$(UV) run --no-sync ruff format --check --quiet .
	$(UV) run --no-sync ruff check --quiet .
	$(UV) run --no-sync mypy
	$(UV) run --no-sync lint-imports

vectors: setup ## write protocol/vectors and the tables of docs/protocol.md anew from the code
	$(UV) run --no-sync python -m tests.vectors
	$(UV) run --no-sync python -m tests.client_sdk.document

compiled: setup ## the relay with its hot path compiled: a wheel in dist/; needs a C compiler
	@$(UV) run --no-sync python scripts/compile_relay.py

mutate: setup ## take each rule away and see that its test notices; prints the score
	@$(UV) run --no-sync python -m tests.mutation $(MUTANTS)

bench: setup ## MLS against its primitives and ts-mls, the relay against C and five peers, Redis
	@$(UV) sync --quiet --all-packages --locked --group bench
	$(UV) run --no-sync python -m bench.mls $(BENCH)
	$(UV) run --no-sync python -m bench.fanout $(BENCH)
	$(UV) run --no-sync python -m bench.fairness $(BENCH)
	$(UV) run --no-sync python -m bench.redis --compiled $(BENCH)

fuzz: setup ## hostile bytes for every parser; MINUTES=10 in all unless told otherwise
	@$(UV) sync --quiet --all-packages --locked --group fuzz
	$(UV) run --no-sync python -m tests.fuzz --minutes $(MINUTES)

soak: setup ## lives of rooms over one relay; MINUTES=10 unless told otherwise
	$(UV) run --no-sync python -m tests.soak --minutes $(MINUTES)

faults: setup ## nodes talk on Redis through kills, holds and failovers; MINUTES=10 unless told otherwise
	$(UV) run --no-sync python -m tests.redis_store.faults --minutes $(MINUTES)

valkey: setup ## the tests of the Redis store on Valkey, with the mutants that only it shows
	server=$$($(UV) run --no-sync python scripts/fetch_redis.py --valkey) && \
	ALCOVE_REDIS_SERVER=$$server $(UV) run --no-sync python scripts/test.py redis 'redis faults' cluster

simulate: setup ## whole worlds on a clock of their own; SEEDS=0-999 unless told otherwise
	@$(UV) run --no-sync python -m tests.simulator --seeds $(SEEDS) --facilitators $(FACILITATORS)

autobahn: setup ## Autobahn|Testsuite against the relay's WebSocket, about 20 seconds
	@$(UV) sync --quiet --all-packages --locked --group autobahn
	$(UV) run --no-sync python -m tests.autobahn

docs: setup ## the guide and the reference of the SDK, as pages in site/
	$(UV) run --no-sync zensical build --strict --clean

format: setup ## rewrite files as the linters want them
	$(UV) run --no-sync ruff format .
	$(UV) run --no-sync ruff check --fix .

clean: ## remove what was installed and made
	rm -rf .venv .tools .vectors .compiled dist site .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf tests/client_sdk/mls/interop/peer/node_modules tests/second_client/node_modules
	rm -rf tests/packages/pyright/node_modules
