#include "tests/unit/rig_night.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>

struct rig *rig;
struct rig_seat *ana, *bea;

const char yes_step[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"yes\"}}";
const char type_step[] = "{\"id\":\"one\",\"do\":\"fake\",\"with\":{\"gate\":\"type\"}}";

void night_arm(void)
{
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"arm\"}");
}

void night_start(void)
{
	rig_start(rig, NULL);
	assert_string_equal(rig->said_at_start, "");
	ana = rig_sit(rig, "ana", false);
	night_arm();
}

void night_begin(const char *steps)
{
	rig = rig_new(steps);
	night_start();
}

void night_again(void)
{
	rig_leave(ana);
	night_start();
}

void night_killed(void)
{
	rig_signal(rig, SIGKILL);
	rig_wait_end(rig);
	night_again();
}

int night_end(void **unused)
{
	(void)unused;
	if (ana)
		rig_leave(ana);
	if (bea)
		rig_leave(bea);
	ana = bea = NULL;
	if (rig)
		rig_free(rig);
	rig = NULL;
	return 0;
}

/* ---- what is typed ---- */

void night_cmd(const char *verb, const char *step)
{
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"%s\",\"step\":\"%s\"}", verb, step);
}

void night_refused(const char *verb, const char *step, const char *sentence)
{
	rig_forget(ana);
	night_cmd(verb, step);
	rig_hear(ana, sentence);
}

void night_open_gate(const char *verb, const char *step)
{
	size_t n = rig_events(rig, "gate.opened", "");
	night_cmd(verb, step);
	rig_wait(rig, "gate.opened", "", n + 1);
}

void night_yes(struct rig_seat *seat)
{
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	rig_tell(seat, "{\"t\":\"cmd\",\"cmd\":\"yes\",\"gate\":\"%s\",\"tag\":\"%s\"}", gate, tag);
	rig_fence(rig, seat);
}

void night_phrase(struct rig_seat *seat)
{
	char gate[16], tag[8];
	rig_gate(rig, gate, tag);
	rig_tell(seat, "{\"t\":\"cmd\",\"cmd\":\"phrase\",\"gate\":\"%s\",\"text\":\"acme-production %s\"}",
		 gate, tag);
}

void night_leave_gate(void)
{
	char gate[16], tag[8];
	size_t n = rig_events(rig, "gate.closed", "");
	rig_gate(rig, gate, tag);
	rig_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"leave-gate\",\"gate\":\"%s\"}", gate);
	rig_wait(rig, "gate.closed", "", n + 1);
}

/* ---- what came of it ---- */

static size_t lines_of(const char *file, const char *what)
{
	char *text = rig_read(rig, file);
	size_t n = rig_lines(text, what);
	free(text);
	return n;
}

void night_looks_again(void)
{
	size_t n = lines_of("world/looks", "plan");
	for (int i = 0; i < 3000; i++, rig_sleep(10))
		if (lines_of("world/looks", "plan") >= n + 3)
			return;
	fail_msg("the gate does not look again");
}

void night_nothing_happened(void)
{
	assert_int_equal(rig_events(rig, "gate.passed", ""), 0);
	assert_int_equal(rig_events(rig, "attempt.started", ""), 0);
	assert_false(rig_has(rig, "effects"));
}

size_t night_effects(const char *what)
{
	return lines_of("world/effects", what);
}
