/* Content hashes: see hash.h. */
#include "core/copy/hash.h"
#include "core/base/text.h"
#include "core/links/postgres.h"
#include <string.h>

/* How a column of a type of PostgreSQL's own becomes a bigint: %c is the column, %s the seed. Everything that
 * is not listed goes by its text. */
static const struct {
	const char *type, *hash;
} ways[] = {
    {"int2", "hashint2extended(%c, %s)"},
    {"int4", "hashint4extended(%c, %s)"},
    {"int8", "hashint8extended(%c, %s)"},
    {"bool", "hashint4extended(%c::int4, %s)"},
    {"uuid", "uuid_hash_extended(%c, %s)"},
    {"time", "time_hash_extended(%c, %s)"},
    {"timestamp", "timestamp_hash_extended(%c, %s)"},
    {"timestamptz", "timestamp_hash_extended(timezone('0'::interval, %c), %s)"},
    /* The functions of these two cannot be called by name, but by those of an array of one. */
    {"date", "hash_array_extended(ARRAY[%c], %s)"},
    {"bytea", "hash_array_extended(ARRAY[%c], %s)"},
    /* Text of a float is exact only since PostgreSQL 12, and its own hash takes -0 for 0. */
    {"float4", "hashtextextended(encode(float4send(%c), 'hex') COLLATE \"C\", %s)"},
    {"float8", "hashtextextended(encode(float8send(%c), 'hex') COLLATE \"C\", %s)"},
};
static const char by_text[] = "hashtextextended((%c)::text COLLATE \"C\", %s)";
static const char by_utf8[] =
    "hashtextextended(encode(convert_to((%c)::text, 'UTF8'), 'hex') COLLATE \"C\", %s)";

/* FNV-1a: a number for a name that is the same everywhere. */
static int64_t seed_of(const char *name, const char *purpose)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (const char *s = name; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	for (const char *s = purpose; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return (int64_t)h;
}

static const struct json *field(const struct json *column, int i)
{
	const struct json *f = json_first(column);
	while (f && i-- > 0)
		f = json_next(f);
	return f;
}

static const char *text_of(const struct json *column, int i)
{
	const char *text = json_text(field(column, i));
	return text ? text : "";
}

static const struct json *find(const struct json *columns, const char *name)
{
	for (const struct json *c = json_first(columns); c; c = json_next(c)) {
		if (text_equal(text_of(c, 0), name))
			return c;
	}
	return NULL;
}

static void add_way(struct buf *sql, const char *way, const char *name, int64_t seed)
{
	for (const char *s = way; *s; s++) {
		if (s[0] == '%' && s[1] == 'c') {
			buf_adds(sql, COPY_ROW ".");
			pg_add_name(sql, name);
			s++;
		} else if (s[0] == '%' && s[1] == 's') {
			buf_addf(sql, "'%lld'::int8", (long long)seed);
			s++;
		} else {
			buf_addc(sql, *s);
		}
	}
}

static const char *way_of(const struct json *column, const struct json *other, bool recode)
{
	const char *type = text_of(column, 1);
	bool alike = text_equal(text_of(column, 3), text_of(other, 3));
	for (size_t i = 0; alike && i < sizeof ways / sizeof *ways; i++) {
		if (text_equal(ways[i].type, type))
			return ways[i].hash;
	}
	return recode ? by_utf8 : by_text;
}

static void add_column(struct buf *sql, const struct json *column, const struct json *other, bool recode)
{
	const char *name = text_of(column, 0);
	bool filled = json_true(field(column, 2));
	buf_adds(sql, filled ? "" : "coalesce(");
	add_way(sql, way_of(column, other, recode), name, seed_of(name, ""));
	if (!filled)
		buf_addf(sql, ", '%lld'::int8)", (long long)seed_of(name, "is null"));
}

void copy_hash_column(struct buf *sql, const struct json *column, const struct json *others, bool recode)
{
	add_column(sql, column, find(others, text_of(column, 0)), recode);
}

void copy_hash_row(struct buf *sql, const struct json *columns, const struct json *others, bool recode)
{
	/* The joined hashes go in as a seed, which keeps all their 64 bits. */
	buf_adds(sql, "hashint4extended(1, 0::int8");
	for (const struct json *c = json_first(columns); c; c = json_next(c)) {
		const struct json *other = find(others, text_of(c, 0));
		if (!other)
			continue;
		buf_adds(sql, " # ");
		add_column(sql, c, other, recode);
	}
	buf_addc(sql, ')');
}

void copy_hash_sum(struct buf *sql, const struct json *columns, const struct json *others, bool recode)
{
	buf_adds(sql, "coalesce(sum(");
	copy_hash_row(sql, columns, others, recode);
	buf_adds(sql, "), 0)");
}

static void say_column(struct buf *out, const char *fmt, const char *a, const char *b, const char *c)
{
	char clean[3][80];
	const char *raw[3] = {a, b, c};
	for (int i = 0; i < 3; i++)
		text_clean(clean[i], sizeof clean[i], raw[i], strlen(raw[i]));
	if (out->len)
		buf_adds(out, ", ");
	buf_addf(out, fmt, clean[0], clean[1], clean[2]);
}

void copy_columns_differ(char *out, size_t size, const struct json *old_columns,
			 const struct json *new_columns)
{
	struct buf words = {0};
	for (const struct json *c = json_first(old_columns); c; c = json_next(c)) {
		const struct json *other = find(new_columns, text_of(c, 0));
		if (!other)
			say_column(&words, "NEW lacks the column %s%s%s", text_of(c, 0), "", "");
		else if (!text_equal(text_of(c, 3), text_of(other, 3)))
			say_column(&words, "%s is %s on OLD and %s on NEW", text_of(c, 0), text_of(c, 3),
				   text_of(other, 3));
	}
	for (const struct json *c = json_first(new_columns); c; c = json_next(c)) {
		if (!find(old_columns, text_of(c, 0)))
			say_column(&words, "only NEW has the column %s%s%s", text_of(c, 0), "", "");
	}
	text_copy(out, size, buf_text(&words));
	buf_done(&words);
}

uint64_t copy_hash_add(uint64_t sum, const char *decimal)
{
	bool minus = *decimal == '-';
	uint64_t value = 0;
	for (const char *s = decimal + minus; *s >= '0' && *s <= '9'; s++)
		value = value * 10 + (uint64_t)(*s - '0');
	return minus ? sum - value : sum + value;
}
