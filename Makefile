# Every target is one line of meaning; "make help" lists them.
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
TESTFLAGS ?=

.PHONY: build demo test deps race lint gen fuzz bench soak clean help

build: ## build the static binary bin/vmsteward
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/vmsteward ./cmd/vmsteward

demo: build ## watch commits become VMs, on a hypervisor and a repository of its own
	bin/vmsteward demo

deps: ## install what the tests need: libvirtd, QEMU, sshd (Debian, as root)
	packaging/test-deps

test: deps ## run every test, none of those that need a hypervisor left out
	VMSTEWARD_MUST_NOT_SKIP=1 $(GO) test -timeout 20m -parallel 4 $(TESTFLAGS) ./...

race: deps ## the same under the race detector
	VMSTEWARD_MUST_NOT_SKIP=1 $(GO) test -race -timeout 30m $(TESTFLAGS) ./...

lint: ## formatting, vet, and a tidy module file
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) mod tidy -diff

gen: ## write docs/fields.md, which says what becomes of each field, and the code of the protocols
	$(GO) run ./internal/protogen providers/remote/rpc providerv1/provider.proto stewardv1/steward.proto
	$(GO) run ./internal/fieldtable docs/fields.md

fuzz: ## every fuzz target for FUZZTIME (default 30s)
	packaging/fuzz-all $(or $(FUZZTIME),30s)

soak: ## ten thousand pushes in ten minutes, with libvirtd restarted every minute
	$(GO) test ./daemon -run '^TestSoak$$' -v -timeout 40m -soak.pushes 10000 -soak.for 10m -soak.restart 1m

bench: ## each figure beside its floor, in the same run (as root; BENCH=push for one)
	@set -e; for b in $(or $(BENCH),push read noop create planning resident vsphere wire); do $(GO) run ./internal/bench/$$b; done

clean: ## remove what was built
	rm -rf bin dist

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10
