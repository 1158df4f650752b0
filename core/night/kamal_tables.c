/* The keys of Kamal 2.12's file, as rows. */
#include "core/night/kamal_rules.h"

static const struct kamal_rule healthcheck[] = {
    {.key = "interval", .wants = WANTS_INT}, {.key = "path"}, {.key = "timeout", .wants = WANTS_INT}, {0}};
static const struct kamal_rule buffering[] = {
    {.key = "requests", .wants = WANTS_FLAG},        {.key = "responses", .wants = WANTS_FLAG},
    {.key = "max_request_body", .wants = WANTS_INT}, {.key = "max_response_body", .wants = WANTS_INT},
    {.key = "memory", .wants = WANTS_INT},           {0},
};
static const struct kamal_rule proxy_logging[] = {
    {.key = "request_headers", .wants = WANTS_TEXTS}, {.key = "response_headers", .wants = WANTS_TEXTS}, {0}};
static const struct kamal_rule proxy_run[] = {
    {.key = "http_port", .wants = WANTS_INT},
    {.key = "https_port", .wants = WANTS_INT},
    {.key = "metrics_port", .wants = WANTS_INT},
    {.key = "debug", .wants = WANTS_FLAG},
    {.key = "log_max_size"},
    {.key = "publish", .wants = WANTS_FLAG},
    {.key = "bind_ips", .wants = WANTS_TEXTS},
    {.key = "registry"},
    {.key = "repository"},
    {.key = "version"},
    {.key = "options", .wants = WANTS_MAP},
    {0},
};
const struct kamal_rule kamal_proxy_rules[] = {
    {.key = "host"},
    {.key = "hosts", .wants = WANTS_HOSTS},
    {.key = "app_port", .wants = WANTS_INT},
    {.key = "ssl", .wants = WANTS_TLS},
    {.key = "ssl_redirect", .wants = WANTS_FLAG},
    {.key = "forward_headers", .wants = WANTS_FLAG},
    {.key = "response_timeout", .wants = WANTS_INT},
    {.key = "path_prefix"},
    {.key = "path_prefixes", .wants = WANTS_TEXTS},
    {.key = "strip_path_prefix", .wants = WANTS_FLAG},
    {.key = "healthcheck", .wants = WANTS_FIELDS, .fields = healthcheck},
    {.key = "buffering", .wants = WANTS_FIELDS, .fields = buffering},
    {.key = "logging", .wants = WANTS_FIELDS, .fields = proxy_logging},
    {.key = "run", .wants = WANTS_FIELDS, .fields = proxy_run},
    {0},
};
const struct kamal_rule kamal_logging_rules[] = {
    {.key = "driver"}, {.key = "options", .wants = WANTS_MAP}, {0}};
const struct kamal_rule kamal_registry_rules[] = {
    {.key = "server"}, {.key = "username", .wants = WANTS_OWN}, {.key = "password", .wants = WANTS_OWN}, {0}};
const struct kamal_rule kamal_role_rules[] = {
    {.key = "hosts", .wants = WANTS_HOSTS},
    {.key = "cmd"},
    {.key = "stop_timeout", .wants = WANTS_INT},
    {.key = "options", .wants = WANTS_MAP},
    {.key = "logging", .wants = WANTS_PART},
    {.key = "proxy", .wants = WANTS_PART_FLAG},
    {.key = "labels", .wants = WANTS_TEXT_MAP},
    {.key = "env", .wants = WANTS_PART},
    {.key = "asset_path"},
    {0},
};
const struct kamal_rule kamal_accessory_rules[] = {
    {.key = "service"},
    {.key = "image"},
    {.key = "registry", .wants = WANTS_PART},
    {.key = "host"},
    {.key = "hosts", .wants = WANTS_HOSTS},
    {.key = "role"},
    {.key = "roles", .wants = WANTS_TEXTS},
    {.key = "tag"},
    {.key = "tags", .wants = WANTS_TEXTS},
    {.key = "cmd"},
    {.key = "port"},
    {.key = "labels", .wants = WANTS_TEXT_MAP},
    {.key = "options", .wants = WANTS_MAP},
    {.key = "env", .wants = WANTS_PART},
    {.key = "files", .wants = WANTS_PATHS},
    {.key = "directories", .wants = WANTS_PATHS},
    {.key = "volumes", .wants = WANTS_TEXTS},
    {.key = "network"},
    {.key = "proxy", .wants = WANTS_PART_FLAG},
    {0},
};
const struct kamal_rule kamal_ssh_rules[] = {
    {.key = "user"},
    {.key = "port"},
    {.key = "proxy"},
    {.key = "proxy_command"},
    {.key = "log_level"},
    {.key = "keys_only", .wants = WANTS_FLAG},
    {.key = "keys", .wants = WANTS_TEXTS},
    {.key = "key_data", .wants = WANTS_TEXTS},
    {.key = "config", .wants = WANTS_SSH_FILES},
    {.key = "forward_agent", .wants = WANTS_FLAG},
    {0},
};
static const struct kamal_rule builder_pack[] = {
    {.key = "builder"}, {.key = "buildpacks", .wants = WANTS_TEXTS}, {0}};
