#include "panels/list.h"
#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const struct list_rows *rows, size_t i, const char *needle)
{
	char text[512] = "";

	(rows->text ? rows->text : rows->key)(rows->ctx, i, text, sizeof(text));
	return text_find(text, needle) != NULL;
}

static size_t find_selected(const struct list *list, const struct list_rows *rows, const size_t *shown,
			    size_t n)
{
	char key[sizeof(list->key)];

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!list->key[0]) {
			if (shown[i] >= rows->start)
				return i;
			continue;
		}
		/* The last known place first: nearly always it is still there. */
		size_t at = (list->index + i) % n;
		rows->key(rows->ctx, shown[at], key, sizeof(key));
		if (strcmp(key, list->key) == 0)
			return at;
	}
	return list->key[0] && list->index < n ? list->index : n - 1;
}

void list_page_init(struct list_page *page, const struct list *list, const struct list_rows *rows, int height)
{
	size_t lines = height > 0 ? (size_t)height : 0;
	int offset = list->offset;

	*page = (struct list_page){.height = height > 0 ? height : 0};
	page->shown = calloc(rows->n + 1, sizeof(size_t));
	if (!page->shown)
		abort();
	for (size_t i = 0; i < rows->n; i++) {
		if (list->filter[0] && matches(rows, i, list->filter) == list->hide)
			page->hidden++;
		else
			page->shown[page->n++] = i;
	}
	page->selected = find_selected(list, rows, page->shown, page->n);
	if (lines == 0 || page->n <= lines)
		return;
	if (!list->key[0])
		offset = page->selected < lines ? (int)page->selected : (int)lines / 2;
	if (offset >= height)
		offset = height - 1;
	if (offset < 0)
		offset = 0;
	page->top = page->selected > (size_t)offset ? page->selected - (size_t)offset : 0;
	if (page->top > page->n - lines)
		page->top = page->n - lines;
}

void list_page_done(struct list_page *page)
{
	free(page->shown);
	page->shown = NULL;
}

ptrdiff_t list_page_row(const struct list_page *page, int line)
{
	size_t at = page->top + (size_t)line;

	if (line < 0 || line >= page->height || at >= page->n)
		return -1;
	return (ptrdiff_t)page->shown[at];
}

static void choose(struct list *list, const struct list_rows *rows, const struct list_page *page, size_t at)
{
	ptrdiff_t offset;

	if (page->n == 0)
		return;
	if (at >= page->n)
		at = page->n - 1;
	rows->key(rows->ctx, page->shown[at], list->key, sizeof(list->key));
	list->index = at;
	offset = (ptrdiff_t)at - (ptrdiff_t)page->top;
	if (offset < 0)
		offset = 0;
	if (offset >= page->height)
		offset = page->height > 0 ? page->height - 1 : 0;
	list->offset = (int)offset;
}

static void move(struct list *list, const struct list_rows *rows, const struct list_page *page,
		 enum move move)
{
	size_t at = page->selected, leap = page->height > 1 ? (size_t)page->height - 1 : 1;

	switch (move) {
	case MOVE_UP: at -= at > 0; break;
	case MOVE_DOWN: at++; break;
	case MOVE_PAGE_UP: at = at > leap ? at - leap : 0; break;
	case MOVE_PAGE_DOWN: at += leap; break;
	case MOVE_FIRST: at = 0; break;
	case MOVE_LAST: at = page->n; break;
	case MOVE_NONE: break; /* the row he sees selected is the one he means */
	default: return;
	}
	choose(list, rows, page, at);
}

static void search(struct list *list, const struct list_rows *rows, const struct list_page *page, bool back,
		   size_t skip)
{
	if (!list->search[0])
		return;
	for (size_t i = skip; i < page->n + skip; i++) {
		size_t at = back ? page->selected + page->n - i : page->selected + i;

		at %= page->n;
		if (matches(rows, page->shown[at], list->search)) {
			choose(list, rows, page, at);
			return;
		}
	}
}

void list_act(struct list *list, const struct list_rows *rows, const struct act *act, int height)
{
	struct list_page page;

	if (act->kind == ACT_KEEP || act->kind == ACT_HIDE) {
		/* Nobody has chosen yet: the row he sees selected stays selected. */
		if (!list->key[0] && act->text && act->text[0])
			list_selected(list, rows, list->key, sizeof(list->key));
		text_copy(list->filter, sizeof(list->filter), act->text ? act->text : "");
		list->hide = act->kind == ACT_HIDE;
		return;
	}
	list_page_init(&page, list, rows, height);
	switch (act->kind) {
	case ACT_MOVE: move(list, rows, &page, act->move); break;
	case ACT_SEARCH:
		text_copy(list->search, sizeof(list->search), act->text ? act->text : "");
		search(list, rows, &page, false, 0);
		break;
	case ACT_SEARCH_NEXT: search(list, rows, &page, false, 1); break;
	case ACT_SEARCH_PREV: search(list, rows, &page, true, 1); break;
	default: break;
	}
	list_page_done(&page);
}

ptrdiff_t list_selected_row(const struct list *list, const struct list_rows *rows)
{
	struct list_page page;
	ptrdiff_t row;

	list_page_init(&page, list, rows, 1);
	row = page.n > 0 ? (ptrdiff_t)page.shown[page.selected] : -1;
	list_page_done(&page);
	return row;
}

void list_selected(const struct list *list, const struct list_rows *rows, char *out, size_t size)
{
	ptrdiff_t row = list_selected_row(list, rows);

	if (size > 0)
		out[0] = '\0';
	if (row >= 0)
		rows->key(rows->ctx, (size_t)row, out, size);
}

void list_note(struct canvas *canvas, int row, const struct list *list, const struct list_page *page)
{
	char text[200] = "";

	if (list->filter[0])
		snprintf(text, sizeof(text), " %s %s: %zu hidden ", list->hide ? "hides" : "keeps",
			 list->filter, page->hidden);
	else if (list->search[0])
		snprintf(text, sizeof(text), " / %s ", list->search);
	if (!text[0])
		return;
	int width = canvas_width(canvas, text);
	if (width > canvas->size.cols)
		width = canvas->size.cols;
	canvas_field(canvas, canvas->size.cols - width, row, width, false, ROLE_KEY, text);
}
