/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has which name: symbolic links in /run/uvp/names, NAME -> "UUID DOMID PID START". A link is made
 * whole or not at all, so a claim is atomic, costs the same however many domains there are, and a
 * claim whose process died is recognised (pid and start time) and taken over. DOMID is -1 while the
 * domain is not made yet, PID is 0 once it is.
 *
 * The folder is a cache: Xen and xenstore hold the truth, and losing it (as a whole) is harmless. Domains of other tools
 * are entered when they are first seen; /run/uvp/names/.ids tells which ones have been, in one record per domain id, so
 * that a claim asks xenstore only about new ones. The limit of that: a domain which another tool renames after it
 * was seen keeps its old name here until it is listed or looked up, or uvp-hostd, which watches the names, has heard
 * of it. The new name is then not protected from uvpi_name_claim(); the old one is free again, because who has it is asked
 * of xenstore before a claim is refused.
 *
 * UVP_RUN_DIR in the environment stands for another place than /run/uvp. */
#ifndef UVPI_NAMES_H
#define UVPI_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvpi_names;
struct uvp_host;

struct uvpi_name_entry {
	char name[256];
	uint8_t uuid[16];
	int64_t domid;  /* -1 while the domain is not made yet */
	bool claimed;   /* its maker is still at work */
	bool abandoned; /* its maker died before it was done */
};

/* Longest name and which characters: letters, digits, and _ - . + : @ at most 255; no leading '-' or '.',
 * not a number, not a UUID, so that a name is never mistaken for an id. */
int uvpi_name_check(const char *name, struct uvp_error *err);

/* Claim a name for a domain that is about to be made with this UUID. EXISTS when a domain (ours or
 * another tool's) or a claim of a living process has it; the message names which. */
int uvpi_name_claim(struct uvp_host *host, const char *name, const uint8_t uuid[16],
		    struct uvp_error *err);
/* The same for a domain that exists and is about to get this name instead of its own. */
int uvpi_name_claim_for(struct uvp_host *host, const char *name, const uint8_t uuid[16], int64_t domid,
			struct uvp_error *err);
/* Could it be claimed just now? The errors are the same; nothing is taken hold of. */
int uvpi_name_is_free(struct uvp_host *host, const char *name, const uint8_t uuid[16], struct uvp_error *err);
/* The claimed domain is complete: the name now belongs to it, not to the process. */
int uvpi_name_settle(const char *name, const uint8_t uuid[16], uint32_t domid, struct uvp_error *err);
/* Give the name up if it is that domain's (or claim's). Absent is fine. */
void uvpi_name_release(const char *name, const uint8_t uuid[16]);
/* Who has it in the folder: 1 and the entry, or 0. */
int uvpi_name_get(const char *name, struct uvpi_name_entry *ret_entry, struct uvp_error *err);
/* All entries; an allocated array to free(). Returns the number. */
int uvpi_name_list(struct uvpi_name_entry **ret_entries, struct uvp_error *err);

/* ---- against what Xen says (a list from uvpi_hyp_domains()) ---- */
struct uvpi_dominfo;

/* The domain with this UUID, or NULL. One that lives before its earlier life, which may be dying still. */
const struct uvpi_dominfo *uvpi_name_domain(const struct uvpi_dominfo *infos, int n, const uint8_t uuid[16]);

/* What stands in the way of a claim. */
struct uvpi_name_holder {
	char target[256]; /* the link's text */
	uint8_t uuid[16];
	int64_t domid;    /* of the domain that has the name; -1: none yet */
	int64_t pid;      /* of the living process whose claim it is; 0: none */
	bool abandoned;   /* its maker died before it was done */
	bool nobody;      /* several domains have the name, or the entry is damaged: ask xenstore */
};
/* The part of a claim that needs neither Xen nor xenstore. domid is -1 for a domain that is yet to be made. 0: claimed.
 * 1: there is an entry, *ret_holder says whose. An entry with exactly the text `wrong` (or NULL) is taken over: the
 * caller has found out that it is not so. */