static const struct kamal_rule builder_cache[] = {{.key = "type"}, {.key = "options"}, {.key = "image"}, {0}};
const struct kamal_rule kamal_builder_rules[] = {
    {.key = "arch", .wants = WANTS_TEXT_OR_TEXTS},
    {.key = "remote"},
    {.key = "local", .wants = WANTS_FLAG},
    {.key = "pack", .wants = WANTS_FIELDS, .fields = builder_pack},
    {.key = "cache", .wants = WANTS_FIELDS, .fields = builder_cache},
    {.key = "context"},
    {.key = "dockerfile"},
    {.key = "target"},
    {.key = "args", .wants = WANTS_MAP},
    {.key = "secrets", .wants = WANTS_TEXTS},
    {.key = "ssh"},
    {.key = "driver"},
    {.key = "provenance"},
    {.key = "sbom", .wants = WANTS_FLAG},
    {0},
};
const struct kamal_rule kamal_boot_rules[] = {{.key = "limit"},
					      {.key = "wait", .wants = WANTS_INT},
					      {.key = "parallel_roles", .wants = WANTS_FLAG},
					      {0}};
static const struct kamal_rule output_otel[] = {{.key = "endpoint"}, {0}},
			       output_file[] = {{.key = "path"}, {0}};
const struct kamal_rule kamal_output_rules[] = {
    {.key = "otel", .wants = WANTS_FIELDS, .fields = output_otel},
    {.key = "file", .wants = WANTS_FIELDS, .fields = output_file},
    {0},
};
const struct kamal_rule kamal_sshkit_rules[] = {{.key = "max_concurrent_starts", .wants = WANTS_INT},
						{.key = "pool_idle_timeout", .wants = WANTS_INT},
						{.key = "dns_retries", .wants = WANTS_INT},
						{0}};
const struct kamal_rule kamal_root_rules[] = {
    {.key = "service"},
    {.key = "image"},
    {.key = "labels", .wants = WANTS_TEXT_MAP},
    {.key = "volumes", .wants = WANTS_TEXTS},
    {.key = "registry", .wants = WANTS_PART},
    {.key = "servers", .wants = WANTS_PART_LIST},
    {.key = "env", .wants = WANTS_PART},
    {.key = "asset_path"},
    {.key = "hooks_path"},
    {.key = "hooks_output", .wants = WANTS_LOUDNESS},
    {.key = "secrets_path"},
    {.key = "error_pages_path"},
    {.key = "require_destination", .wants = WANTS_FLAG},
    {.key = "primary_role"},
    {.key = "allow_empty_roles", .wants = WANTS_FLAG},
    {.key = "retain_containers", .wants = WANTS_INT},
    {.key = "minimum_version"},
    {.key = "readiness_delay", .wants = WANTS_INT},
    {.key = "deploy_timeout", .wants = WANTS_INT},
    {.key = "drain_timeout", .wants = WANTS_INT},
    {.key = "stop_timeout", .wants = WANTS_INT},
    {.key = "run_directory"},
    {.key = "ssh", .wants = WANTS_PART},
    {.key = "builder", .wants = WANTS_PART},
    {.key = "accessories", .wants = WANTS_PART},
    {.key = "proxy", .wants = WANTS_PART_FLAG},
    {.key = "sshkit", .wants = WANTS_PART},
    {.key = "boot", .wants = WANTS_PART},
    {.key = "logging", .wants = WANTS_PART},
    {.key = "output", .wants = WANTS_PART},
    {.key = "aliases", .wants = WANTS_PART},
    {0},
};
