# nightferry: one Makefile, pkg-config, no configure step. `make help` lists the targets.
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
SHELL         := /bin/bash
MAKEFLAGS     += --no-print-directory --no-builtin-rules
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS     += -j$(shell nproc 2>/dev/null || echo 2)
endif

ifeq ($(origin CC),default)
CC        := gcc
endif
B         ?= build
PREFIX    ?= /usr/local
# Where themes, playbooks and the demo are found when the program runs: this folder, or PREFIX/share when installed.
SHARE     ?= $(CURDIR)

PKGS      := ncursesw libuv libcjson libfyaml libssh2 libpq libcurl libcrypto libssl hiredis
DEMO_PKGS := libmicrohttpd libcjson libpq libcurl libcrypto
WARN      := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
OPT       ?= -O2 -g
FORTIFY   ?= -D_FORTIFY_SOURCE=2

# The same tree, built with both sanitizers, in its own folder: `make SAN=1 build`.
ifdef SAN
B         := build-san
OPT       := -O1 -g -fno-omit-frame-pointer
SANFLAGS  := -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS   += $(SANFLAGS)
FORTIFY   :=
endif

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0)
CPPFLAGS  += -D_GNU_SOURCE $(FORTIFY) -I. -DNIGHTFERRY_VERSION='"$(VERSION)"' -DNIGHTFERRY_SOURCE='"$(SHARE)"' \
             -DNIGHTFERRY_SHARE='"$(PREFIX)/share/nightferry"'
CFLAGS    += -std=c11 $(WARN) $(OPT) $(SANFLAGS) -MMD -MP
LDFLAGS   += -Wl,--as-needed
# Asked for once, and not before `make deps` had its turn.
LDLIBS      = $(eval LDLIBS := $(shell pkg-config --libs $(PKGS)) -lresolv -lm)$(LDLIBS)
DEMO_LDLIBS = $(eval DEMO_LDLIBS := $(shell pkg-config --libs $(DEMO_PKGS)) -lresolv -lm -lpthread)$(DEMO_LDLIBS)
TEST_LDLIBS = $(eval TEST_LDLIBS := $(shell pkg-config --libs cmocka))$(TEST_LDLIBS)
SYS         = $(eval SYS := $(shell pkg-config --cflags $(PKGS) libmicrohttpd | sed 's/-I/-isystem /g'))$(SYS)

