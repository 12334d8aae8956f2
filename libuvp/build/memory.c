/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "The host has too little memory", in a sentence that tells what to do about it. */
#include "build/build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/store.h"

#define SHOWN 3

uint64_t uvpi_build_free_kib(const struct uvpi_build *b)
{
	/* Pages that others have claimed count as free in Xen until they are taken. */
	if (b->phys.outstanding_pages > b->phys.free_pages)
		return 0;
	return (b->phys.free_pages - b->phys.outstanding_pages) * 4;
}

/* The SHOWN domains with most memory, biggest first. */
static int biggest(const struct uvpi_dominfo *infos, int n, int shown[SHOWN])
{
	int count = 0;

	for (int i = 0; i < n; i++) {
		int at = count < SHOWN ? count++ : SHOWN;

		while (at > 0 && infos[shown[at - 1]].pages < infos[i].pages) {
			if (at < SHOWN)
				shown[at] = shown[at - 1];
			at--;
		}
		if (at < SHOWN)
			shown[at] = i;
	}
	return count;
}

/* "'Domain-0' (4096 MiB), 'db' (2048 MiB)"; best effort: the failure to report is another one. */
static void who_has_it(struct uvp_host *host, char *buf, size_t len)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int n = uvpi_hyp_domains(host->hyp, 0, &infos, NULL);
	int shown[SHOWN], names[SHOWN], count;
	size_t used = 0;

	buf[0] = '\0';
	if (n <= 0 || uvpi_host_batch(host, &batch, NULL) < 0)
		return;
	count = biggest(infos, n, shown);
	for (int i = 0; i < count; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/local/domain/%u/name", infos[shown[i]].domid);
		names[i] = uvpi_batch_read(batch, path);
	}
	if (uvpi_batch_run(batch, false, NULL) < 0)
		return;
	for (int i = 0; i < count && used < len; i++) {
		const char *name = uvpi_batch_value(batch, names[i], NULL);

		used += (size_t)snprintf(buf + used, len - used, "%sdomain %u%s%.40s%s (%" PRIu64 " MiB)",
					 i ? ", " : "", infos[shown[i]].domid, name ? " '" : "",
					 name ? name : "", name ? "'" : "", infos[shown[i]].pages / 256);
	}
}

int uvpi_build_fail_memory(struct uvpi_build *b, struct uvp_error *err)
{
	uint64_t need = uvpi_needed_kib(b->config, b->hap);
	char who[200];
	int r;

	/* The numbers of the checks are old by now if somebody else took the memory in between. */
	uvpi_hyp_physinfo(b->host->hyp, &b->phys, NULL);
	who_has_it(b->host, who, sizeof(who));
	r = uvpi_fail(err, UVP_E_NO_MEMORY, 0,
		      "it needs %" PRIu64 " MiB of the host's memory (its own %" PRIu64
		      " MiB, the rest is for page tables and Xen), and %" PRIu64 " of %" PRIu64
		      " MiB are free; most is held by %s",
		      (need + 1023) / 1024, b->config->memory_kib / 1024, uvpi_build_free_kib(b) / 1024,
		      b->phys.total_pages / 256, who[0] ? who : "other domains");
	uvpi_hint(err, "give it less memory=, or make room: 'xlx mem-set' shrinks a domain, 'xlx list' shows all");
	return r;
}

/* libxenguest does not keep the errno of a claim or of a partly filled range: how much is free tells. */
int uvpi_build_fail_filling(struct uvpi_build *b, struct uvp_error *err)
{
	int e = errno;

	if (e != ENOMEM && uvpi_hyp_physinfo(b->host->hyp, &b->phys, NULL) == 0 &&
	    uvpi_build_free_kib(b) > uvpi_needed_kib(b->config, b->hap)) {
		errno = e;
		return uvpi_build_fail(b, err, "filling the memory");
	}
	return uvpi_build_fail_memory(b, err);
}