int uvpi_name_try(const char *name, const uint8_t uuid[16], int64_t domid, const char *wrong,
		  struct uvpi_name_holder *ret_holder, struct uvp_error *err);
/* 1 and who is in the way, or 0. Changes nothing. */
int uvpi_name_look(const char *name, struct uvpi_name_holder *ret_holder, struct uvp_error *err);
/* Does the holder keep the name from a domain with this UUID? Sets the id of the domain that has it, or -1. infos must be
 * newer than the holder: a domain that was made in between would look as if it were gone. */
bool uvpi_name_holds(const struct uvpi_name_holder *holder, const uint8_t uuid[16], const struct uvpi_dominfo *infos,
		     int n, int64_t *ret_domid);

/* Enter the name that xenstore has for a domain; sole: no other domain in xenstore has it. A second domain with a name makes
 * the entry one that names nobody, so that claims and lookups ask xenstore. */
void uvpi_name_note(const char *name, const struct uvpi_dominfo *info, bool sole);

/* Two steps that remove the entries of domains and makers that are gone. Collect what there is, unless that is no more than
 * `most` entries: returns their number, and an array to free(). Then ask Xen which domains there are, and discard what
 * belongs to none of them. names are those of all domains that xenstore told of, NULL for one without. */
struct uvpi_name_link;
int uvpi_name_collect(int most, struct uvpi_name_link **ret_links);
void uvpi_name_discard(const struct uvpi_name_link *links, int n_links, const struct uvpi_dominfo *infos, int n,
		       const char *const *names, int n_names);

/* ---- which domains have been seen (names_known.c) ---- */
/* Set known[i] for each domain whose name is in the folder. */
void uvpi_known_get(const struct uvpi_dominfo *infos, int n, bool *known);
/* The names under which they were seen last, NULL for one that was not: an array to free(), or NULL without memory. They
 * are true while uvpi_known_kept(), and otherwise as long as no other tool renames a domain. */
const char **uvpi_known_names(const struct uvpi_dominfo *infos, int n);
void uvpi_known_set(uint32_t domid, const uint8_t uuid[16], const char *name);
/* Does a uvp-hostd watch the names in xenstore, so that they are known a moment after another tool changes one? Domains
 * whose id is *ret_first (may be NULL) or more are newer than what it has seen so far. */
bool uvpi_known_kept(uint32_t *ret_first);
/* For that daemon: it keeps the names from now on, until the descriptor that this returns is given to uvpi_known_keep_end()
 * or the process ends; and which ids it has not seen yet. -1 when the file cannot be had. */
int uvpi_known_keep(void);
void uvpi_known_keep_end(int fd);
void uvpi_known_keep_until(int fd, uint32_t first);
/* Has no domain had this id since the host was started, as far as the file tells? Xen counts ids up, so one above all
 * that were seen is new, and nothing can be left of an earlier domain. Without the file: false. */
bool uvpi_known_never(uint32_t domid);
/* Enter the names that a batch has read: value i is the name of infos[i]. known[] is room for n. */
struct uvpi_batch;
void uvpi_names_note_all(const struct uvpi_dominfo *infos, int n, const struct uvpi_batch *batch, bool *known);
/* Ask xenstore for their names, but for those with known[i] (which may be NULL), all at once: the values of *ret_batch in this order. */
int uvpi_names_ask(struct uvp_host *host, const struct uvpi_dominfo *infos, int n, const bool *known,
		   struct uvpi_batch **ret_batch, struct uvp_error *err);
/* Read the names of domains with known[i] false from xenstore, in one batch, and enter them. Returns the index of one
 * that has the name `wanted` (may be NULL) and another UUID than `uuid`, n when there is none. */
int uvpi_known_learn(struct uvp_host *host, const struct uvpi_dominfo *infos, int n, const bool *known,
		     const char *wanted, const uint8_t uuid[16], struct uvp_error *err);

/* "/run/uvp" or what UVP_RUN_DIR says, made at need. */
const char *uvpi_run_dir(void);

#endif
