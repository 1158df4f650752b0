/* Who may come in: the owner, and with `group:` its members, by the modes of folder and socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/engine/inner.h"
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct engine *engine;
static char dir[64];

static void turn(int times)
{
	for (int i = 0; i < times; i++) {
		uv_run(&engine->loop, UV_RUN_NOWAIT);
		poll(NULL, 0, 1);
	}
}

static int begin(const char *config)
{
	static const char *const files[] = {"trace.jsonl", "journal.jsonl"};
	struct err err = {0};
	text_copy(dir, sizeof dir, "/tmp/nfg.XXXXXX");
	assert_non_null(mkdtemp(dir));
	engine = xcalloc(1, sizeof *engine);
	uv_loop_init(&engine->loop);
	engine->state = state_new();
	text_copy(engine->dir, sizeof engine->dir, dir);
	text_copyf(engine->socket_path, sizeof engine->socket_path, "%s/seat.sock", dir);
	engine->opened = json_parse(config, strlen(config), NULL);
	engine->config = engine->opened;
	for (size_t i = 0; i < 2; i++) {
		char path[128];
		text_copyf(path, sizeof path, "%s/%s", dir, files[i]);
		FILE *f = fopen(path, "we");
		assert_non_null(f);
		fclose(f);
	}
	assert_int_equal(socket_listen(engine, &err), 0);
	return 0;
}

static int setup(void **unused)
{
	(void)unused;
	return begin("{\"app\":\"acme\"}");
}

static int teardown(void **unused)
{
	(void)unused;
	char path[128];
	static const char *const files[] = {"trace.jsonl", "journal.jsonl"};
	engine->stopping = true;
	socket_close(engine);
	turn(30);
	assert_null(engine->seats);
	uv_loop_close(&engine->loop);
	state_free(engine->state);
	json_free(engine->opened);
	free(engine);
	for (size_t i = 0; i < 2; i++) {
		text_copyf(path, sizeof path, "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

/* A process of another login; 0 when it was let in. */
static int come_in(uid_t uid, gid_t gid)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct sockaddr_un addr = {.sun_family = AF_UNIX};
		text_copy(addr.sun_path, sizeof addr.sun_path, engine->socket_path);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
			_exit(3);
		_exit(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0 ? 0 : 1);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	turn(5);
	return WEXITSTATUS(status);
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void test_owner_only(void **unused)
{
	(void)unused;
	assert_int_equal(mode_of(engine->socket_path), 0600);
	assert_int_equal(mode_of(dir), 0700);
	if (geteuid() == 0)
		assert_int_equal(come_in(65534, 65534), 1);
}

static int setup_group(void **unused)
{
	(void)unused;
	const struct group *own = getgrgid(geteuid() == 0 ? 1 : getegid());
	char config[200];
	assert_non_null(own);
	text_copyf(config, sizeof config, "{\"app\":\"acme\",\"group\":\"%s\"}", own->gr_name);
	return begin(config);
}

static void test_group(void **unused)
{
	(void)unused;
	struct err err = {0};
	gid_t gid = geteuid() == 0 ? 1 : getegid();
	assert_int_equal(group_folder(engine->config, dir, &err), 0);
	assert_int_equal(mode_of(engine->socket_path), 0660);
	assert_int_equal(mode_of(dir), 0770);
	struct stat st;
	assert_int_equal(stat(engine->socket_path, &st), 0);
	assert_int_equal(st.st_gid, gid);
	if (geteuid() == 0) {
		assert_int_equal(come_in(65534, gid), 0);
		assert_int_equal(come_in(65534, 65534), 1);
	}
	struct json *wrong = json_parse("{\"group\":\"no-such-group\"}", 25, NULL);
	assert_int_equal(group_folder(wrong, dir, &err), -1);
	assert_non_null(strstr(err.text, "no such group"));
	json_free(wrong);
	/* A folder further up that is closed to them is told by its name. */
	char shut[128], deep[160];
	text_copyf(shut, sizeof shut, "%s/shut", dir);
	text_copyf(deep, sizeof deep, "%s/a/b/c", shut);
	char part[160];
	static const char *const parts[] = {"shut", "shut/a", "shut/a/b", "shut/a/b/c"};
	for (size_t i = 0; i < 4; i++) {
		text_copyf(part, sizeof part, "%s/%s", dir, parts[i]);
		assert_int_equal(mkdir(part, 0700), 0);
	}
	assert_int_equal(group_folder(engine->config, deep, &err), -1);
	assert_non_null(strstr(err.text, "/shut is closed to them"));
	for (size_t i = 4; i-- > 0;) {
		text_copyf(part, sizeof part, "%s/%s", dir, parts[i]);
		assert_int_equal(rmdir(part), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_owner_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_group, setup_group, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
