# SPDX-License-Identifier: Apache-2.0
#
# Makefile - plain GNU make
#
#   make                    the module, the helpers and ivlejailctl
#   sudo make install       the system's own places; DESTDIR, prefix honoured
#   sudo make check         installs what is missing, builds, tests everything
#   sudo make demo          a jailed site on a loopback port
#   make fuzz               FUZZ_RUNS=10000000 of each target
#   sudo make check-vm      of that, what runs on Debian's own kernel in a guest
#   sudo make soak          half an hour of traffic, kills and full disks
#   sudo make bench         requests per second and more, against others
#                           (build/bench, doc/performance.md; bench-quick: a
#                           minute; bench-micro: the parts of a request;
#                           bench-scale: 10,000 jails)
#   make model              the life of a jail, in every order (spin)
#   make lint               two compilers, cppcheck, clang-tidy, our own rules
#
#   TRAMPOLINE_UIDS=33,48   who may call the setuid helper (httpd's uids)
#   HTTPD_GROUP=www-data    group of the setuid helper: its only callers
#   WERROR=1                warnings are errors
#   BUILD=build             where objects go
#   V=1                     whole command lines

TRAMPOLINE_UIDS ?= 33
HTTPD_GROUP     ?= www-data

DESTDIR    ?=
prefix     ?= /usr
libexecdir ?= $(prefix)/lib/ivlejail
sbindir    ?= $(prefix)/sbin
mandir     ?= $(prefix)/share/man
docdir     ?= $(prefix)/share/doc/ivlejail
sysconfdir ?= /etc
statedir   ?= /var/lib/ivlejail

BUILD  ?= build
APXS   ?= apxs
CFLAGS ?= -O2 -g

# --- compilers and their flags -------------------------------------------

# The flag itself where the compiler takes it, else nothing.
cc-has = $(shell printf 'int main(void){return 0;}' | \
    $(CC) -Werror $(1) -x c -o /dev/null - 2>/dev/null && echo '$(1)')

