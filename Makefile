# The single entry to everything that is done with this repository; longer steps live in scripts/.

PORT ?= 8080
FUNCTION ?= examples/hello
METRICS_PORT ?= 8081
# For `make bench`: other lengths than its own; QUICK=1 tries it in a few minutes, KEEP=1 keeps what it finds.
SECONDS_PER_CELL ?=
ROUNDS ?=
UPDATE ?=
QUICK ?=
KEEP ?=

.PHONY: help run build images test test-images soak lint deny bench budgets dist fuzz test-arm64 docs clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "  make %-11s %s\n", $$1, $$2 }'

run: ## build, then serve FUNCTION (examples/hello) on PORT (8080), metrics on METRICS_PORT (8081); Ctrl-C ends it
	@scripts/build.sh
	@FUNCTION=$(FUNCTION) PORT=$(PORT) METRICS_PORT=$(METRICS_PORT) scripts/run.sh

build: ## the static release binary at target/heeler: proven static, size checked
	@scripts/build.sh

images: ## the images of Dockerfiles/, with docker or podman: IMAGE_PREFIX, TAG, BASE_python=… (docs/images.md)
	@scripts/build.sh
	@scripts/images.sh

test: ## all tests
	@scripts/test.sh

test-images: ## the images in containers, on an engine that answers or one that is started for it
	@scripts/build.sh
	@scripts/test-images.sh

soak: ## an hour: mixed load with faults and aborts; 200 drains under load in each mode; 600 runaways (docs/endurance.md)
	@scripts/build.sh
	@scripts/soak.sh

lint: ## format, clippy, rustdoc, shell scripts, licences: every warning is an error
	@scripts/lint.sh

deny: ## licences, duplicates, sources and advisories of what is in the binary; fetches cargo-deny where it is missing
	@scripts/deny.sh

bench: ## measure beside other watchdogs, nginx and others' servers, at most 45 minutes (see benches/compare/README.md)
	@scripts/build.sh
	@SECONDS_PER_CELL=$(SECONDS_PER_CELL) ROUNDS=$(ROUNDS) QUICK=$(QUICK) KEEP=$(KEEP) scripts/bench.sh

budgets: ## instructions of pieces and calls, held to benches/budgets/budgets.txt; UPDATE=1 writes that anew
	@scripts/build.sh
	@UPDATE=$(UPDATE) scripts/budgets.sh

dist: ## a release in dist/: static binaries for amd64 and arm64, checksums, SBOM, licences
	@scripts/dist.sh

fuzz: ## every parser with bytes that nobody thought of: TARGETS, FUZZ_SECONDS (300 each), FUZZ_JOBS (1)
	@TARGETS="$(TARGETS)" FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_JOBS=$(FUZZ_JOBS) scripts/fuzz.sh

test-arm64: ## the arm64 binary under emulation, through the same tests
	@scripts/test-arm64.sh

docs: ## write docs/config.md and docs/metrics.md anew from the tables in the source
	@scripts/docs.sh

clean: ## remove everything that was built
	rm -rf target dist
