#include "core/links/put_self.h"
#include "core/base/program.h"
#include "core/base/text.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PACK_MS = 60000, PACKED_MOST_BYTES = 256 << 20 };

static const struct {
	const char *library, *package;
} packages_of[] = {
    {"libncursesw.so", "libncursesw6"},
    {"libtinfo.so", "libtinfo6"},
    {"libuv.so", "libuv1"},
    {"libcjson.so", "libcjson1"},
    {"libfyaml.so", "libfyaml0"},
    {"libssh2.so", "libssh2-1"},
    {"libpq.so", "libpq5"},
    {"libcurl.so", "libcurl4"},
    {"libcrypto.so", "libssl3"},
    {"libssl.so", "libssl3"},
    {"libhiredis.so", "libhiredis0.14"},
};

bool put_self_missing(const char *text, struct buf *libraries, struct buf *packages)
{
	for (const char *hit = text; (hit = strstr(hit, " => not found")); hit++) {
		const char *name = hit;
		while (name > text && !strchr("\n\t ", name[-1]))
			name--;
		buf_addf(libraries, "%s%.*s", libraries->len ? ", " : "", (int)(hit - name), name);
		for (size_t i = 0; i < sizeof packages_of / sizeof *packages_of; i++)
			if (text_starts(name, packages_of[i].library))
				buf_addf(packages, "%s%s", packages->len ? " " : "", packages_of[i].package);
	}
	return libraries->len > 0;
}

static int read_self(struct buf *program, char sha[65], struct err *err)
{
	FILE *f = fopen("/proc/self/exe", "re");
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char *chunk = xmalloc(1 << 16);
	size_t got;
	while (f && (got = fread(chunk, 1, 1 << 16, f)) > 0)
		buf_add(program, chunk, got);
	free(chunk);
	if (f)
		fclose(f);
	if (!program->len || !EVP_Digest(program->data, program->len, digest, &n, EVP_sha256(), NULL) ||
	    n != 32)
		return err_set(err, ERR_IO, "this program cannot read itself (/proc/self/exe): %s",
			       strerror(errno));
	text_hex(sha, digest, n);
	return 0;
}

/* The line that follows our mark: a login shell may greet before it. */
static const char *after_mark(const struct buf *out, const char *mark)
{
	const char *at = strstr(buf_text(out), mark);
	return at ? at + strlen(mark) : NULL;
}

static int same_kind(const struct put_self *way, const char *there, struct err *err)
{
	struct utsname us;
	char ours[140], theirs[140];
	if (uname(&us) < 0)
		return err_set(err, ERR_IO, "this machine does not say what it is: %s", strerror(errno));
	text_copyf(ours, sizeof ours, "%s %s", us.sysname, us.machine);
	text_clean(theirs, sizeof theirs, there, strcspn(there, "\n"));
	if (text_equal(ours, theirs))
		return 0;
	return err_set(err, ERR_REFUSED,
		       "%s is \"%s\" and this nightferry is built for \"%s\", so it was not sent; install "
		       "nightferry there and start it in a terminal of that machine",
		       way->host, theirs, ours);
}

/* Over a slow line a third of the bytes is a third of the time. False: it has to go as it is. What is packed
 * is what was read, whatever has become of the file meanwhile. */
static bool pack(const struct buf *program, struct buf *packed)
{
	char command[80];
	int fd = memfd_create("nightferry", 0);
	bool whole = fd >= 0 && write(fd, program->data, program->len) == (ssize_t)program->len;
	text_copyf(command, sizeof command, "exec gzip -6 </proc/self/fd/%d", fd);
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct program gzip = {.argv = argv, .timeout_real_ms = PACK_MS, .output_max = PACKED_MOST_BYTES};
	whole = whole && program_run(&gzip, packed, NULL) == 0 && packed->len > 0;
	if (fd >= 0)
		close(fd);
	return whole;
}