CORE      := $(sort $(wildcard core/*.c core/*/*.c core/*/*/*.c))
SRC       := $(CORE) $(sort $(wildcard panels/*.c)) $(sort $(wildcard tui/*.c))
MAIN      := tui/main.c
DEMO_BINS := heroku cloudflare hetzner route53 app docker proxy s3
DEMO_SRC  := $(sort $(wildcard demo/*/*.c))
TEST_SRC  := $(sort $(wildcard tests/*/*_test.c))
HELP_SRC  := $(sort $(filter-out $(TEST_SRC),$(wildcard tests/unit/*.c tests/screens/*.c tests/copy/*.c tests/bench/*.c)))
FUZZ_SRC  := $(sort $(wildcard tests/fuzz/*_fuzz.c))
ALL_SRC   := $(SRC) $(DEMO_SRC) $(TEST_SRC) $(HELP_SRC)
obj        = $(patsubst %.c,$B/%.o,$(1))

##@ Everyday

.PHONY: build
build: $B/nightferry $(DEMO_BINS:%=$B/demo/bin/%) ## the program and the demo world's servers

.PHONY: demo
demo: build ## a whole night on this machine (HEADLESS=1 without a screen); installs what it needs
	@if [ -n "$(HEADLESS)" ] || ! [ -t 0 ] || ! [ -t 1 ]; then exec $B/nightferry demo --headless; \
	else exec $B/nightferry demo; fi

.PHONY: test test-long
test: ## everything once: make test [ONLY=unit | ONLY=world/night]
	+@ONLY='$(ONLY)' tests/run
test-long: ## also what takes minutes
	+@LONG=1 ONLY='$(ONLY)' tests/run

.PHONY: bench
bench: build $B/tests/bench/pty $B/tests/bench/long_night $B/tests/bench/ssh $B/tests/bench/compare ## measured beside htop and ssh: make bench [ONLY=name]
	@BUILD=$B ONLY='$(ONLY)' tests/bench/run

.PHONY: lint fmt
lint: ## layers, headers, banned calls, format, sizes
	@tests/lint
fmt: ## clang-format over every C file
	@git ls-files -co --exclude-standard '*.c' '*.h' | while read -r f; do [ ! -f "$$f" ] || printf '%s\0' "$$f"; done | \
		xargs -0r clang-format -i

##@ Sometimes

.PHONY: deps
deps: ## Debian packages for build, demo and tests (does nothing when all are there)
	@.ci/deps $(DEPS)

.PHONY: install
install: ## into PREFIX (/usr/local), staged below DESTDIR when given
	@$(MAKE) B=build/install SHARE='$(PREFIX)/share/nightferry' build
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/nightferry/build/demo/bin'
	install -m 755 build/install/nightferry '$(DESTDIR)$(PREFIX)/bin/nightferry'
	install -m 755 $(DEMO_BINS:%=build/install/demo/bin/%) '$(DESTDIR)$(PREFIX)/share/nightferry/build/demo/bin'
	cp -R themes playbooks demo '$(DESTDIR)$(PREFIX)/share/nightferry/'

.PHONY: picture
picture: build ## the README's picture and key list, made by the program itself
	@tests/readme --write

.PHONY: fuzz
fuzz: $(patsubst tests/fuzz/%_fuzz.c,build/fuzz/%,$(FUZZ_SRC)) ## feeds random bytes to the parsers: make fuzz [SECONDS=60]
	@for f in $^; do tests/fuzz/run $$f $(or $(SECONDS),60) || exit 1; done

.PHONY: clean
clean: ## removes everything that was built
	rm -rf build build-san

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# ---- how it is built ----

# One line a file, and what the compiler has to say is kept beside the object for `make test`, which wants none.
define compile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(1) 2>$@.warn; status=$$?; cat $@.warn >&2; exit $$status
endef

# Packages come before the first compiler when both are asked for in one go.
ifneq ($(filter deps demo,$(MAKECMDGOALS)),)
$(call obj,$(ALL_SRC)): | deps
ifeq ($(filter deps,$(MAKECMDGOALS)),)
DEPS := demo
endif
endif

$B/%.o: %.c
	$(call compile,$(CC) $(CPPFLAGS) $(SYS) $(CFLAGS) -c -o $@ $<)

# Put in place at once: an engine of this very file may be running, and start its children from it.
$B/nightferry: $(call obj,$(SRC))
	@echo "  LD   $@"
	@new=$@.$$$$; $(CC) $(CFLAGS) $(LDFLAGS) -o $$new $(filter %.o,$^) $(LDLIBS) && mv $$new $@

# The providers of DNS stand on the same zone.
ZONE_BINS := cloudflare hetzner route53
define demo_bin
$B/demo/bin/$(1): $(call obj,$(wildcard demo/$(1)/*.c demo/http/*.c $(if $(filter $(1),$(ZONE_BINS)),demo/zone/*.c) $(if $(filter $(1),cloudflare),demo/app/resolve.c)))
	@mkdir -p $$(@D)
	@echo "  LD   $$@"
	@$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(DEMO_LDLIBS)
endef
$(foreach b,$(DEMO_BINS),$(eval $(call demo_bin,$(b))))

# Version and folder are part of a few objects only: these are made again when they change, the rest are not.
VERSIONED := $(call obj,$(shell grep -lsE 'NIGHTFERRY_(VERSION|SOURCE|SHARE)' $(SRC)))
$(VERSIONED): $B/version
$B/version: FORCE
	@mkdir -p $(@D); [ "$$(cat $@ 2>/dev/null)" = '$(VERSION) $(SHARE) $(PREFIX)' ] || echo '$(VERSION) $(SHARE) $(PREFIX)' >$@
.PHONY: FORCE
FORCE:

# Everything but main, for tests: an archive takes in only what a test uses.
$B/nightferry.a: $(call obj,$(filter-out $(MAIN),$(SRC)))
	@rm -f $@; ar rcsT $@ $(filter %.o,$^)
$B/tests/helpers.a: $(call obj,$(filter tests/unit/% tests/screens/% tests/copy/%,$(HELP_SRC)))
	@mkdir -p $(@D); rm -f $@; ar rcsT $@ $(filter %.o,$^)

$B/tests/%_test: $B/tests/%_test.o $B/tests/helpers.a $B/nightferry.a
	@echo "  LD   $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter-out %.h,$^) $(TEST_LDLIBS) $(LDLIBS)
$B/tests/bench/%: $B/tests/bench/%.o $B/nightferry.a
	@echo "  LD   $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lutil

# Prints the screens of a made-up night, to look at.
$B/tests/screens/draw: $B/tests/screens/draw.o $B/tests/helpers.a $B/nightferry.a
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Holds the record of a night against the pictures that its seats drew.
$B/tests/screens/same_night: $B/tests/screens/same_night.o $B/nightferry.a
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# One verb of one step, for tests that run it against a world that misbehaves.
$B/tests/unit/step_once: $B/tests/unit/step_once.o $B/nightferry.a
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: unit-tests
unit-tests: $(TEST_SRC:%.c=$B/%) $B/tests/unit/step_once $B/tests/screens/same_night

# The other compiler: as quiet as the first, warnings are errors.
.PHONY: clang
clang: $(ALL_SRC:%.c=build/clang/%.o)
build/clang/%.o: %.c
	@mkdir -p $(@D)
	@clang $(CPPFLAGS) $(SYS) $(CFLAGS) -Werror -O0 -c -o $@ $<

# The parsers with libFuzzer.
FUZZ_LIB := $(sort $(wildcard core/base/*.c core/night/*.c core/night/kinds/*.c core/links/dns*.c) core/links/xml.c core/copy/script.c)
build/fuzz/o/%.o: %.c
	@mkdir -p $(@D)
	@clang $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS)) $(SYS) -std=c11 $(WARN) -Werror -O1 -g -MMD -MP -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=undefined -c -o $@ $<
build/fuzz/core.a: $(FUZZ_LIB:%.c=build/fuzz/o/%.o)
	@rm -f $@; ar rcsT $@ $^
build/fuzz/%: build/fuzz/o/tests/fuzz/%_fuzz.o build/fuzz/core.a
	@clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)
.PHONY: fuzzers
fuzzers: $(patsubst tests/fuzz/%_fuzz.c,build/fuzz/%,$(FUZZ_SRC))

.SECONDARY:
-include $(patsubst %.c,$B/%.d,$(ALL_SRC))
-include $(wildcard build/clang/*/*.d build/clang/*/*/*.d build/clang/*/*/*/*.d build/fuzz/o/*/*/*.d build/fuzz/o/*/*/*/*.d)