apxs-q = $(shell $(APXS) -q $(1) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
    -Wformat=2 -Wvla -Wshadow $(if $(WERROR),-Werror)
HARDENING := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 \
    $(call cc-has,-fstack-clash-protection) $(call cc-has,-fcf-protection)
# Headers of another directory are included as "trampoline/wire.h": in a search
# path that directory's limits.h would hide the system's.
INCLUDES := -iquote .
BASE_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -MMD -MP $(INCLUDES) \
    -DIVLEJAIL_LIBEXECDIR='"$(libexecdir)"' \
    $(CPPFLAGS) $(CFLAGS)
LINK_HARDENING := -Wl,-z,relro,-z,now,-z,noexecstack

# A static-pie has no libraries to be tricked with, and a random address.
STATIC := $(or $(call cc-has,-static-pie),-static)
HELPER_CFLAGS = $(BASE_CFLAGS) $(HARDENING) -fPIE \
    -DTRAMPOLINE_UIDS='$(TRAMPOLINE_UIDS)'
CTL_CFLAGS = $(BASE_CFLAGS) $(HARDENING) -fPIE

HTTPD_INCLUDES := -isystem $(call apxs-q,INCLUDEDIR) $(shell \
    $(call apxs-q,APR_CONFIG) --cppflags --includes 2>/dev/null)

# Macros of APR's rings and libseccomp's arguments, expanded in our files.
MODULE_CFLAGS = $(BASE_CFLAGS) $(HARDENING) -fPIC $(HTTPD_INCLUDES) \
    -Wno-missing-field-initializers \
    $(call cc-has,-Wno-null-pointer-subtraction)

# The same flags but for optimisation, and every fault ends the test.
ASAN_CFLAGS = $(BASE_CFLAGS) -O1 -fno-omit-frame-pointer \
    -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_CFLAGS = $(BASE_CFLAGS) $(HARDENING)

say-it = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$@';)

# --- what is made of what -------------------------------------------------

PROGRAMS := $(addprefix trampoline/,trampoline timount provision cgroup \
    warden)
SHARED   := wire wire_answer wire_entry wire_passed wire_socket names limits

# Each helper is its own file, linked with the archive of all others: the
# linker takes out of it what the program uses, and nothing else.  ivlejailctl
# is linked so, too.
HELPER_MAINS := $(PROGRAMS:%=$(BUILD)/%.o)
HELPER_PARTS := $(filter-out $(HELPER_MAINS),\
    $(patsubst %.c,$(BUILD)/%.o,$(wildcard trampoline/*.c)))
MODULE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,\
    $(wildcard mod_ivlejail.c module/*.c)) $(SHARED:%=$(BUILD)/pic/%.o)
CTL_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard ctl/*.c))
UNIT_TESTS := $(patsubst t/unit/%.c,%,$(wildcard t/unit/test_*.c))
OBJECTS := $(HELPER_MAINS) $(HELPER_PARTS) $(MODULE_OBJECTS) $(CTL_OBJECTS)

all: mod_ivlejail.so $(PROGRAMS) ctl/ivlejailctl

objects: $(OBJECTS)

trampoline/trampoline trampoline/timount trampoline/provision \
    trampoline/cgroup: HELPER_LIBS = -lcap
$(PROGRAMS): %: $(BUILD)/%.o $(BUILD)/helpers.a
	$(call say-it,LD)$(CC) $(STATIC) $(CFLAGS) $(LDFLAGS) $(LINK_HARDENING) \
	    -Wl,-Map=$(BUILD)/$@.map -o $@ $^ $(HELPER_LIBS)

$(BUILD)/helpers.a: $(HELPER_PARTS)
	$(call say-it,AR)rm -f $@ && $(AR) rcs $@ $^

mod_ivlejail.so: $(MODULE_OBJECTS) module/exports.map
	$(call say-it,LD)$(CC) -shared $(CFLAGS) $(LDFLAGS) $(LINK_HARDENING) \
	    -Wl,--version-script=module/exports.map -o $@ \
	    $(MODULE_OBJECTS) -lseccomp

ctl/ivlejailctl: $(CTL_OBJECTS) $(BUILD)/helpers.a
	$(call say-it,LD)$(CC) -pie $(CFLAGS) $(LDFLAGS) $(LINK_HARDENING) -o $@ $^

$(BUILD)/trampoline/%.o: trampoline/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(HELPER_CFLAGS) -c -o $@ $<

$(BUILD)/pic/%.o: trampoline/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(MODULE_CFLAGS) -c -o $@ $<

$(BUILD)/ctl/%.o: ctl/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(CTL_CFLAGS) -c -o $@ $<

$(BUILD)/mod_ivlejail.o: mod_ivlejail.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(MODULE_CFLAGS) -c -o $@ $<

$(BUILD)/module/%.o: module/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(MODULE_CFLAGS) -c -o $@ $<

# Changes when the flags do, so that objects of other flags are made again.
FLAGS := $(CC) $(HELPER_CFLAGS) $(MODULE_CFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(addprefix $(BUILD)/,trampoline pic ctl module unit asan \
	    fuzz)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || \
	    printf '%s\n' '$(subst ','\'',$(FLAGS))' > $@

# --- unit tests -----------------------------------------------------------

# A test says what it links in a comment: LINK: wire.o names.o module_lines.o
# (objects of trampoline/ and, with that prefix, of module/), and in LIBS:
# what libraries.
comment-of = $(shell sed -n 's|.*/\* $(1): *\(.*\) \*/.*|\1|p' t/unit/$(2).c)

define UNIT_RULES
$(BUILD)/$(2)/$(1): $(patsubst %,$(BUILD)/$(2)/%,\
    $(1).o $(call comment-of,LINK,$(1)))
	$$(call say-it,LD)$$(CC) $$($(3)) -o $$@ $$^ \
	    -lcmocka $(call comment-of,LIBS,$(1))
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call UNIT_RULES,$(t),unit,UNIT_CFLAGS)))
$(foreach t,$(UNIT_TESTS),$(eval $(call UNIT_RULES,$(t),asan,ASAN_CFLAGS)))

$(BUILD)/unit/%.o: t/unit/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(BUILD)/unit/%.o: trampoline/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(BUILD)/unit/module_%.o: module/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(BUILD)/asan/module_%.o: module/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(ASAN_CFLAGS) -c -o $@ $<

$(BUILD)/asan/%.o: t/unit/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(ASAN_CFLAGS) -c -o $@ $<

$(BUILD)/asan/%.o: trampoline/%.c $(BUILD)/flags
	$(call say-it,CC)$(CC) $(ASAN_CFLAGS) -c -o $@ $<

# Programs that the Perl tests use, linked with what they need of the helpers.
TEST_TOOLS := $(patsubst t/tools/%.c,$(BUILD)/t/%,$(wildcard t/tools/*.c))
test-tools: $(TEST_TOOLS)
$(BUILD)/t/%: t/tools/%.c $(BUILD)/helpers.a
	@mkdir -p $(@D)
	$(call say-it,LD)$(CC) $(STATIC) $(UNIT_CFLAGS) -o $@ $^

# What the benchmarks run: one program, linked in two ways, bubblewrap's, and
# those that speak with wardens or as one.
BENCH_TOOLS := $(addprefix $(BUILD)/bench/,static dynamic bwrap)
WARDEN_TOOLS := $(BUILD)/bench/roundtrip $(BUILD)/bench/spawner
bench-tools: $(BENCH_TOOLS) $(WARDEN_TOOLS) $(BUILD)/bench/preload.so
$(BUILD)/bench/static $(BUILD)/bench/dynamic: t/bench/cgi.c
$(BUILD)/bench/bwrap: t/bench/bwrap.c
$(BUILD)/bench/static $(BUILD)/bench/bwrap: BENCH_LINK = -static
$(BENCH_TOOLS):
	@mkdir -p $(@D)
	$(call say-it,LD)$(CC) -O2 $(WARNINGS) $(BENCH_LINK) -o $@ $<

$(WARDEN_TOOLS): $(BUILD)/bench/%: t/bench/%.c $(BUILD)/helpers.a
	@mkdir -p $(@D)
	$(call say-it,LD)$(CC) $(STATIC) $(UNIT_CFLAGS) -o $@ $^
$(BUILD)/bench/preload.so: t/bench/preload_valgrind.c
	@mkdir -p $(@D)
	$(call say-it,LD)$(CC) -shared -fPIC $(UNIT_CFLAGS) -o $@ $< -lseccomp

# The tests of the warden take the one beside them, if there is one.
WARDEN_USES := warden connection find limits listing logfile names open program \
    request say serve start strays turns wire wire_answer wire_entry wire_passed \
    wire_socket
$(BUILD)/asan/warden: $(WARDEN_USES:%=$(BUILD)/asan/%.o)
	$(call say-it,LD)$(CC) $(ASAN_CFLAGS) -o $@ $^

# --- fuzzing --------------------------------------------------------------

# A target says what it links as a unit test does.  libFuzzer is clang's.
FUZZ_TARGETS := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/fuzz_*.c))
FUZZ_RUNS    ?= 10000000
FUZZ_CFLAGS = $(BASE_CFLAGS) -O1 -fno-omit-frame-pointer \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

define FUZZ_RULES
$(BUILD)/fuzz/$(1): $(patsubst %,$(BUILD)/fuzz/%,$(1).o \
    $(shell sed -n 's|.*/\* LINK: *\(.*\) \*/.*|\1|p' t/fuzz/$(1).c))
	$$(call say-it,LD)clang $$(FUZZ_CFLAGS) -o $$@ $$^
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call FUZZ_RULES,$(t))))