static int send_it(const struct put_self *way, const struct buf *program, const char *unpack, const char *sha,
		   struct err *err)
{
	struct buf out = {0};
	if (way->sends)
		way->sends(way->ctx, program->len);
	char *script = xasprintf(
	    "umask 077; d=\"$HOME/" PUT_SELF_FOLDER "/%s\"; mkdir -p \"$d\" && %s >\"$d/new.$$\" && "
	    "chmod 700 \"$d/new.$$\" && mv \"$d/new.$$\" \"$d/nightferry\"; "
	    "echo \"nightferry-sha $(sha256sum <\"$d/nightferry\")\"; rm -f \"$d/new.$$\"",
	    sha, unpack);
	int status = way->run(way->ctx, script, program, &out, err);
	free(script);
	const char *got = after_mark(&out, "nightferry-sha ");
	int rc = status < 0 ? -1 : 0;
	if (rc == 0 && !got)
		rc = err_set(err, ERR_NET,
			     "%s: the connection ended while nightferry was sent; nothing was started",
			     way->host);
	else if (rc == 0 && strncmp(got, sha, 64) != 0)
		rc = err_set(err, ERR_IO,
			     "%s: nightferry did not arrive whole below ~/" PUT_SELF_FOLDER
			     " (is there room, and is "
			     "sha256sum there?); nothing was started",
			     way->host);
	buf_done(&out);
	return rc;
}

/* The loader names all that is missing at once, without running anything of the program. */
static int can_run(const struct put_self *way, const char *sha, struct err *err)
{
	struct buf out = {0}, libraries = {0}, packages = {0};
	char *script =
	    xasprintf("LD_TRACE_LOADED_OBJECTS=1 \"$HOME/" PUT_SELF_FOLDER "/%s/nightferry\" 2>&1; "
		      "echo nightferry-libs",
		      sha);
	char said[300];
	int rc = way->run(way->ctx, script, NULL, &out, err) < 0 ? -1 : 0;
	free(script);
	const char *loader = strstr(buf_text(&out), "libc.so"),
		   *old = strstr(buf_text(&out), "version `GLIBC");
	if (rc == 0 && !after_mark(&out, "nightferry-libs")) {
		rc = err_set(err, ERR_NET, "%s: the connection ended; nothing was started", way->host);
	} else if (rc == 0 && put_self_missing(buf_text(&out), &libraries, &packages)) {
		rc = err_set(err, ERR_REFUSED,
			     "%s lacks %s; on Debian 12: apt install %s. Nothing was started there",
			     way->host, buf_text(&libraries), packages.len ? buf_text(&packages) : "them");
	} else if (rc == 0 && (!loader || old)) {
		const char *from = old ? old : buf_text(&out);
		text_clean(said, sizeof said, from, strcspn(from, "\n"));
		rc = err_set(err, ERR_REFUSED, "nightferry does not run on %s: %s. Nothing was started there",
			     way->host, said);
	}
	buf_done(&out);
	buf_done(&libraries);
	buf_done(&packages);
	return rc;
}

int put_self(const struct put_self *way, char sha[65], struct err *err)
{
	struct buf program = {0}, packed = {0}, out = {0};
	int rc = read_self(&program, sha, err);
	char *script = xasprintf("echo \"nightferry-on $(uname -s) $(uname -m)\"; "
				 "echo \"nightferry-sha $(sha256sum <\"$HOME/" PUT_SELF_FOLDER
				 "/%s/nightferry\" 2>/dev/null)\"; command -v gzip >/dev/null && echo "
				 "nightferry-unpacks; :",
				 sha);
	if (rc == 0 && way->run(way->ctx, script, NULL, &out, err) < 0)
		rc = -1;
	free(script);
	const char *kind = after_mark(&out, "nightferry-on "), *there = after_mark(&out, "nightferry-sha ");
	if (rc == 0 && (!kind || !there))
		rc = err_set(err, ERR_NET,
			     "%s was not reached by ssh, so nothing was started there; `ssh %s true` has to "
			     "work first",
			     way->host, way->host);
	if (rc == 0)
		rc = same_kind(way, kind, err);
	if (rc == 0 && strncmp(there, sha, 64) != 0) {
		bool small = after_mark(&out, "nightferry-unpacks") && pack(&program, &packed);
		rc = send_it(way, small ? &packed : &program, small ? "gzip -dc" : "cat", sha, err);
	}
	if (rc == 0)
		rc = can_run(way, sha, err);
	buf_done(&program);
	buf_done(&packed);
	buf_done(&out);
	return rc;
}
