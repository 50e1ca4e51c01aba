/*
 * latency.c - times statements that fetch or score one row, call by call, over libpq.
 *
 *   latency CONNINFO ROWS CALLS CONNECTIONS STATEMENT...
 *
 * Prints a line "prepared I P50 P90 P99 MIN" for each statement I (from 0),
 * executed CALLS times as a prepared one, and a line "first I P50 P90 P99 MIN"
 * for CONNECTIONS fresh connections that execute it once and unprepared, the
 * time of connecting included; all in microseconds. A statement that mentions
 * $1 gets a bigint between 1 and ROWS, another one each call. The statements
 * take turns in short blocks, so what else the machine does hits all alike.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK		50
#define WARM_UP		500
#define INT8_OID	20

static uint64_t keys_max;
static uint64_t key_state = 88172645463325252u;

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static void
fail(PGconn *conn, const char *doing)
{
	fprintf(stderr, "latency: %s: %s", doing, PQerrorMessage(conn));
	exit(1);
}

/* Returns the next key, in the byte order of the protocol (xorshift, Marsaglia 2003). */
static uint64_t
next_key(void)
{
	uint64_t	key;

	key_state ^= key_state << 13;
	key_state ^= key_state >> 7;
	key_state ^= key_state << 17;
	key = key_state % keys_max + 1;
	return (uint64_t) htonl((uint32_t) key) << 32 | htonl((uint32_t) (key >> 32));
}

static PGconn *
connect_to(const char *conninfo)
{
	PGconn	   *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK)
		fail(conn, "cannot connect");
	return conn;
}

/* Executes a statement, the prepared one of that name unless name is NULL, and reads its one value. */
static void
execute(PGconn *conn, const char *name, const char *sql)
{
	static const Oid types[1] = {INT8_OID};
	static const int lengths[1] = {8};
	static const int formats[1] = {1};
	uint64_t	key = next_key();
	const char *values[1];
	int			params = strstr(sql, "$1") != NULL;
	PGresult   *result;

	values[0] = (const char *) &key;
	if (name != NULL)
		result = PQexecPrepared(conn, name, params, values, lengths, formats, 1);
	else
		result = PQexecParams(conn, sql, params, types, values, lengths, formats, 1);
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		fail(conn, sql);
	PQclear(result);
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
print_times(const char *kind, int statement, double *times, int n)
{
	qsort(times, (size_t) n, sizeof *times, compare);
	printf("%s %d %.2f %.2f %.2f %.2f\n", kind, statement, times[n / 2], times[n - 1 - n / 10],
		   times[n - 1 - n / 100], times[0]);
}

static void
time_prepared(const char *conninfo, char **statements, int count, double **times, int calls)
{
	PGconn	   *conn = connect_to(conninfo);
	char		name[16];
	int			at;
	int			i;
	int			n;

	for (i = 0; i < count; i++)
	{
		PGresult   *result;

		snprintf(name, sizeof name, "s%d", i);
		result = PQprepare(conn, name, statements[i], 0, NULL);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			fail(conn, statements[i]);
		PQclear(result);
		for (n = 0; n < WARM_UP; n++)
			execute(conn, name, statements[i]);
	}
	for (at = 0; at < calls; at += BLOCK)
	{
		for (i = 0; i < count; i++)
		{
			snprintf(name, sizeof name, "s%d", i);
			for (n = at; n < at + BLOCK && n < calls; n++)
			{
				double		start = now_us();

				execute(conn, name, statements[i]);
				times[i][n] = now_us() - start;
			}
		}
	}
	PQfinish(conn);
	for (i = 0; i < count; i++)
		print_times("prepared", i, times[i], calls);
}

static void
time_first(const char *conninfo, char **statements, int count, double **times, int connections)
{
	int			i;
	int			n;

	/* round -1 is for the server's own caches */
	for (n = -1; n < connections; n++)
	{
		for (i = 0; i < count; i++)
		{
			double		start = now_us();
			PGconn	   *conn = connect_to(conninfo);

			execute(conn, NULL, statements[i]);
			if (n >= 0)
				times[i][n] = now_us() - start;
			PQfinish(conn);
		}
	}
	for (i = 0; i < count; i++)
		print_times("first", i, times[i], connections);
}

int
main(int argc, char **argv)
{
	int			calls;
	int			connections;
	int			count = argc - 5;
	double	  **times;
	int			i;

	if (count < 1)
	{
		fprintf(stderr, "usage: latency CONNINFO ROWS CALLS CONNECTIONS STATEMENT...\n");
		return 2;
	}
	keys_max = strtoull(argv[2], NULL, 10);
	calls = atoi(argv[3]);
	connections = atoi(argv[4]);
	if (keys_max < 1 || calls < 1 || connections < 1)
	{
		fprintf(stderr, "latency: ROWS, CALLS and CONNECTIONS are positive numbers\n");
		return 2;
	}
	times = malloc(sizeof *times * (size_t) count);
	for (i = 0; times != NULL && i < count; i++)
	{
		times[i] = malloc(sizeof **times * (size_t) (calls > connections ? calls : connections));
		if (times[i] == NULL)
			return 1;
	}
	if (times == NULL)
		return 1;
	time_prepared(argv[1], argv + 5, count, times, calls);
	time_first(argv[1], argv + 5, count, times, connections);
	return 0;
}
