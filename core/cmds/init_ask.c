#include "core/cmds/init_ask.h"
#include "core/base/text.h"
#include "core/night/config_keys.h"
#include <stdio.h>
#include <string.h>

static const struct schema *find_key(const struct schema *keys, const char *name)
{
	while (keys && keys->name && strcmp(keys->name, name) != 0)
		keys++;
	return keys;
}

static const char *const *providers(void)
{
	return find_key(find_key(config_keys, "dns")->fields, "provider")->one_of;
}

void init_providers(struct buf *out)
{
	const char *const *names = providers();

	for (size_t i = 0; names[i]; i++)
		buf_addf(out, "%s%s", i ? ", " : "", names[i]);
}

static bool is_provider(const char *word)
{
	const char *const *names = providers();

	while (*names && strcmp(*names, word) != 0)
		names++;
	return *names;
}

/* One line from the terminal without its blanks; "" for Enter and for the end of input. */
static void ask(const char *question, char *out, size_t size)
{
	char line[300] = "";
	size_t start, len;

	printf("%s ", question);
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		puts("");
	start = strspn(line, " \t");
	len = strcspn(line + start, " \t\r\n");
	text_copyf(out, size, "%.*s", (int)len, line + start);
}

bool init_is_dns_name(const char *text)
{
	size_t len = strlen(text);

	return len && len < 254 && text[0] != '.' && text[0] != '-' && strspn(text, INIT_WORD "-_.") == len &&
	       strchr(text, '.');
}

/* "www.acme.com" lies most often in "acme.com". */
static const char *likely_zone(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && strchr(dot + 1, '.') ? dot + 1 : name;
}

static bool is_in(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);

	return n >= z && strcasecmp(name + n - z, zone) == 0 && (n == z || name[n - z - 1] == '.');
}

void init_ask_dns(const char *name, struct init_answer *answer)
{
	struct buf words = {0};
	char question[400], text[256];

	init_providers(&words);
	for (int i = 0; i < 2 && !*answer->zone; i++) {
		text_copyf(question, sizeof question, "The DNS zone that %s is in [%s]:", name,
			   likely_zone(name));
		ask(question, text, sizeof text);
		text_copy(answer->zone, sizeof answer->zone, *text ? text : likely_zone(name));
		if (init_is_dns_name(answer->zone) && is_in(name, answer->zone))
			break;
		printf("%s is not in it.\n", name);
		*answer->zone = 0;
	}
	for (int i = 0; i < 2 && *answer->zone && !*answer->provider; i++) {
		text_copyf(question, sizeof question, "Who serves %s (%s; Enter: later):", answer->zone,
			   buf_text(&words));
		ask(question, text, sizeof text);
		if (is_provider(text))
			text_copy(answer->provider, sizeof answer->provider, text);
		else if (!*text)
			break;
		else
			printf("One of %s.\n", buf_text(&words));
	}
	buf_done(&words);
}
