# What a newcomer runs. Every target sets up what it needs; a second run finds it there.

.DEFAULT_GOAL := help
SHELL := /bin/sh

BIN := .venv/bin
REFERENCE := ../shared/reference
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock'

# The stamps say what is in .venv; they grow old when a lock, the metadata or the package list changes.
RUNNING := .venv/ready-to-run
DEVELOPING := .venv/ready-to-develop
FUZZING := .venv/ready-to-fuzz

##@ Use

demo: $(RUNNING)  ## set everything up, then carry a document all the way in and out again
	$(BIN)/coffre demo

serve: $(RUNNING) coffre-data/coffre.toml  ## run all actors on this machine, their data in ./coffre-data
	$(BIN)/coffre serve --config coffre-data/coffre.toml

##@ Prove

test: check  ## check, then run all tests, PostgreSQL, rsyslog, Ceph, proxies and a browser included
	setup/postgresql --install
	setup/rsyslog --install
	setup/radosgw --install
	setup/proxies --install
	setup/softhsm --install
	setup/chromium --install
	@command -v curl >/dev/null || setup/apt-install "curl for its tests" curl
	@command -v openssl >/dev/null || setup/apt-install "openssl for its tests" openssl
	$(BIN)/pytest -n auto

conformance: $(DEVELOPING)  ## judge our own platform by every plan of the conformance kit, on both databases
	setup/postgresql --install
	$(BIN)/pytest tests/journeys/test_conformance_*.py tests/conformance

torture: $(DEVELOPING)  ## kill a loaded server 500 times, or what it needs, and lose nothing; WHAT= TIMES= SEED=
	$(BIN)/python -m tests.torture $(WHAT) $(if $(TIMES),--times $(TIMES)) $(if $(SEED),--seed $(SEED))

torture-audit: $(DEVELOPING)  ## kill a server and its audit repository 100 times, and lose no record; TIMES= SEED=
	$(BIN)/python -m tests.torture.audit $(if $(TIMES),--times $(TIMES)) $(if $(SEED),--seed $(SEED))

flush-check: $(DEVELOPING)  ## watch by strace that an answer leaves only after all is on the disk
	@command -v strace >/dev/null || setup/apt-install "strace to watch it" strace
	$(BIN)/python -m tests.torture.flushes

fuzz: $(FUZZING)  ## throw at each reader what nobody would send, for SECONDS=60 each; TARGETS="mtom saml"
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(TARGETS)

check: $(DEVELOPING)  ## lint, format, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

reference-check: $(DEVELOPING)  ## hold schemas and server against the published ones in REFERENCE=DIR
	$(BIN)/python -m tests.reference.check $(REFERENCE)
	$(BIN)/python -m tests.reference.samples $(REFERENCE)/samples

tls-scan: $(DEVELOPING)  ## ask every listener what TLS it speaks, and write it into docs/secure-node.md
	$(BIN)/python -m tests.reference.scan

bench: $(DEVELOPING)  ## all that follow in small, in ten minutes, and write nothing down; needs 10 GB of disk
	$(BIN)/python -m bench $(if $(DIRECTORY),--directory $(DIRECTORY))

bench-memory: $(DEVELOPING)  ## show what documents cost in memory; needs 20 GB of disk, DIRECTORY=DIR says where
	$(BIN)/python -m bench.memory $(if $(DIRECTORY),--directory $(DIRECTORY))

bench-documents: $(DEVELOPING)  ## documents of 1 KB to 2 GB, in and out, next to cp and sha1sum; needs 10 GB of disk
	$(BIN)/python -m bench.documents $(if $(DIRECTORY),--directory $(DIRECTORY))

bench-large: $(DEVELOPING)  ## a document of 1 GB in and out, next to the disk and to a bare server; needs 10 GB of disk
	$(BIN)/python -m bench.large $(if $(DIRECTORY),--directory $(DIRECTORY))

bench-registry: $(DEVELOPING)  ## queries and submissions among a million documents, next to their yardsticks; needs 10 GB of disk
	$(BIN)/python -m bench.registry $(if $(DOCUMENTS),--documents $(DOCUMENTS)) $(if $(DIRECTORY),--directory $(DIRECTORY))

bench-growth: $(DEVELOPING)  ## the same among ten million documents, next to a million; needs 60 GB of disk
	$(BIN)/python -m bench.growth $(if $(DOCUMENTS),--documents $(DOCUMENTS)) $(if $(DIRECTORY),--directory $(DIRECTORY))

bench-start: $(DEVELOPING)  ## how soon a server is ready and the command line helps, and what idle processes hold
	$(BIN)/python -m bench.start

bench-soak: $(DEVELOPING)  ## mixed traffic for MINUTES=15, then three times as much as is answered, and the way back
	$(BIN)/python -m bench.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(DIRECTORY),--directory $(DIRECTORY))

bench-consent: $(DEVELOPING)  ## what decisions add to the time of a query, with 0, 10 and 1,000 directives
	$(BIN)/python -m bench.consent

bench-hidden: $(DEVELOPING)  ## whether time tells hidden documents from absent ones
	$(BIN)/python -m bench.hidden_timing

bench-audit: $(DEVELOPING)  ## what the audit trail costs, how fast its repository takes and finds records; needs 20 GB of disk
	$(BIN)/python -m bench.audit $(if $(RECORDS),--records $(RECORDS)) $(if $(DIRECTORY),--directory $(DIRECTORY))

##@ Look after

lock: $(DEVELOPING)  ## write requirements/*.lock anew from pyproject.toml (newer versions: make lock UPGRADE=-U)
	$(LOCK) $(UPGRADE) --group packaging pyproject.toml --output-file requirements/running.lock
	$(LOCK) $(UPGRADE) --group development pyproject.toml --constraints requirements/running.lock \
		--output-file requirements/development.lock
	$(LOCK) $(UPGRADE) --group pyproject.toml:fuzzing --constraints requirements/development.lock \
		--output-file requirements/fuzzing.lock

clean:  ## remove what make, tests and the demo left behind, but not ./coffre-data
	rm -rf .venv build demo-data *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## list these targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo serve test conformance torture torture-audit flush-check fuzz check reference-check tls-scan bench bench-memory bench-documents bench-large bench-registry bench-growth bench-start bench-soak bench-consent bench-hidden bench-audit lock clean help

.venv/made:
	python=$$(setup/python) && $$python -m venv --clear .venv
	touch $@

$(RUNNING): requirements/running.lock pyproject.toml setup.cfg | .venv/made
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/running.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(DEVELOPING): requirements/development.lock $(RUNNING)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/development.lock
	touch $@

$(FUZZING): requirements/fuzzing.lock $(DEVELOPING)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/fuzzing.lock
	touch $@

coffre-data/coffre.toml: | $(RUNNING)
	$(BIN)/coffre init coffre-data
