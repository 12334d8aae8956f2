/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shells: domains of the warm pool, made but for what tells one guest from another. Xen holds the truth: a domain is
 * a shell as long as its UUID says so (core/hyp.h). /run/uvp/pool/TYPE-KIB-VCPUS-DOMID, with the UUID and the name of its
 * shape, is how one is found; who has that file locked may take the shell or give it back, and a lock ends with its
 * process. So two creates never get the same, and one whose taker was killed before it was given its guest's UUID is
 * free again. From then on it is that guest in the making, which the claim of its name tells.
 *
 * .lock is held by who makes shells; .taken is what the file of the last one that was taken was renamed to, so that
 * uvp-hostd can tell taking from giving back; while there is .drained, none are made. */
#ifndef UVPI_SHELL_H
#define UVPI_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"
#include "shell/shape.h"

#define UVPI_SHELL_DRAINED ".drained"
#define UVPI_SHELL_TAKEN ".taken"
#define UVPI_SHELL_CHANGED ".changed"

struct uvp_host;

/* What a file's name and text say. */
struct uvpi_shell {
	enum uvpi_type type;
	uint64_t memory_kib;
	uint32_t vcpus, domid;
	uint8_t uuid[16];
	char shape[32]; /* that it was made for */
	int lock;       /* -1: not held */
};

/* Does a file's name in the folder speak of a shell? Fills all but UUID, shape and lock. */
bool uvpi_shell_parse(const char *file, struct uvpi_shell *ret_shell);
/* Could it be a domain of that shape? */
bool uvpi_shell_is(const struct uvpi_shell *shell, enum uvpi_type type, uint64_t memory_kib, uint32_t vcpus);

/* The folder, made at need; -1 with errno. */
int uvpi_shell_folder(char *path, size_t size);
/* All that have a file: an array to free(). Returns the number. */
int uvpi_shell_list(struct uvpi_shell **ret_shells, struct uvp_error *err);
/* Of those the ones that Xen has: somebody may have destroyed one. */
int uvpi_shell_list_ready(struct uvp_host *host, struct uvpi_shell **ret_shells, struct uvp_error *err);

/* Take hold of one that fits. 1: *ret_shell is ours until uvpi_shell_let_go(); 0: there is none. */
int uvpi_shell_hold(struct uvp_host *host, enum uvpi_type type, uint64_t memory_kib, uint32_t vcpus, struct uvpi_shell *ret_shell,
		    struct uvp_error *err);
void uvpi_shell_let_go(struct uvpi_shell *shell);
/* It is a guest from now on: its file goes, and it is let go of. */
void uvpi_shell_is_taken(struct uvpi_shell *shell);
/* A new one is ready. */
int uvpi_shell_publish(const struct uvpi_shell *shell, struct uvp_error *err);

/* Give one back: 1, or 0 when somebody else was faster. */
int uvpi_shell_drop_one(struct uvp_host *host, const struct uvpi_shell *shell, struct uvp_error *err);
/* Give back shells of that shape (NULL: of all) until no more than `keep` are left. Returns how many went. */
int uvpi_shell_drop(struct uvp_host *host, const char *shape, uint32_t keep, struct uvp_error *err);
/* Give back shells until the host has so much memory free, or there are none left. Returns how many went. */
int uvpi_shell_drop_for(struct uvp_host *host, uint64_t free_kib, struct uvp_error *err);
/* While drained, uvp-hostd makes none; giving it up has it begin anew. And telling it that the file of shapes is another one. */
int uvpi_shell_set_drained(bool drained, struct uvp_error *err);
bool uvpi_shell_is_drained(void);
void uvpi_shell_tell_changed(void);
/* What the host gets when all that are ready are given back, at most. */
uint64_t uvpi_shell_memory_kib(struct uvp_host *host);

/* The lock of whoever makes shells, and leftovers of one who was killed: 1 with *ret_lock; 0: somebody else has it. */
int uvpi_shell_make_begin(struct uvp_host *host, int *ret_lock, struct uvp_error *err);

/* build/shell.c: what the host needs for one of that kind, at most: memory, page tables, and what Xen keeps. */
uint64_t uvpi_shell_needed_kib(enum uvpi_type type, uint64_t memory_kib, uint32_t vcpus);
/* build/shell.c: make one of that shape; NO_MEMORY when the host has too little. */
int uvpi_shell_make(struct uvp_host *host, const struct uvpi_shape *shape, struct uvp_error *err);

#endif
