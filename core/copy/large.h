/* Large objects as both sides can be asked for them. Their pages may only be read by a superuser, but a
 * content can be asked for by number. */
#ifndef CORE_COPY_LARGE_H
#define CORE_COPY_LARGE_H

/* A digest of the content of m, a row of pg_largeobject_metadata: in pieces of a megabyte, because an object
 * may be larger than a value can be. */
#define COPY_LARGE_DIGEST                                                                                   \
	"(WITH RECURSIVE p AS (SELECT 0::bigint AS at, lo_get(m.oid, 0, 1048576) AS b UNION ALL SELECT at " \
	"+ "                                                                                                \
	"1048576, lo_get(m.oid, at + 1048576, 1048576) FROM p WHERE length(b) = 1048576) SELECT "           \
	"md5(string_agg(md5(b), '' ORDER BY at)) FROM p)"

#endif
