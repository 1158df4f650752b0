/* Images are only names here: a list of references, some of them tags of another. */
#include "demo/docker/cmds.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static cJSON *images_load(void)
{
	char path[PATH_MAX], reference[256], source[256];
	cJSON *images = cJSON_CreateObject();
	FILE *file = fopen(store_path(path, "images"), "re");
	while (file && fscanf(file, "%255s %255s", reference, source) == 2)
		text_set(images, reference, source);
	if (file)
		fclose(file);
	return images;
}

const char *image_resolve(const char *reference, char name[256])
{
	cJSON *images = images_load();
	const char *source = text_of(images, reference);
	snprintf(name, 256, "%s", *source ? source : reference);
	cJSON_Delete(images);
	return name;
}

void image_record(const char *reference, const char *source)
{
	char path[PATH_MAX], draft[PATH_MAX], name[256];
	int lock = store_lock();
	const cJSON *image;
	cJSON *images = images_load();
	text_set(images, reference, source ? image_resolve(source, name) : reference);
	FILE *file = fopen(store_path(draft, "images.new"), "we");
	cJSON_ArrayForEach(image, images)
	{
		if (file)
			fprintf(file, "%s %s\n", image->string, image->valuestring);
	}
	if (file && !fclose(file))
		rename(draft, store_path(path, "images"));
	store_unlock(lock);
	cJSON_Delete(images);
}

/* Kamal builds with the label service=NAME; here the last word of the repository stands for it. */
static int image_of_service(const char *reference, const char *service)
{
	const char *slash = strrchr(reference, '/'), *name = slash ? slash + 1 : reference;
	size_t len = strlen(service);
	return !strncmp(name, service, len) && name[len] == ':';
}

static int image_list(int argc, char **argv)
{
	struct texts filters = {0};
	const char *format = NULL;
	int quiet = 0, full = 0, status = 0, count;
	const struct option_row rows[] = {{"filter", 'f', 'l', &filters},
					  {"format", 0, 's', &format},
					  {"quiet", 'q', 'b', &quiet},
					  {"all", 'a', 'B', NULL},
					  {"no-trunc", 0, 'b', &full}};
	if ((count = OPTIONS(rows, argc, argv, 0)) < 0)
		return 125;
	cJSON *images = images_load();
	const cJSON *image;
	if (!quiet && !format)
		printf("%-32s%-48s%-15s%-15s%s\n", "REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE");
	cJSON_ArrayForEach(image, images)
	{
		char id[65], shown[80], repository[256];
		int fits = count < 1 || !strncmp(image->string, argv[0], strlen(argv[0]));
		for (int i = 0; i < filters.count; i++)
			if (!strncmp(filters.item[i], "reference=", 10))
				fits &= !strcmp(filters.item[i] + 10, image->string);
			else if (!strncmp(filters.item[i], "label=service=", 14))
				fits &= image_of_service(image->string, filters.item[i] + 14);
		if (!fits)
			continue;
		snprintf(repository, sizeof repository, "%s", image->string);
		char *tag = strrchr(repository, ':');
		if (tag)
			*tag++ = 0;
		image_id(image->valuestring, id);
		snprintf(shown, sizeof shown, "%.12s", id);
		if (full)
			snprintf(shown, sizeof shown, "sha256:%s", id);
		cJSON *row = cJSON_CreateObject();
		text_set(row, "ID", shown);
		text_set(row, "Repository", repository);
		text_set(row, "Tag", tag ? tag : "latest");
		text_set(row, "Size", "412MB");
		if (quiet || format)
			status |= format_print(quiet ? "{{.ID}}" : format, row, NULL, TEMPLATE_ROW);
		else
			printf("%-32s%-48s%-15s%-15s%s\n", repository, tag ? tag : "latest", shown,
			       "2 days ago", "412MB");
		cJSON_Delete(row);
	}
	cJSON_Delete(images);
	return status ? 1 : 0;
}

/* What is imported has no program of the demo's in it: its containers run the command they are given. */
int cmd_import(int argc, char **argv)
{
	char chunk[65536], id[65];
	const struct option_row rows[] = {{"change", 'c', 'S', NULL}, {"message", 'm', 'S', NULL}};
	int count = OPTIONS(rows, argc, argv, 0);
	if (count < 0)
		return 125;
	while (count && !strcmp(argv[0], "-") && read(0, chunk, sizeof chunk) > 0)
		continue;
	if (count > 1)
		image_record(argv[1], IMAGE_IMPORTED);
	image_id(count > 1 ? argv[1] : IMAGE_IMPORTED, id);
	printf("sha256:%s\n", id);
	return 0;
}

/* Everything about images, networks, volumes and logins that Kamal says on its way and that changes nothing.
 */
int cmd_image(int argc, char **argv)
{
	const char *what = argv[0], *verb = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "images"))
		return image_list(argc, argv);
	if (!strcmp(what, "image") && (!strcmp(verb, "ls") || !strcmp(verb, "list")))
		return image_list(argc - 1, argv + 1);
	if (!strcmp(what, "network") && !strcmp(verb, "create")) {
		fprintf(stderr, "Error response from daemon: network with name %s already exists\n",
			argv[argc - 1]);
		return 1;
	}
	if (!strcmp(what, "image") && (!strcmp(verb, "tag") || !strcmp(verb, "pull")))
		argc--, argv++, what = argv[0];
	if (!strcmp(what, "tag") && argc == 3)
		image_record(argv[2], argv[1]);
	if (!strcmp(what, "pull") && argc > 1) {
		image_record(argv[argc - 1], NULL);
		printf("Status: Image is up to date for %s\n%s\n", argv[argc - 1], argv[argc - 1]);
	}
	if (strstr(verb, "prune") || !strcmp(what, "prune"))
		puts("Total reclaimed space: 0B");
	if (!strcmp(what, "login"))
		puts("Login Succeeded");
	if (!strcmp(what, "network") && !strcmp(verb, "ls"))
		puts("NETWORK ID     NAME      DRIVER    SCOPE\n4f2c91a07d11   kamal     bridge    local");
	return 0;
}
