/* Prints the screens as text, to look at: draw [-a ASCII] [-g gate] [-y yes gate] [-c card] [-s start] [-z
 * PANEL] [-f JOURNAL] [STAGE [VIEW [COLSxROWS]]]
 */
#include "core/base/text.h"
#include "panels/dialog.h"
#include "panels/frame.h"
#include "panels/start.h"
#include "tests/screens/night.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const stages[STAGE_COUNT] = {"prepare", "freeze", "copy", "verify",
						"gate",    "watch",  "done"};

static void fold_file(struct night *night, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!file) {
		fprintf(stderr, "draw: cannot open %s\n", path);
		exit(1);
	}
	state_free(night->state);
	night->state = state_new();
	while ((len = getline(&line, &cap, file)) > 0)
		state_fold_line(night->state, line, (size_t)len, NULL);
	night->now_ms = night->state->at_ms + 1000;
	free(line);
	fclose(file);
}

static void print(const struct canvas *canvas)
{
	char text[8192];

	for (int row = 0; row < canvas->size.rows; row++) {
		canvas_row_text(canvas, row, text, sizeof(text));
		puts(text);
	}
}

int main(int argc, char **argv)
{
	struct size size = {80, 24};
	bool yes = false, ascii = false, gate = false, card = false, start = false;
	const char *zoom = NULL, *journal = NULL, *view;
	int option, stage = STAGE_COPY;
	void *views[32] = {0};

	setenv("TZ", "UTC", 1);
	tzset();
	while ((option = getopt(argc, argv, "acgsyz:f:")) != -1) {
		yes = yes || option == 'y';
		ascii = ascii || option == 'a';
		gate = gate || option == 'g';
		card = card || option == 'c';
		start = start || option == 's';
		if (option == 'z')
			zoom = optarg;
		if (option == 'f')
			journal = optarg;
	}
	for (int i = 0; optind < argc && i < STAGE_COUNT; i++)
		if (strcmp(stages[i], argv[optind]) == 0)
			stage = i;
	struct night night = night_new((enum stage)stage);
	if (yes)
		night_event(&night, "01:09:00", "gate.opened",
			    "\"gate\":\"g4\",\"step\":\"repair\",\"verb\":\"run\",\"level\":\"yes\","
			    "\"target\":\"acme-db\",\"tag\":\"1a2b\","
			    "\"plan\":{\"target\":\"acme-db\",\"side\":\"NEW\",\"verb\":\"REPAIRS\",\"from\":"
			    "\"61 indexes\",\"to\":\"61 indexes, ANALYZE\","
			    "\"does\":[\"ANALYZE on 27 tables\"],\"back\":\"Nothing to take back: only "
			    "statistics change.\"},"
			    "\"seen\":[{\"verdict\":\"PASS\",\"name\":\"grants\",\"text\":\"every grant is "
			    "there\"}]");
	if (journal)
		fold_file(&night, journal);
	view =
	    argc > optind + 1 && argv[optind + 1][0] != '-' ? argv[optind + 1] : layout_view_of(night.state);
	if (argc > optind + 2 && sscanf(argv[optind + 2], "%dx%d", &size.cols, &size.rows) != 2)
		return 2;
	for (size_t i = 0; panel_table[i]; i++)
		views[i] = calloc(1, panel_table[i]->view_size + 1);
	struct canvas *canvas = canvas_new(size, ascii);
	struct scene scene = {.state = night.state,
			      .view = views,
			      .now_ms = night.now_ms,
			      .seat = {.seat = "s1",
				       .name = "ana",
				       .driver = true,
				       .armed = true,
				       .connected = true,
				       .armed_until_ms = night.now_ms + 500000}};
	struct layout layout;
	layout_for(size, view, zoom, &layout);
	frame_draw(&scene, &layout, canvas);
	if (gate) {
		struct dialog_view dialog = {.typed = "acme-production 7f"};

		dialog_draw(&scene, &dialog, canvas);
	}
	if (card && zoom && panel_find(zoom)) {
		for (size_t i = 0; panel_table[i]; i++)
			if (panel_table[i] == panel_find(zoom))
				scene.view = views[i];
		canvas_clear(canvas);
		panel_find(zoom)->card(&scene, canvas);
	}
	if (start)
		start_draw(canvas, START_DEMO, "/home/ana/acme", "No nightferry.yml here.");
	print(canvas);
	canvas_free(canvas);
	for (size_t i = 0; panel_table[i]; i++)
		free(views[i]);
	night_free(&night);
	return 0;
}
