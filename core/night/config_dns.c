/* The keys of `dns:` in nightferry.yml. */
#include "core/night/config_keys.h"
#include "core/night/config_look.h"

static int check_command(const struct schema_run *, const struct yaml *, struct err *);

static const char *const providers[] = {"cloudflare", "hetzner", "route53", "command", "manual", NULL};

static const struct schema command_fields[] = {
    {.name = "program", .otherwise = "\"terraform\"", .help = "terraform, tofu, or a path to one of them"},
    {.name = "dir", .required = true, .help = "the folder with its files, for example infra/dns"},
    {.name = "new",
     .type = SCHEMA_ANY,
     .help = "terraform's variables that lead to the new side, for example {target: cutover.acme.com}"},
    {.name = "old",
     .type = SCHEMA_ANY,
     .help = "terraform's variables that lead to the old side, for example {target: acme.herokudns.com}"},
    {.name = "replace",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "resources that may be replaced or destroyed, for example [terraform_data.www]"},
    {.name = "plan",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "a program that saves a plan for the new side, for example [./dns, plan, new, \"{plan}\"]"},
    {.name = "back",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "a program that saves a plan for the old side, for example [./dns, plan, old, \"{plan}\"]"},
    {.name = "show",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "a program that says in terraform's JSON what is in a saved plan"},
    {.name = "apply",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "a program that applies a saved plan, for example [./dns, apply, \"{plan}\"]"},
    {0},
};
const struct schema config_dns_keys[] = {
    {.name = "provider",
     .required = true,
     .one_of = providers,
     .help = "cloudflare, hetzner, route53, command or manual"},
    {.name = "command",
     .type = SCHEMA_MAP,
     .fields = command_fields,
     .check = check_command,
     .help =
	 "a map, for example {dir: infra, new: {target: cutover.acme.com}, old: {target: x.herokudns.com}}"},
    {.name = "api",
     .otherwise = "\"\"",
     .help = "another address of the provider's API",
     .check = config_check_url},
    {.name = "zone",
     .otherwise = "\"\"",
     .help = "the zone the names are in, for example acme.com",
     .check = config_check_name},
    {.name = "names",
     .type = SCHEMA_TEXTS,
     .required = true,
     .help = "the names that move, for example [www.acme.com]",
     .check = config_check_name},
    {.name = "proxied",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "those of the names that go through Cloudflare's proxy, for example [www.acme.com]",
     .check = config_check_name},
    {.name = "tenants",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "names in other people's zones that lead to yours, for example [shop.customer.com]",
     .check = config_check_name},
    {.name = "new_name",
     .otherwise = "\"\"",
     .help = "a name that already points to the new server",
     .check = config_check_name},
    {.name = "servers",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "name servers to ask, for example [1.2.3.4#53]"},
    {.name = "resolvers",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "resolvers to watch, for example [1.1.1.1, 8.8.8.8]"},
    {0},
};

/* Terraform by its variables, or three programs of the user's own; half of either is a way without a way
 * back. */
static int check_command(const struct schema_run *run, const struct yaml *map, struct err *err)
{
	static const char *const own[] = {"plan", "back", "apply", NULL}, *const terraform[] = {"new", "old",
												NULL};
	const char *const *wanted = terraform;

	for (size_t i = 0; own[i]; i++)
		if (yaml_get(map, own[i]))
			wanted = own;
	for (size_t i = 0; wanted[i]; i++)
		if (!yaml_get(map, wanted[i]))
			return yaml_err_key(
			    run->doc, map, err,
			    "`command:` needs \"%s\": terraform takes {dir, new, old}, programs of "
			    "your own take {dir, plan, back, apply}.",
			    wanted[i]);
	return 0;
}
