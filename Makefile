# make alone lists the targets.
SHELL := /bin/bash -o pipefail
GO ?= go
BIN := bin/tollhouse
LINT := $(GO) tool -modfile=tools/lint/go.mod golangci-lint
GEN := $(GO) tool -modfile=tools/gen/go.mod
# Packages that start whole processes; they run without -race, one after the other.
E2E := tollhouse/e2e
PACKAGES = $(shell $(GO) list ./... | grep -v '^$(E2E)')

.PHONY: bench-openstack test-openstack screens help demo demo-stop demo-reset build deps test-deps test check lint generate bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: deps build ## set everything up and run the demo (Ctrl-C stops it)
	@$(BIN) demo

demo-stop: build ## stop a demo that runs in the background
	@$(BIN) demo --stop

demo-reset: deps build ## throw the demo's data away and start over
	@$(BIN) demo --reset

build: ## build the one binary
	@mkdir -p bin
	@$(GO) build -o $(BIN) .

deps: ## install what running needs (PostgreSQL 15 server)
	@tools/install.sh postgres

test-deps: ## install what the tests need besides
	@tools/install.sh postgres test

test: test-deps build ## all tests, with all set-up (RACE=-race looks for data races as well)
	$(GO) test $(RACE) -timeout 20m $(PACKAGES)
	$(GO) test -timeout 20m -count=1 $(E2E)/...

test-openstack: deps ## the tests that need an OpenStack, with a lab of their own (RECORD=1 writes its answers down, KEEP=1 leaves it up, AGAIN=1 runs what failed once more)
	@RECORD='$(RECORD)' KEEP='$(KEEP)' AGAIN='$(AGAIN)' infra/openstack/lab/run test '$(RUN)'

check: ## vet, lint, generated code up to date
	$(GO) vet ./...
	$(GO) vet -tags openstack ./infra/openstack/... .
	$(LINT) run --allow-parallel-runners ./...
	$(LINT) run --allow-parallel-runners --build-tags openstack ./infra/openstack/... .
	tools/generated.sh

lint: ## the linter alone
	$(LINT) run --allow-parallel-runners ./...

generate: ## write generated code anew
	$(GO) generate ./api/oapi
	$(GEN) templ generate -path portal

screens: deps test-deps build ## take the pictures of docs/screens from a demo of their own
	$(GO) run ./e2e/screens -binary $(BIN)

bench-openstack: deps build ## dedicated stacks beside bare ones of Heat, in a lab (QUICK=1 for few)
	@KEEP='$(KEEP)' infra/openstack/lab/run bench $(if $(QUICK),--quick)

bench: deps build ## all benchmarks beside their baselines (BENCH=regexp for some)
	@$(BIN) bench --run '$(BENCH)'
