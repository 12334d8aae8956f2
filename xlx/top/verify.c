/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a name still is the domain's that was chosen. Names on the screen may be some seconds old, and another tool may have
 * given one to somebody else since; the command that is about to run would look for the name, and find that one. */
#include "xlx/top/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/store.h"
#include "domain/domain.h"
#include "xlx/out.h"

#define AGAIN "the list shows what there is now; then the key once more"

static bool is_number(const char *word)
{
	return !word[strspn(word, "0123456789")];
}

static int look(struct uvp_host *host, const struct top_id *id, const char *word, struct uvpi_dominfo *ret_info, struct uvp_error *err)
{
	int r = uvpi_hyp_domain(host->hyp, id->domid, ret_info, err);

	if (r < 0 && r != -UVP_E_NOT_FOUND)
		return r;
	if (r == 0 && !memcmp(ret_info->uuid, id->uuid, sizeof(id->uuid)))
		return 0;
	r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, is_number(word) ? "nothing was done: domain %s is gone" : "nothing was done: domain '%s' is gone",
		      word);
	uvpi_hint(err, AGAIN);
	return r;
}

static int fail_renamed(const struct top_id *id, const char *word, const char *name, struct uvp_error *err)
{
	char clean[256];
	int r;

	out_sanitize(name, clean, sizeof(clean));
	r = uvpi_fail(err, UVP_E_INVALID, 0, "nothing was done: domain %" PRIu32 " was '%s' and is called '%s' by now", id->domid, word, clean);
	uvpi_hint(err, AGAIN);
	return r;
}

/* Two may have the name in xenstore, and one that is being made or removed has none there: what a command takes it for is what
 * counts. */
static int look_up(struct uvp_host *host, const struct top_id *id, const char *word, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvpi_name_entry entry;
	int r;

	if (uvpi_name_get(word, &entry, NULL) > 0 && entry.domid == id->domid && !memcmp(entry.uuid, id->uuid, sizeof(id->uuid)))
		return 0;
	r = uvp_domain_lookup(host, word, &domain, err);
	if (r < 0) {
		uvpi_prefix(err, "nothing was done");
		return r;
	}
	if (domain->domid == id->domid)
		return 0;
	r = uvpi_fail(err, UVP_E_INVALID, 0, "nothing was done: '%s' is the name of domain %" PRIu32 " as well", word, domain->domid);
	uvpi_hint(err, "name the one you mean by its id: %" PRIu32, id->domid);
	return r;
}

static int compare_names(struct uvp_host *host, const struct top_id *ids, char *const *words, const struct uvpi_dominfo *infos, size_t n,
			 struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_names_ask(host, infos, (int)n, NULL, &batch, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *name = uvpi_batch_value(batch, (int)i, NULL);

		if (is_number(words[i]))
			continue;
		if (name && name[0] && strcmp(name, words[i]) != 0)
			r = fail_renamed(&ids[i], words[i], name, err);
		else
			r = look_up(host, &ids[i], words[i], err);
	}
	return r;
}

/* By numbers, which are Xen's, it can be done all the same: those come when the model knows that names are not to be had. */
static int fail_silent(struct top_source *source, struct top_model *model, const char *word, struct uvp_error *err)
{
	int r;

	top_source_let_rest(source);
	model->store_rests = true;
	r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "nothing was done: xenstored does not answer, and whose name '%s' is by now is not known", word);
	uvpi_hint(err, "the key once more does it by the domain's number");
	return r;
}

int top_source_verify(struct top_source *source, struct top_model *model, const struct top_id *ids, char *const *words, size_t n,
		      struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = calloc(n + 1, sizeof(*infos));
	const char *named = NULL;
	int r = infos ? 0 : uvpi_no_memory(err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		named = named || is_number(words[i]) ? named : words[i];
		r = look(source->host, &ids[i], words[i], &infos[i], err);
	}
	if (r < 0 || !named)
		return r;
	if (!top_source_store(source))
		return fail_silent(source, model, named, err);
	r = compare_names(source->host, ids, words, infos, n, err);
	if (r == -UVP_E_TIMEOUT || r == -UVP_E_IO)
		return fail_silent(source, model, named, err);
	/* the next picture has all names as they are */
	if (r < 0)
		source->host->names_ms = 0;
	return r;
}
