/* Times, ids, JSON and children, as the rest of this Heroku wants them. */
#include "demo/heroku/heroku.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

double night_speed(void)
{
	const char *clock = getenv("NIGHTFERRY_CLOCK"), *speed = clock ? strchr(clock, ',') : NULL;
	double times = speed ? strtod(speed + 1, NULL) : 1;

	return times > 0 ? times : 1;
}

void hex_make(char *out, size_t digits)
{
	unsigned char bytes[64];

	if (getrandom(bytes, sizeof bytes, 0) < 0)
		abort();
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[bytes[i % sizeof bytes] & 15];
	out[digits] = '\0';
}

void uuid_make(char out[HEROKU_UUID_SIZE])
{
	char hex[33];

	hex_make(hex, 32);
	snprintf(out, HEROKU_UUID_SIZE, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17,
		 hex + 20);
}

static void stamp(char out[HEROKU_STAMP_SIZE], int64_t at_ms, const char *format)
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, HEROKU_STAMP_SIZE, format, &tm);
}

void stamp_rfc(char out[HEROKU_STAMP_SIZE], int64_t at_ms)
{
	stamp(out, at_ms, "%Y-%m-%dT%H:%M:%SZ");
}

void stamp_ruby(char out[HEROKU_STAMP_SIZE], int64_t at_ms)
{
	stamp(out, at_ms, "%Y-%m-%d %H:%M:%S +0000");
}

void stamp_micro(char out[HEROKU_STAMP_SIZE])
{
	struct timespec t;
	struct tm tm;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	used = strftime(out, HEROKU_STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + used, HEROKU_STAMP_SIZE - used, ".%06ld+00:00", t.tv_nsec / 1000);
}

cJSON *fixture_get(const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(H.fixture, name);
}

const char *json_text(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

void json_set(cJSON *object, const char *name, cJSON *take_value)
{
	if (cJSON_HasObjectItem(object, name))
		cJSON_ReplaceItemInObjectCaseSensitive(object, name, take_value);
	else
		cJSON_AddItemToObject(object, name, take_value);
}

void json_set_time(cJSON *object, const char *name)
{
	char at[HEROKU_STAMP_SIZE];

	stamp_rfc(at, now_ms());
	json_set(object, name, cJSON_CreateString(at));
}

void reply_error(struct http_reply *reply, int status, const char *id, const char *format, ...)
{
	char message[1024];
	cJSON *error = cJSON_CreateObject();
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	cJSON_AddStringToObject(error, "id", id);
	cJSON_AddStringToObject(error, "message", message);
	if (strcmp(id, "rate_limit") == 0)
		cJSON_AddStringToObject(
		    error, "url", "https://devcenter.heroku.com/articles/platform-api-reference#rate-limits");
	http_reply_json(reply, status, error);
}

void reply_not_found(struct http_reply *reply, const char *resource, const char *words)
{
	char message[256];
	cJSON *error = cJSON_CreateObject();

	snprintf(message, sizeof message, "Couldn't find that %s.", words);
	cJSON_AddStringToObject(error, "resource", resource);
	cJSON_AddStringToObject(error, "id", "not_found");
	cJSON_AddStringToObject(error, "message", message);
	http_reply_json(reply, 404, error);
}

/* Between fork and exec only calls that are safe in a threaded process. */
static void child_exec(char *const argv[], char *const envp[], const char *stdout_path, int pipe_fd,
		       pid_t parent)
{
	sigset_t none;
	int out = stdout_path ? open(stdout_path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : pipe_fd;
	int in = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || out < 0)
		_exit(126);
	dup2(in, 0);
	dup2(out, 1);
	dup2(pipe_fd, 2);
	close_range(3, ~0U, 0);
	execvpe(argv[0], argv, envp);
	_exit(127);
}

pid_t child_start(char *const argv[], char *const envp[], const char *stdout_path, int *out_fd)
{
	int ends[2];
	pid_t parent = getpid(), pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0)
		child_exec(argv, envp, stdout_path, ends[1], parent);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*out_fd = ends[0];
	return pid;
}

void base64_encode(char *out, size_t size, const char *text)
{
	size_t length = strlen(text);

	if ((length + 2) / 3 * 4 + 1 > size)
		abort();
	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)length);
}
