# nightferry: one Makefile, pkg-config, no configure step. `make help` lists the targets.
.DEFAULT_GOAL := build
SHELL         := /bin/bash
CC            ?= gcc
B             ?= build

PKGS      := ncursesw libuv libcjson libfyaml libssh2 libpq libcurl libcrypto hiredis
DEMO_PKGS := libmicrohttpd libcjson libpq libcurl libcrypto
WARN      := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
OPT       ?= -O2 -g
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0)
CPPFLAGS  += -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -I. -DNIGHTFERRY_VERSION='"$(VERSION)"' -DNIGHTFERRY_SOURCE='"$(CURDIR)"'
CFLAGS    += -std=c11 $(WARN) $(OPT) $(SANFLAGS) -MMD -MP
LDLIBS    = $(shell pkg-config --libs $(PKGS)) -lresolv -lm
DEMO_LDLIBS = $(shell pkg-config --libs $(DEMO_PKGS)) -lresolv -lm -lpthread
SYS       = $(shell pkg-config --cflags $(PKGS) libmicrohttpd 2>/dev/null | sed 's/-I/-isystem /g')

# The same tree, built with both sanitizers, in its own folder: `make SAN=1 build`.
ifdef SAN
B        := build-san
OPT      := -O1 -g -fno-omit-frame-pointer
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS  += -fsanitize=address,undefined
endif

CORE := $(sort $(wildcard core/*.c core/*/*.c core/*/*/*.c))
SRC  := $(CORE) $(sort $(wildcard panels/*.c)) $(sort $(wildcard tui/*.c))
OBJ  := $(SRC:%.c=$B/%.o)

DEMO_BINS := heroku cloudflare app docker proxy
DEMO_OBJ  := $(patsubst %.c,$B/%.o,$(wildcard demo/*/*.c))
demo_objs = $(patsubst %.c,$B/%.o,$(wildcard demo/$(1)/*.c)) $(patsubst %.c,$B/%.o,$(wildcard demo/http/*.c))

.PHONY: build
build: $B/nightferry $(DEMO_BINS:%=$B/demo/bin/%)

$B/nightferry: $(OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

define demo_bin
$B/demo/bin/$(1): $(call demo_objs,$(1))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(DEMO_LDLIBS)
endef
$(foreach b,$(DEMO_BINS),$(eval $(call demo_bin,$(b))))

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(SYS) $(CFLAGS) -c -o $@ $<

.PHONY: clean
clean:
	rm -rf build build-san

-include $(OBJ:.o=.d) $(DEMO_OBJ:.o=.d)
