/* Errors are whole sentences: what happened, what is safe, what to do. Set where it happened, shown once. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

enum err_kind {
	ERR_NONE = 0,
	ERR_USAGE,     /* the command line or a command of a seat */
	ERR_CONFIG,    /* nightferry.yml or a playbook */
	ERR_NET,       /* no answer, or a broken one */
	ERR_AUTH,      /* an answer that says: not you */
	ERR_REFUSED,   /* the other side said no, or we did */
	ERR_WORLD,     /* the world is not as the approved plan saw it */
	ERR_CANCELLED, /* a person stopped it */
	ERR_IO,        /* disk, pipe, process */
	ERR_BUG,
};

struct err {
	enum err_kind kind;
	char text[640];
};

/* Fills `err` (may be NULL) and returns -1, so that `return err_set(...)` reads as one thought. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the sentence of an error that comes from below. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *err_kind_name(enum err_kind kind);

#endif
