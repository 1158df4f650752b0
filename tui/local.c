/* What is this seat's own: view, focus, zoom and a frozen picture. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct panel *panel)
{
	size_t i = 0;

	while (panel_table[i] && panel_table[i] != panel)
		i++;
	return i < PANELS_MOST ? i : PANELS_MOST - 1;
}

void local_init(struct local *local)
{
	*local = (struct local){.view = "prepare"};
	for (size_t i = 0; panel_table[i] && i < PANELS_MOST; i++)
		local->views[i] = xcalloc(1, panel_table[i]->view_size ? panel_table[i]->view_size : 1);
	local->focus = panel_table[0];
}

void local_done(struct local *local)
{
	for (size_t i = 0; i < PANELS_MOST; i++)
		free(local->views[i]);
	buf_done(&local->held);
}

const void *local_view_of(const struct local *local, const struct panel *panel)
{
	return panel ? local->views[place_of(panel)] : NULL;
}

struct scene local_scene(const struct cockpit *c, const struct panel *panel)
{
	struct scene scene = {.state = c->state, .view = local_view_of(&c->local, panel), .seat = c->me};

	scene.now_ms = c->local.frozen ? c->local.frozen_at_ms : seat_now_ms(c);
	scene.focus = panel && panel == c->local.focus;
	scene.frozen = c->local.frozen;
	return scene;
}

static bool view_known(const char *view)
{
	for (size_t i = 0; layout_views[i]; i++)
		if (strcmp(layout_views[i], view) == 0)
			return true;
	return false;
}

void local_relayout(struct cockpit *c)
{
	char zoomed[48] = "";
	size_t at = 0;

	if (c->local.zoom && c->local.focus)
		text_copyf(zoomed, sizeof(zoomed), "%s%s", c->local.focus->name,
			   c->local.zoom == 1 ? "+" : "");
	layout_for(c->size, c->local.view, zoomed[0] ? zoomed : NULL, &c->layout);
	while (at < c->layout.n && c->layout.places[at].panel != c->local.focus)
		at++;
	if (at == c->layout.n && c->layout.n) {
		at = 0;
		c->local.focus = c->layout.places[0].panel;
	}
	c->layout.focus = at;
	seat_dirty(c);
}

/* A phase offers its view only to a seat that has not chosen one. */
void local_offer(struct cockpit *c)
{
	const char *phase = layout_view_of(c->state);

	if (strcmp(phase, c->local.phase) == 0)
		return;
	text_copy(c->local.phase, sizeof(c->local.phase), phase);
	if (c->local.view_chosen || !view_known(phase))
		return;
	text_copy(c->local.view, sizeof(c->local.view), phase);
	local_relayout(c);
}

void local_focus(struct cockpit *c, int step)
{
	size_t at = 0, n = c->layout.n;

	c->local.view_chosen = true;
	if (c->local.zoom) {
		size_t all = 0;
		while (panel_table[all])
			all++;
		at = (place_of(c->local.focus) + all + (size_t)(ptrdiff_t)step) % all;
		c->local.focus = panel_table[at];
		local_relayout(c);
		return;
	}
	while (at < n && c->layout.places[at].panel != c->local.focus)
		at++;
	if (n)
		c->local.focus = c->layout.places[(at + n + (size_t)(ptrdiff_t)step) % n].panel;
	local_relayout(c);
}

void local_digit(struct cockpit *c, char digit)
{
	for (size_t i = 0; panel_table[i]; i++) {
		if (panel_table[i]->digit != digit)
			continue;
		c->local.view_chosen = true;
		c->local.focus = panel_table[i];
		/* A panel that has no place in this view is shown alone; Esc or _ brings the view back. */
		if (!c->local.zoom && !layout_place(&c->layout, panel_table[i]->name))
			c->local.zoom = 2;
		local_relayout(c);
		return;
	}
	seat_toast(c, ROLE_MUTED, "there is no panel %c", digit);
}

bool local_set_view(struct cockpit *c, const char *view)
{
	if (!view_known(view))
		return false;
	text_copy(c->local.view, sizeof(c->local.view), view);
	c->local.view_chosen = true;
	c->local.zoom = 0;
	local_relayout(c);
	return true;
}

/* First back to the phase's own view, then through the others. */
void local_next_view(struct cockpit *c)
{
	const char *phase = layout_view_of(c->state);
	size_t at = 0;

	if (view_known(phase) &&
	    (c->local.zoom || (c->local.view_chosen && strcmp(c->local.view, phase) != 0 &&
			       strcmp(c->local.view, "all") == 0))) {
		local_set_view(c, phase);
		c->local.view_chosen = false;
		seat_toast(c, ROLE_MUTED, "view of the phase: %s", phase);
		return;
	}
	while (layout_views[at] && strcmp(layout_views[at], c->local.view) != 0)
		at++;
	local_set_view(c, layout_views[at] && layout_views[at + 1] ? layout_views[at + 1] : layout_views[0]);
	seat_toast(c, ROLE_MUTED, "view: %s", c->local.view);
}

void local_zoom(struct cockpit *c, int zoom)
{
	c->local.zoom = zoom < 0 ? 0 : zoom > 2 ? 2 : zoom;
	local_relayout(c);
}

static void thaw(struct cockpit *c)
{
	struct buf held = c->local.held;
	char *at = held.data, *end;

	c->local.held = (struct buf){0};
	while (at && (end = strchr(at, '\n'))) {
		link_fold(c, at, (size_t)(end - at));
		at = end + 1;
	}
	buf_done(&held);
	seat_after_fold(c);
}

void local_freeze(struct cockpit *c, bool on)
{
	if (on == c->local.frozen)
		return;
	c->local.frozen_at_ms = seat_now_ms(c);
	c->local.frozen = on;
	if (!on)
		thaw(c);
	seat_dirty(c);
}

static struct size pane_size(const struct cockpit *c, const struct panel *panel)
{
	const struct place *place = panel ? layout_place(&c->layout, panel->name) : NULL;

	if (place && c->canvas)
		return layout_body(place, c->canvas).size;
	return (struct size){.cols = 40, .rows = 10};
}

void local_act(struct cockpit *c, const struct act *act)
{
	const struct panel *panel = c->local.focus;

	if (panel && panel->act)
		panel->act(c->local.views[place_of(panel)], c->state, act, pane_size(c, panel));
	seat_dirty(c);
}

void local_selected(const struct cockpit *c, char *out, size_t size)
{
	const struct panel *panel = c->sheet.kind == SHEET_CARD ? c->sheet.panel : c->local.focus;
	struct scene scene = local_scene(c, panel);

	text_copy(out, size, "");
	if (panel && panel->selected)
		panel->selected(&scene, out, size);
}
