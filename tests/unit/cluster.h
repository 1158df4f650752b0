/* A scratch PostgreSQL for one test, on loopback, gone with it. */
#ifndef TESTS_UNIT_CLUSTER_H
#define TESTS_UNIT_CLUSTER_H

#include <stdbool.h>

struct cluster {
	char dir[64], as[160], bin[160];
	int port;
	char url[160]; /* of the user tester and the database postgres */
	bool up;       /* false: there is no PostgreSQL on this machine */
};
/* bin: the folder of the server's programs; NULL: the newest of this machine. settings: "-c name=value ...".
 */
void cluster_start(struct cluster *c, const char *bin, const char *settings);
void cluster_stop(struct cluster *c);
/* The folder of another major's programs, or of the same when there is no other; "" for none. */
void cluster_other_bin(const struct cluster *than, char *out, unsigned long size);

#endif
