# The two commands of a newcomer are `make demo` and `make test`.

GO         ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
SBINDIR    ?= /usr/sbin
DESTDIR    ?=

.PHONY: build demo test deps check unit bigendian cross vm bench bench-vm install clean

build: ## static binaries and drbd.conf(5) in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ ./cmd/...
	$(GO) run ./dist/man > bin/drbd.conf.5

demo: build ## the tutorial on two nodes without a kernel module
	PATH=$(CURDIR)/bin:$$PATH sh demo/tutorial.sh

test: deps check unit bigendian cross vm ## everything, the real kernel in QEMU included

deps: ## Debian packages that the tests need
	sh .ci/packages

check: ## formatting and static analysis
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt: $$out"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	cd vmtest && $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

unit: ## unit, golden, script and comparison tests
	$(GO) test -race -timeout 30m ./...

bigendian: ## values, codec and on-disk structures on a big-endian machine, emulated
	CGO_ENABLED=0 GOARCH=s390x $(GO) test -exec qemu-s390x ./schema
	CGO_ENABLED=0 GOARCH=s390x $(GO) test -exec qemu-s390x -run 'Fuzz|Strict|Dialect' ./netlinkapi
	CGO_ENABLED=0 GOARCH=s390x $(GO) test -exec qemu-s390x -run 'Layout|FlagValues|Bitmap' ./meta

cross: ## every architecture that distributions build for
	for arch in amd64 arm64 386 s390x ppc64le; do \
	  CGO_ENABLED=0 GOARCH=$$arch $(GO) build ./... || exit 1; done

vm: build ## stories on two QEMU guests with the real module
	cd vmtest && $(GO) test -count=1 -timeout 40m -parallel 3 ./...

bench: build ## whole-process comparison with an installed drbd-utils
	$(GO) run ./bench/compare

bench-vm: ## the same on a real kernel with 200 resources, in QEMU
	cd vmtest && $(GO) test -count=1 -timeout 40m -run TestMeasure -v . -measure 3

install: build ## tools, init script, units, udev rule, completion, manual pages, first configuration
	DESTDIR=$(DESTDIR) SBINDIR=$(SBINDIR) sh dist/install

clean:
	rm -rf bin
