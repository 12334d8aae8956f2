/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of domains, as several commands show them. */
#ifndef XLX_LISTING_H
#define XLX_LISTING_H

#include <uvp/list.h>

#include "xlx/cmd.h"
#include "xlx/list_defined.h"

struct xlx_listing {
	struct uvp_host *host;
	struct uvp_domain **opened; /* those that the arguments name */
	int n_opened;
	struct uvp_domain_list list;
	struct xlx_defined defined; /* when the options ask for definitions: --all, --defined */
	bool with_defined;
	int status; /* of the names that were not found, or of a xenstored that does not answer */
};

/* Open the host and list the domains that the arguments name, or all when there is none; says what is wrong. With
 * pools, xlx_pool_name() knows the pools' names afterwards. Returns an exit status: with 0 there is a list, though
 * perhaps not of all that was asked for: then listing->status is set. Close afterwards either way. */
int xlx_listing_open(const struct xlx_args *args, unsigned int flags, bool pools, struct xlx_listing *listing);
void xlx_listing_close(struct xlx_listing *listing);

/* That of uvp_state_name(), or "defined" or "damaged" for one that does not run; lent. */
const char *xlx_state_word(const struct uvp_domain_info *domain);
/* For a command that does no more than show the list: open, print one way or the other, close. Its options are
 * --no-header and --json. */
int xlx_listing_print(const struct xlx_args *args, unsigned int flags,
		      int (*print_table)(const struct xlx_args *args, const struct uvp_domain_list *list),
		      int (*print_json)(const struct uvp_domain_list *list));
extern const struct xlx_opt xlx_listing_opts[];

/* Has it a device model of ours that has ended? */
bool xlx_lacks_qemu(const struct uvp_domain_info *domain);
/* "shut down (crash)"; lent. */
const char *xlx_state_words(const struct uvp_domain_info *domain);
/* The name, or "Pool-ID"; lent until the next call. */
const char *xlx_pool_name(uint32_t pool);

/* The memory nodes that are preferred for it, "all" or "0-1,3"; "-" when it is gone by now. Lent until the next call. */
const char *xlx_listing_nodes(struct xlx_listing *listing, const struct uvp_domain_info *info);

/* One block of lines for each domain. */
int xlx_listing_long(struct xlx_listing *listing, struct uvp_domain_info *const *domains, size_t n);
int xlx_listing_json(struct xlx_listing *listing, struct uvp_domain_info *const *domains, size_t n, bool configs,
		     bool nodes);

#endif