$(BUILD)/fuzz/%.o: t/fuzz/%.c $(BUILD)/flags
	$(call say-it,CC)clang $(FUZZ_CFLAGS) -c -o $@ $<

$(BUILD)/fuzz/module_%.o: module/%.c $(BUILD)/flags
	$(call say-it,CC)clang $(FUZZ_CFLAGS) -c -o $@ $<

$(BUILD)/fuzz/%.o: trampoline/%.c $(BUILD)/flags
	$(call say-it,CC)clang $(FUZZ_CFLAGS) -c -o $@ $<

fuzz-targets: $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)

# What is found stays in build/fuzz; what is new for the corpus, there too.
fuzz:
	tools/install-deps check
	$(MAKE) -j$$(nproc) fuzz-targets
	IVLEJAIL_FUZZ_RUNS=$(FUZZ_RUNS) prove -v -It/lib t/fuzz/fuzz.t

unit-plain: $(UNIT_TESTS:%=$(BUILD)/unit/%)

unit: unit-plain $(UNIT_TESTS:%=$(BUILD)/asan/%) $(BUILD)/asan/warden

# --- installation ---------------------------------------------------------

MODULE_DIR = $(call apxs-q,LIBEXECDIR)
MODS_AVAILABLE = $(sysconfdir)/apache2/mods-available
MODS_ENABLED = $(sysconfdir)/apache2/mods-enabled
DROPIN = $(prefix)/lib/systemd/system/apache2.service.d/ivlejail.conf
INSTALL = install -o root -g root

