/* Random bytes as YAML, in both of our readings, and as a nightferry.yml: a tree or a sentence, nothing else.
 */
#include "core/base/yaml.h"
#include "core/night/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7 keeps the grown part of its iterator over a text with hundreds of escaped quotes: 4 KB for
 * each such text, inside the library. It is known by the library, because a machine without a symbolizer
 * knows no functions. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so\n";
}

static void parse(const uint8_t *data, size_t size, enum yaml_mode mode)
{
	struct err err = {0};
	struct yaml_doc *doc = yaml_parse("fuzz.yml", (const char *)data, size, mode, &err);
	if (!doc && !err.text[0])
		abort();
	yaml_free(doc);
}

/* The loader takes a path, and a file in memory has one. */
static void load(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct err err = {0};
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct json *config = config_load(path, &err);
	if (!config && !err.text[0])
		abort();
	json_free(config);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse(data, size, YAML_OURS);
	parse(data, size, YAML_RUBY);
	load(data, size);
	return 0;
}
