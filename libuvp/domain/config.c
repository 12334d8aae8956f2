/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration that a domain was made from, out of the notes in xenstore. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/store.h"
#include "domain/domain.h"

/* 1 MiB is the largest that is read; far more pieces than that is no note of ours. */
#define PIECES_MAX 1024

static int count_pieces(struct uvpi_store *store, const struct uvp_domain *domain, int *ret_n, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[64], text[UVPI_UUID_TEXT];
	const char *uuid, *names;
	size_t len = 0;
	int r = uvpi_batch_new(store, &batch, err), n = 0;

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/uuid", domain->domid);
	uvpi_batch_read(batch, path);
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/config", domain->domid);
	uvpi_batch_list(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	uvpi_format_uuid(domain->uuid, text);
	uuid = uvpi_batch_value(batch, 0, NULL);
	names = uvpi_batch_value(batch, 1, &len);
	for (const char *p = names; p && p < names + len; p += strlen(p) + 1)
		n++;
	if (!uuid || strcmp(uuid, text) || !n || n > PIECES_MAX)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0,
				 "there is no configuration of domain %" PRIu32 ": it was made by another tool",
				 domain->domid);
	*ret_n = n;
	return 0;
}

static int read_pieces(struct uvpi_store *store, const struct uvp_domain *domain, int n, char **ret_text,
		       struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	_cleanup_free_ char *text = NULL;
	size_t used = 0;
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/config/%d", domain->domid, i);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	text = malloc((size_t)n * 4096 + 1);
	if (!text)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++) {
		size_t len;
		const char *piece = uvpi_batch_value(batch, i, &len);

		if (!piece || len > 4096)
			return uvpi_fail(err, UVP_E_NOT_FOUND, 0,
					 "the configuration of domain %" PRIu32 " is not whole in xenstore",
					 domain->domid);
		memcpy(text + used, piece, len);
		used += len;
	}
	text[used] = '\0';
	*ret_text = uvpi_steal(&text);
	return 0;
}

int uvpi_domain_config_text(const struct uvp_domain *domain, char **ret_text, struct uvp_error *err)
{
	struct uvpi_store *store;
	int n = 0, r = uvpi_host_store(domain->host, &store, err);

	if (r == 0)
		r = count_pieces(store, domain, &n, err);
	return r < 0 ? r : read_pieces(store, domain, n, ret_text, err);
}

void uvpi_batch_config(struct uvpi_batch *batch, uint32_t domid, const char *text)
{
	size_t len = strlen(text);
	char path[64];

	for (size_t at = 0, i = 0; at < len; at += UVPI_CONFIG_PIECE, i++) {
		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/config/%zu", domid, i);
		uvpi_batch_write_bytes(batch, path, text + at,
				       len - at < UVPI_CONFIG_PIECE ? len - at : UVPI_CONFIG_PIECE);
	}
}

int uvpi_domain_save_config(struct uvp_domain *domain, const char *text, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_store *store;
	char path[64];
	int r = uvpi_host_store(domain->host, &store, err);

	if (r == 0)
		r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	/* The old one may have had more pieces. */
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/config", domain->domid);
	uvpi_batch_rm(batch, path);
	uvpi_batch_config(batch, domain->domid, text);
	return uvpi_batch_run(batch, true, err);
}

int uvp_domain_config(struct uvp_domain *domain, struct uvp_config **ret_config, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	struct uvp_config *config = NULL;
	int r = uvpi_domain_config_text(domain, &text, err);

	if (r < 0)
		return r;
	r = uvp_config_parse(domain->name, text, strlen(text), NULL, 0, NULL, NULL, &config, err);
	if (r < 0)
		return r;
	/* It may have been renamed since. */
	if (domain->name[0] && (!config->name || strcmp(config->name, domain->name))) {
		char *name = strdup(domain->name);

		if (!name) {
			uvp_config_free(config);
			return uvpi_no_memory(err);
		}
		free(config->name);
		config->name = name;
	}
	*ret_config = config;
	return 0;
}
