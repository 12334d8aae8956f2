/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of physical CPUs: reading and writing their text form. */
#include "cpu/cpulist.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"

/* Nodes are few; Xen's own limit is 64 on x86. */
#define NODES_MAX 1024
#define ITEM_MAX 64

/* One item: which numbers, of CPUs or of nodes, and whether they go in or out. */
struct item {
	bool out, nodes;
	uint32_t first, last;
};

static int fail_item(struct uvp_error *err, const char *what, const char *item)
{
	int r = uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%s' is no CPU, range or node", what, item);

	uvpi_hint(err, "write CPUs as in \"0-3,^2,6\", \"all\" or \"nodes:0-1\"");
	return r;
}

static bool take_prefix(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len))
		return false;
	*text += len;
	return true;
}

/* The number of things an item's numbers can name: CPUs or nodes, of this host or at all. */
static uint32_t limit_of(bool nodes, const struct uvpi_cpulist_host *host)
{
	uint32_t n = 0, i;

	if (!host)
		return nodes ? NODES_MAX : UVPI_CPUS_MAX;
	if (!nodes)
		return host->n_cpus;
	for (i = 0; i < host->n_cpus; i++)
		if (host->node_of[i] != UINT32_MAX && host->node_of[i] >= n)
			n = host->node_of[i] + 1;
	return n;
}

static int check_limit(const struct item *item, const char *what,
		       const struct uvpi_cpulist_host *host, struct uvp_error *err)
{
	const char *kind = item->nodes ? "node" : "CPU";
	uint32_t limit = limit_of(item->nodes, host);
	int r;

	if (item->first > item->last)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "%s: the range %u-%u runs backwards: write %u-%u", what,
				 item->first, item->last, item->last, item->first);
	if (item->last < limit)
		return 0;
	if (!host)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: %s %u is beyond the last possible one, %u",
				 what, kind, item->last, limit - 1);
	r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s: this host has no %s %u", what, kind, item->last);
	if (limit == 1)
		uvpi_hint(err, "it has %s 0 only", kind);
	else
		uvpi_hint(err, "it has %ss 0 to %u", kind, limit - 1);
	return r;
}

static int parse_item(const char *text, const char *what, const struct uvpi_cpulist_host *host,
		      struct item *ret_item, struct uvp_error *err)
{
	struct item item = { 0 };
	const char *p = text, *dash;
	char number[ITEM_MAX];
	int r;

	if (take_prefix(&p, "^"))
		item.out = true;
	if (take_prefix(&p, "nodes:") || take_prefix(&p, "node:")) {
		item.nodes = true;
		if (!item.out && take_prefix(&p, "^"))
			item.out = true;
	}
	if (!strcmp(p, "all")) {
		item.last = limit_of(item.nodes, host) - 1;
		*ret_item = item;
		return 0;
	}
	dash = strchr(p, '-');
	snprintf(number, sizeof(number), "%.*s", dash ? (int)(dash - p) : (int)strlen(p), p);
	if (uvpi_parse_u32(number, what, 0, UINT32_MAX - 1, &item.first, NULL) ||
	    uvpi_parse_u32(dash ? dash + 1 : number, what, 0, UINT32_MAX - 1, &item.last, NULL))
		return fail_item(err, what, text);
	r = check_limit(&item, what, host, err);
	if (r)
		return r;
	*ret_item = item;
	return 0;
}

static void apply(uint8_t *bits, const struct item *item, const struct uvpi_cpulist_host *host)
{
	uint32_t cpu, n = item->nodes ? host->n_cpus : item->last + 1;

	for (cpu = item->nodes ? 0 : item->first; cpu < n; cpu++) {
		if (item->nodes && (host->node_of[cpu] == UINT32_MAX ||
				    host->node_of[cpu] < item->first || host->node_of[cpu] > item->last))
			continue;
		if (item->out)
			uvpi_cpumap_clear(bits, cpu);
		else
			uvpi_cpumap_set(bits, cpu);
	}
}

/* Copy the item that starts at *text without the blanks around it, and step over it and its comma. */
static bool next_item(const char **text, char item[ITEM_MAX])
{
	const char *start = *text + strspn(*text, " \t");
	size_t len = strcspn(start, ",");

	*text = start + len + (start[len] == ',');
	while (len && strchr(" \t", start[len - 1]))
		len--;
	snprintf(item, ITEM_MAX, "%.*s", (int)len, start);
	return len < ITEM_MAX;
}

int uvpi_cpulist_parse(const char *text, const char *what, const struct uvpi_cpulist_host *host,
		       struct uvpi_cpumap *ret_map, bool *ret_needs_host, struct uvp_error *err)
{
	struct uvpi_cpumap map = { { 0 } };
	static const struct uvpi_cpumap none;
	bool needs_host = false, more;
	const char *p = text;
	char word[ITEM_MAX];
	struct item item = { 0 };
	int r;

	do {
		bool whole = next_item(&p, word);

		/* A comma that nothing follows leaves one more, empty, item to refuse. */
		more = *p || (p > text && p[-1] == ',');
		if (!whole || !*word)
			return fail_item(err, what, word);
		r = parse_item(word, what, host, &item, err);
		if (r)
			return r;
		if (item.nodes && !host)
			needs_host = true;
		else
			apply(map.bits, &item, host);
	} while (more);
	if (!needs_host && !memcmp(&map, &none, sizeof(map)))
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%s' leaves no CPU", what, text);
	*ret_map = map;
	if (ret_needs_host)
		*ret_needs_host = needs_host;
	return 0;
}

void uvpi_cpulist_format(const uint8_t *bits, uint32_t n_cpus, char *buf, size_t len)
{
	uint32_t cpu = 0, set = 0, first;
	size_t used = 0;

	for (first = 0; first < n_cpus; first++)
		set += uvpi_cpumap_has(bits, first);
	if (!set || set == n_cpus) {
		snprintf(buf, len, "%s", set ? "all" : "none");
		return;
	}
	buf[0] = '\0';
	while (cpu < n_cpus) {
		int n;

		if (!uvpi_cpumap_has(bits, cpu)) {
			cpu++;
			continue;
		}
		first = cpu;
		while (cpu < n_cpus && uvpi_cpumap_has(bits, cpu))
			cpu++;
		if (cpu - first == 1)
			n = snprintf(buf + used, len - used, "%s%u", used ? "," : "", first);
		else
			n = snprintf(buf + used, len - used, "%s%u-%u", used ? "," : "", first, cpu - 1);
		if (n < 0 || (size_t)n >= len - used) {
			buf[used] = '\0';
			return;
		}
		used += (size_t)n;
	}
}
