/* The words of the causes: what each is called, and what mends it. */
#include "core/base/text.h"
#include "core/steps/restore_autopsy.h"

/* %s in a name is what it is about. `spares`: what was restored beside it is whole, so that the rest may come
 * alone once it is mended. */
static const struct {
	const char *name, *fix;
	bool about, spares;
} causes[] = {
    [WHY_OTHER] = {"", "read the restore's log and mend what it names", false, false},
    [WHY_SCHEMA] = {"schema ", "run prepare-target, which makes the schema", true, true},
    [WHY_EXTENSION] = {"extension ",
		       "install the extension on the new server (in Docker: an image that has it), then "
		       "run prepare-target, which makes it",
		       true, true},
    [WHY_PRELOAD] = {"shared_preload_libraries lacks ",
		     "name the library in shared_preload_libraries of the new server and start it again",
		     true, true},
    [WHY_TYPE] = {"missing ",
		  "it is most often part of an extension or schema: run prepare-target, which makes those",
		  true, true},
    [WHY_ROLE] = {"role ", "create the role on the new server (CREATE ROLE)", true, true},
    [WHY_RIGHTS] = {"rights: ",
		    "let the role that restores own the database and its schema public, or use a URL of one "
		    "that does",
		    true, true},
    [WHY_DISK] = {"no room on the database's disk", "make room on the disk of the new database", false, true},
    [WHY_MEMORY] = {"too little memory",
		    "give the container more shared memory (shm-size) or lower maintenance_work_mem", false,
		    true},
    [WHY_CUT] = {"the dump is cut or damaged", "run download again", false, false},
    [WHY_CONNECTION] = {"the server ended the connection",
			"read the new server's log: it was stopped, or it crashed", false, false},
    [WHY_CANCELLED] = {"a statement was cancelled",
		       "look for a statement_timeout of the role or the database, or for who cancelled it",
		       false, false},
    [WHY_EXISTS] = {"already there: ", "the target was not empty", true, false},
    [WHY_DUPLICATE] = {"rows that are twice in ",
		       "the old database has rows its own key forbids (a damaged index there): mend them on "
		       "OLD and capture again",
		       true, false},
    [WHY_REFERENCE] =
	{"rows without their parents: ",
	 "the old database has rows that refer to nothing: mend them on OLD and capture again, or "
	 "restore what they refer to first",
	 true, false},
    [WHY_ENCODING] = {"text the new database cannot hold",
		      "create the new database with the encoding of the old one", false, false},
};

void restore_cause_name(const struct restore_cause *cause, char *out, size_t size)
{
	if (cause->why == WHY_OTHER)
		text_copyf(out, size, "\"%.120s\"", cause->first);
	else
		text_copyf(out, size, "%s%s", causes[cause->why].name,
			   causes[cause->why].about ? cause->what : "");
}

void restore_cause_fix(const struct restore_cause *cause, char *out, size_t size)
{
	text_copy(out, size, causes[cause->why].fix);
}

bool restore_cause_spares(const struct restore_cause *cause)
{
	return causes[cause->why].spares;
}