install: all
	$(INSTALL) -d $(DESTDIR)$(MODULE_DIR) $(DESTDIR)$(libexecdir) \
	    $(DESTDIR)$(sbindir) $(DESTDIR)$(docdir) \
	    $(DESTDIR)$(statedir)/bases $(DESTDIR)$(statedir)/users
	$(INSTALL) -m 0644 mod_ivlejail.so $(DESTDIR)$(MODULE_DIR)
	$(INSTALL) -m 0711 trampoline/warden $(DESTDIR)$(libexecdir)
	$(INSTALL) -m 0755 trampoline/timount trampoline/provision \
	    trampoline/cgroup $(DESTDIR)$(libexecdir)
	$(INSTALL) -m 0755 base/build $(DESTDIR)$(libexecdir)/base-build
	install -o root -g $(HTTPD_GROUP) -m 4750 trampoline/trampoline \
	    $(DESTDIR)$(libexecdir)
	$(INSTALL) -m 0755 ctl/ivlejailctl $(DESTDIR)$(sbindir)
	$(INSTALL) -m 0644 README LICENSE conf/*.conf $(DESTDIR)$(docdir)
	for page in doc/*.[1-8]; do \
	    test -e "$$page" || continue; \
	    $(INSTALL) -D -m 0644 -t $(DESTDIR)$(mandir)/man$${page##*.} \
	        "$$page" || exit 1; \
	done
	if test -d $(MODS_AVAILABLE); then $(MAKE) install-for-debian; fi

# What an administrator has written into ivlejail.conf stays.
install-for-debian:
	$(INSTALL) -d $(DESTDIR)$(MODS_AVAILABLE)
	$(INSTALL) -m 0644 conf/debian/ivlejail.load $(DESTDIR)$(MODS_AVAILABLE)
	$(INSTALL) -D -m 0644 conf/systemd/ivlejail.conf $(DESTDIR)$(DROPIN)
	test -e $(DESTDIR)$(MODS_AVAILABLE)/ivlejail.conf || \
	    $(INSTALL) -m 0644 conf/debian/ivlejail.conf \
	        $(DESTDIR)$(MODS_AVAILABLE)

uninstall:
	rm -f $(DESTDIR)$(MODULE_DIR)/mod_ivlejail.so $(DESTDIR)$(DROPIN) \
	    $(DESTDIR)$(sbindir)/ivlejailctl \
	    $(DESTDIR)$(MODS_AVAILABLE)/ivlejail.load \
	    $(addprefix $(DESTDIR)$(MODS_ENABLED)/,ivlejail.load \
	        ivlejail.conf) \
	    $(foreach page,$(wildcard doc/*.[1-8]),\
	        $(DESTDIR)$(mandir)/man$(lastword $(subst ., ,$(page)))/$(notdir \
	        $(page)))
	rm -rf $(DESTDIR)$(libexecdir) $(DESTDIR)$(docdir)
	! cmp -s conf/debian/ivlejail.conf \
	    $(DESTDIR)$(MODS_AVAILABLE)/ivlejail.conf || \
	    rm -f $(DESTDIR)$(MODS_AVAILABLE)/ivlejail.conf
	@echo "kept: the base images and users in $(DESTDIR)$(statedir)"

# --- the rest -------------------------------------------------------------

check:
	tools/install-deps check
	$(MAKE) -j$$(nproc) all unit fuzz-targets test-tools
	tools/check

lint:
	tools/lint

# A stamp per file that clang-tidy found nothing in.
TIDY := $(patsubst $(BUILD)/%.o,$(BUILD)/%.tidy,$(filter-out \
    $(BUILD)/pic/%,$(OBJECTS)))
tidy: $(sort $(TIDY))

$(BUILD)/%.tidy: %.c $(BUILD)/%.o .clang-tidy
	clang-tidy --quiet $< -- $(filter-out -MMD -MP,$(MODULE_CFLAGS)) \
	    -DTRAMPOLINE_UIDS=33 && touch $@

check-vm:
	tools/install-deps check
	$(MAKE) -j$$(nproc) all test-tools
	tools/check-vm

model:
	tools/install-deps check
	prove -v -It/lib t/model/jail.t

# t/soak/soak.t takes two minutes in "make check".
soak:
	tools/install-deps check
	$(MAKE) -j$$(nproc) all
	IVLEJAIL_SOAK=$${IVLEJAIL_SOAK:-1800} IVLEJAIL_MUST_WORK=1 \
	    prove -v -It/lib t/soak/soak.t

# Nothing that "make check" may be using is touched.
BENCH_PLACE = IVLEJAIL_INSTANCE=$${IVLEJAIL_INSTANCE:-bench} \
    IVLEJAIL_PORT=$${IVLEJAIL_PORT:-8829}

bench-micro bench-scale:
	tools/install-deps bench
	$(MAKE) -j$$(nproc) all bench-tools
	$(BENCH_PLACE) t/bench/$(@:bench-%=%)

bench bench-quick:
	tools/install-deps bench
	$(MAKE) -j$$(nproc) all bench-tools
	$(BENCH_PLACE) t/bench/bench $(if $(filter bench,$@),full,quick)

demo:
	tools/install-deps demo
	$(MAKE) -j$$(nproc) all
	tools/demo

clean:
	rm -rf $(BUILD) $(PROGRAMS) ctl/ivlejailctl mod_ivlejail.so

FORCE:
.PHONY: all objects unit unit-plain test-tools bench-tools fuzz-targets fuzz \
    install install-for-debian uninstall check check-vm lint tidy model soak \
    bench bench-quick bench-micro bench-scale demo clean FORCE
.DELETE_ON_ERROR:
-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d)
