/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions: domains that are kept in /var/lib/uvp/domains, whether they run or not. The UUID says which running
 * domain belongs to which definition. Files are replaced whole; one that is damaged is reported and left alone.
 *
 * Where a host is asked for, NULL means that there is no Xen here: then no domain can be running, and names are compared
 * with those of other definitions only. The environment's UVP_STATE_DIR stands for another place than /var/lib/uvp. */
#ifndef UVP_DEFINE_H
#define UVP_DEFINE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/config.h>
#include <uvp/domain.h>
#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/list.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_definition {
	uint8_t uuid[16];
	char name[256];    /* "" when the file is damaged and nothing else tells it */
	uint32_t revision; /* 1 for the first, one more with every change */
	int64_t changed;   /* when it became what it is: seconds since 1970 */
	bool autostart;
	uint32_t order;            /* at boot those with lower numbers start first */
	uint32_t delay_ms;         /* at boot the next one starts that much later */
	enum uvp_type type;
	uint32_t vcpus, max_vcpus;
	uint64_t memory_bytes, max_memory_bytes;
	struct uvp_error error;    /* code 0: it is whole; otherwise what is wrong, with the file's name */
	uint64_t reserved[4];
};

/* All definitions, in order of name; damaged ones are among them. Returns the number; free(). */
UVP_PUBLIC int uvp_definition_list(struct uvp_definition **ret_definitions, struct uvp_error *err);
/* By UUID or name. One that is damaged is found, too. */
UVP_PUBLIC int uvp_definition_find(const char *uuid_or_name, struct uvp_definition *ret_definition,
				   struct uvp_error *err);
/* Its configuration, with the UUID; as it was in that revision, or as it is with 0. The caller frees it. */
UVP_PUBLIC int uvp_definition_config(const struct uvp_definition *definition, uint32_t revision,
				     struct uvp_config **ret_config, struct uvp_error *err);

/* Make a definition, or change one. A configuration without UUID belongs to the definition of that name or else to the
 * domain that runs by that name; when there is neither, it gets a new UUID. What was there before is kept as a
 * revision. EXISTS when the name belongs to another domain or definition.
 * revision: 0, or the one that the configuration was made from. Then another name renames the definition, and the running
 * domain with it, and BUSY says that somebody else was faster.
 * A running domain with this UUID has the changed settings when it boots next. Returns 1 when nothing had to be
 * changed. ret_definition may be NULL. */
UVP_PUBLIC int uvp_definition_save(struct uvp_host *host, const struct uvp_config *config, uint32_t revision,
				   struct uvp_definition *ret_definition, struct uvp_error *err);
/* Forget it with all its revisions. A running domain goes on, and is no longer defined. */
UVP_PUBLIC int uvp_definition_remove(const struct uvp_definition *definition, struct uvp_error *err);
/* Make the domain as it is defined. EXISTS when it runs already. flags as for uvp_domain_create(). */
UVP_PUBLIC int uvp_definition_start(struct uvp_host *host, const struct uvp_definition *definition, unsigned int flags,
				    const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err);
/* At most 1000000 and a day. */
UVP_PUBLIC int uvp_definition_set_autostart(const struct uvp_definition *definition, bool on, uint32_t order,
					    uint32_t delay_ms, struct uvp_error *err);

/* ---- changes ---- */
enum uvp_effect {
	UVP_EFFECT_NEXT_BOOT = 0, /* in error.message is why not now, where somebody tried */
	UVP_EFFECT_NOW = 1,
	UVP_EFFECT_FAILED = 2 /* tried now, and failed as error says; at the next boot it takes effect */
};
struct uvp_change {
	const char *key;  /* of xl.cfg */
	const char *from; /* in xl.cfg's syntax; NULL: the key was not there, which stands for its default */
	const char *to;
	enum uvp_effect effect;
	struct uvp_error error;
};
struct uvp_change_list {
	size_t n;
	struct uvp_change *changes; /* in the order of uvp_config_write_xlcfg() */
	void *owned;
};
/* What makes b of a. */
UVP_PUBLIC int uvp_config_compare(const struct uvp_config *a, const struct uvp_config *b,
				  struct uvp_change_list *ret_changes, struct uvp_error *err);
UVP_PUBLIC void uvp_change_list_free(struct uvp_change_list *changes);

#define UVP_MODIFY_DRY_RUN 1u /* check, and tell what would be changed */
#define UVP_MODIFY_NEXT_BOOT 2u /* leave the running domain as it is */
/* Change settings: lines of xl.cfg ("memory=512"), where a string needs no quotes; "key=" gives a key its default. What
 * can be changed in the running domain is changed there, too, and the list says which. The definition is changed
 * first: what fails afterwards stands in the list, and takes effect at the next boot. host as for uvp_definition_save(). */
UVP_PUBLIC int uvp_definition_modify(struct uvp_host *host, const struct uvp_definition *definition,
				     const char *const *settings, int n_settings, unsigned int flags,
				     const struct uvp_op *op, struct uvp_change_list *ret_changes, struct uvp_error *err);

/* ---- history ---- */
struct uvp_revision {
	uint32_t revision;
	int64_t changed; /* when it came about: seconds since 1970 */
	bool current;
};
/* Those that are kept (the newest 50), the oldest first. Returns the number; free(). */
UVP_PUBLIC int uvp_definition_history(const struct uvp_definition *definition, struct uvp_revision **ret_revisions,
				      struct uvp_error *err);

/* ---- copies ---- */
struct uvp_clone_disk {
	const char *vdev;   /* "xvda" */
	const char *target; /* the file that its copy becomes */
};
#define UVP_CLONE_DRY_RUN 1u
#define UVP_CLONE_SHARE_DISKS 2u /* copy no image: the clone has the same disks, and only one of both can run */
/* Make another definition like this one, with a new UUID and new MAC addresses. Images of disks that the guest may write
 * to are copied (reflinked where the file system can): "web.img" of "web" becomes "NAME.img" in the same folder, or what
 * disks says. Disks that are read only, and CD-ROMs, are shared. BUSY while the domain runs. Nothing is left of a clone
 * that failed, was cancelled, or whose process was killed (then after the next change of any definition). */
UVP_PUBLIC int uvp_definition_clone(struct uvp_host *host, const struct uvp_definition *definition, const char *name,
				    const struct uvp_clone_disk *disks, int n_disks, unsigned int flags,
				    const struct uvp_op *op, struct uvp_definition *ret_definition,
				    struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
