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

static void read_piece(struct uvpi_batch *batch, const struct uvp_domain *domain, int i)
{
	char path[64];

	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/config/%d", domain->domid, i);
	uvpi_batch_read(batch, path);
}

enum { UUID, NAMES, FIRST_PIECE };

/* How many pieces there are, and the first of them, which is nearly always the only one. */
static int read_first(struct uvpi_batch *batch, const struct uvp_domain *domain, int *ret_n, struct uvp_error *err)
{
	char path[64], text[UVPI_UUID_TEXT];
	const char *uuid, *names;
	size_t len = 0;
	int r, n = 0;

	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/uuid", domain->domid);
	uvpi_batch_read(batch, path);
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/config", domain->domid);
	uvpi_batch_list(batch, path);
	read_piece(batch, domain, 0);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	uvpi_format_uuid(domain->uuid, text);
	uuid = uvpi_batch_value(batch, UUID, NULL);
	names = uvpi_batch_value(batch, NAMES, &len);
	for (const char *p = names; p && p < names + len; p += strlen(p) + 1)
		n++;
	if (!uuid || strcmp(uuid, text) || !n || n > PIECES_MAX)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0,
				 "there is no configuration of domain %" PRIu32 ": it was made by another tool",
				 domain->domid);
	*ret_n = n;
	return 0;
}

static int join_pieces(const struct uvpi_batch *batch, int at, int n, const struct uvp_domain *domain, char **ret_text,
		       struct uvp_error *err)
{
	_cleanup_free_ char *text = malloc((size_t)n * 4096 + 1);
	size_t used = 0;

	if (!text)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++) {
		size_t len;
		const char *piece = uvpi_batch_value(batch, at + i, &len);

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
	_cleanup_batch_ struct uvpi_batch *first = NULL, *all = NULL;
	struct uvpi_store *store;
	int n = 0, r = uvpi_host_store(domain->host, &store, err);

	if (r == 0)
		r = uvpi_batch_new(store, &first, err);
	if (r == 0)
		r = read_first(first, domain, &n, err);
	if (r == 0 && n == 1)
		return join_pieces(first, FIRST_PIECE, 1, domain, ret_text, err);
	if (r == 0)
		r = uvpi_batch_new(store, &all, err);
	for (int i = 0; i < n && r == 0; i++)
		read_piece(all, domain, i);
	if (r == 0)
		r = uvpi_batch_run(all, false, err);
	return r < 0 ? r : join_pieces(all, 0, n, domain, ret_text, err);
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

int uvpi_domain_save_config(struct uvp_domain *domain, const char *before, const char *text, struct uvp_error *err)
{
	bool one_piece = before && strlen(before) <= UVPI_CONFIG_PIECE && strlen(text) <= UVPI_CONFIG_PIECE;
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[64];
	int r = uvpi_host_batch(domain->host, &batch, err);

	if (r < 0)
		return r;
	/* The old one may have had more pieces. */
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/config", domain->domid);
	if (!one_piece)
		uvpi_batch_rm(batch, path);
	uvpi_batch_config(batch, domain->domid, text);
	return uvpi_batch_run(batch, !one_piece, err);
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
