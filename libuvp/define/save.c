/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing definitions. The order of the steps: the new name leads to the definition before the file says it, and the old
 * one until the file says otherwise. Whoever is killed in between leaves the old definition or the new one, whole, and
 * at most a link that means nothing. */
#include "define/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/step.h"
#include "domain/domain.h"

int uvpi_def_running(struct uvp_host *host, const uint8_t uuid[16], struct uvp_domain **ret_domain,
		     struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = host ? uvpi_hyp_domains(host->hyp, 1, &infos, err) : 0, r;

	for (int i = 0; i < n; i++) {
		if (memcmp(infos[i].uuid, uuid, 16) || infos[i].dying)
			continue;
		r = uvp_domain_open(host, infos[i].domid, ret_domain, err);
		if (r != -UVP_E_NOT_FOUND) /* ended meanwhile */
			return r < 0 ? r : 1;
	}
	return n < 0 ? n : 0;
}

int uvpi_def_claim(struct uvp_host *host, const char *name, const uint8_t uuid[16], struct uvp_error *err)
{
	struct uvpi_name_holder holder = { 0 }, before;
	int r;

	if (host) {
		r = uvpi_name_claim(host, name, uuid, err);
	} else {
		r = uvpi_name_check(name, err);
		if (r == 0)
			r = uvpi_name_try(name, uuid, -1, NULL, &holder, err);
		while (r > 0 && !holder.pid) { /* nobody has it: there is no Xen */
			before = holder;
			r = uvpi_name_try(name, uuid, -1, before.target, &holder, err);
		}
		if (r > 0)
			r = uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' is taken: process %" PRId64 " is using it just now",
				      name, holder.pid);
	}
	if (r < 0)
		return r;
	r = uvpi_def_name_check(name, uuid, err);
	if (r < 0)
		uvpi_name_release(name, uuid);
	return r;
}

/* ---- files ---- */

int uvpi_def_write_new(const struct uvp_config *config, struct uvp_error *err)
{
	char path[PATH_MAX], folder[PATH_MAX], last[PATH_MAX], uuid[UVPI_UUID_TEXT];
	_cleanup_free_ char *text = NULL;
	int r = uvp_config_write_xml(config, &text, err);

	if (r < 0)
		return r;
	uvpi_format_uuid(config->uuid, uuid);
	if (uvpi_def_path(folder, "/" UVPI_DEF_NEW "%s", uuid) < 0 ||
	    uvpi_def_path(path, "/" UVPI_DEF_NEW "%s/domain.xml", uuid) < 0 || uvpi_def_path(last, "/%s", uuid) < 0)
		return uvpi_fail_errno(err, errno, "cannot define '%s'", config->name);
	if (mkdir(folder, 0700) < 0)
		return uvpi_fail_errno(err, errno, "cannot make the folder '%.300s'", folder);
	UVPI_STEP("new folder made");
	r = uvpi_def_write(path, text, strlen(text), err);
	if (r == 0 && rename(folder, last) == 0) {
		UVPI_STEP("new folder in its place");
		uvpi_def_path(path, "%s", "");
		return uvpi_def_sync(path, err);
	}
	if (r == 0 && errno != ENOTEMPTY && errno != EEXIST)
		r = uvpi_fail_errno(err, errno, "cannot make the folder '%.300s'", last);
	uvpi_def_remove_folder(folder, NULL);
	if (r < 0)
		return r;
	/* There is one already, from which somebody took the file away. */
	uvpi_def_uuid_path(path, config->uuid, "domain.xml");
	return uvpi_def_write(path, text, strlen(text), err);
}

/* The file as it is becomes the revision's; the newest UVPI_REVISIONS_MAX stay. */
static int keep_revision(const uint8_t uuid[16], uint32_t revision, struct uvp_error *err)
{
	char path[PATH_MAX], kept[PATH_MAX], leaf[40];
	int r;

	uvpi_def_uuid_path(path, uuid, "history");
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return uvpi_fail_errno(err, errno, "cannot make the folder '%.300s'", path);
	snprintf(leaf, sizeof(leaf), "history/%" PRIu32 ".xml", revision);
	if (uvpi_def_uuid_path(kept, uuid, leaf) < 0 || uvpi_def_uuid_path(path, uuid, "domain.xml") < 0)
		return uvpi_fail_errno(err, errno, "cannot keep revision %" PRIu32, revision);
	/* EEXIST: somebody was killed right behind this, see current_revision() */
	if (link(path, kept) < 0 && errno != EEXIST)
		return uvpi_fail_errno(err, errno, "cannot keep revision %" PRIu32 " as '%.300s'", revision, kept);
	UVPI_STEP("revision kept");
	uvpi_def_uuid_path(path, uuid, "history");
	r = uvpi_def_sync(path, err);
	if (r < 0 || revision <= UVPI_REVISIONS_MAX)
		return r;
	snprintf(leaf, sizeof(leaf), "history/%" PRIu32 ".xml", revision - UVPI_REVISIONS_MAX);
	if (uvpi_def_uuid_path(kept, uuid, leaf) == 0)
		unlink(kept);
	return 0;
}

/* ---- one change ---- */

struct save {
	struct uvp_host *host;
	const char *name;
	struct uvp_config *config; /* with its UUID; ours */
	bool has_old, claimed;
	struct uvp_definition old;
	struct uvp_config *old_config; /* NULL: damaged */
	struct uvp_domain *running;
};

static void save_done(struct save *s)
{
	if (s->claimed)
		uvpi_name_release(s->name, s->config->uuid);
	uvp_config_free(s->config);
	uvp_config_free(s->old_config);
	uvp_domain_free(s->running);
}

/* Which domain a configuration without UUID is for. */
static int choose_uuid(struct save *s, struct uvp_error *err)
{
	static const uint8_t domain_0[16];
	struct uvp_definition definition;
	struct uvp_domain *domain = NULL;
	int r;

	if (s->config->has_uuid)
		return 0;
	s->config->has_uuid = true;
	r = uvpi_def_find_linked(s->name, &definition, err);
	if (r == 0) {
		memcpy(s->config->uuid, definition.uuid, 16);
		return 0;
	}
	if (r == -UVP_E_NOT_FOUND && s->host)
		r = uvp_domain_lookup(s->host, s->name, &domain, err);
	if (r == -UVP_E_NOT_FOUND)
		return uvpi_new_uuid(s->config->uuid, err);
	if (r < 0)
		return r;
	memcpy(s->config->uuid, domain->uuid, 16);
	uvp_domain_free(domain);
	if (!memcmp(s->config->uuid, domain_0, 16))
		return uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' is that of domain 0, which needs no definition", s->name);
	return 0;
}

/* Is the change one of what is there now? */
static int check_old(struct save *s, uint32_t revision, struct uvp_error *err)
{
	int r = uvpi_def_load(s->config->uuid, &s->old, &s->old_config, err);

	s->has_old = r == 0;
	if (r < 0 && r != -UVP_E_NOT_FOUND)
		return r;
	if (revision && !s->has_old)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "'%s' is not defined any more", s->name);
	if (revision && revision != s->old.revision) {
		r = uvpi_fail(err, UVP_E_BUSY, 0,
			      "somebody else has changed '%s' meanwhile: it has revision %" PRIu32 " now, not %" PRIu32,
			      s->name, s->old.revision, revision);
		uvpi_hint(err, "look at it with 'xlx dumpxml --defined %.80s', and do it again", s->name);
		return r;
	}
	if (!revision && s->has_old && *s->old.name && strcmp(s->old.name, s->name)) {
		r = uvpi_fail(err, UVP_E_EXISTS, 0, "the UUID of '%s' is that of the defined domain '%s'", s->name, s->old.name);
		uvpi_hint(err, "remove the UUID to define another domain; 'xlx rename' gives this one another name");
		return r;
	}
	return 0;
}

static bool is_same(const struct save *s)
{
	return s->old_config && uvpi_config_equal(s->old_config, s->config);
}

/* A name that is new to this definition: nobody else may have it, and nobody else can take it until we are done. */
static int take_name(struct save *s, struct uvp_error *err)
{
	int r;

	if (s->has_old && !strcmp(s->old.name, s->name))
		return 0;
	if (s->running) {
		r = uvpi_def_name_check(s->name, s->config->uuid, err);
		if (r == 0 && strcmp(s->running->name, s->name))
			r = uvpi_domain_rename(s->running, s->name, err);
		return r;
	}
	r = uvpi_def_claim(s->host, s->name, s->config->uuid, err);
	s->claimed = r == 0;
	UVPI_STEP("name claimed");
	return r;
}

static int write_files(struct save *s, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	int r = uvpi_def_name_set(s->name, s->config->uuid, err);

	if (r == 0 && !s->has_old)
		return uvpi_def_write_new(s->config, err);
	if (r == 0)
		r = uvp_config_write_xml(s->config, &text, err);
	if (r == 0)
		r = keep_revision(s->config->uuid, s->old.revision, err);
	if (r < 0)
		return r;
	uvpi_def_uuid_path(path, s->config->uuid, "domain.xml");
	r = uvpi_def_write(path, text, strlen(text), err);
	if (r == 0 && strcmp(s->old.name, s->name))
		uvpi_def_name_drop(s->old.name, s->config->uuid);
	UVPI_STEP("old name removed");
	return r;
}

/* What the running domain is made from when its guest reboots. */
static int change_record(struct save *s, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *runs = NULL;
	_cleanup_changes_ struct uvp_change_list changes = { 0 };
	const struct uvp_config *from = s->old_config;
	int r = 0;

	if (!s->running || (s->has_old && !from))
		return 0;
	if (!from) {
		r = uvp_domain_config(s->running, &runs, err);
		from = runs;
	}
	if (r == 0)
		r = uvp_config_compare(from, s->config, &changes, err);
	if (r == 0)
		r = uvpi_def_record(s->running, &changes, err);
	if (r == 0 || r == -UVP_E_NOT_FOUND || r == -UVP_E_UNSUPPORTED) /* another tool's: nobody restarts it from here */
		return 0;
	uvpi_prefix(err, "the definition is changed, but domain %" PRIu32 " will not follow at its next reboot",
		    s->running->domid);
	return r;
}

static int fail_id(const char *device, const char *backend, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_INVALID, 0, "%s has backend=%.16s, a number that is another domain's after the next boot", device, backend);
	uvpi_hint(err, "give that domain's name or UUID: xlx domname %.16s", backend);
	return -UVP_E_INVALID;
}

/* A definition outlives the domains of this boot. */
static int check_backends(const struct uvp_config *config, struct uvp_error *err)
{
	char device[64];

	for (int i = 0; i < config->n_disks; i++) {
		snprintf(device, sizeof(device), "disk '%s'", config->disks[i].vdev);
		if (uvpi_backend_is_id(config->disks[i].backend))
			return fail_id(device, config->disks[i].backend, err);
	}
	for (int i = 0; i < config->n_vifs; i++) {
		snprintf(device, sizeof(device), "network interface %u", config->vifs[i].devid);
		if (uvpi_backend_is_id(config->vifs[i].backend))
			return fail_id(device, config->vifs[i].backend, err);
	}
	return 0;
}

static int save(struct save *s, uint32_t revision, struct uvp_error *err)
{
	int r = check_backends(s->config, err);

	if (r == 0)
		r = choose_uuid(s, err);
	if (r == 0)
		r = check_old(s, revision, err);
	if (r < 0)
		return r;
	if (is_same(s))
		return 1;
	r = uvpi_def_running(s->host, s->config->uuid, &s->running, err);
	if (r >= 0)
		r = take_name(s, err);
	if (r == 0)
		r = write_files(s, err);
	return r < 0 ? r : change_record(s, err);
}

int uvp_definition_save(struct uvp_host *host, const struct uvp_config *config, uint32_t revision,
			struct uvp_definition *ret_definition, struct uvp_error *err)
{
	struct save s = { .host = host };
	_cleanup_close_ int lock = -1;
	int r = uvpi_def_copy(config, &s.config, err);

	if (r == 0) {
		s.name = s.config->name;
		r = uvpi_def_lock(&lock, err);
	}
	if (r == 0)
		r = save(&s, revision, err);
	if (r >= 0 && ret_definition) {
		int loaded = uvpi_def_load(s.config->uuid, ret_definition, NULL, err);

		r = loaded < 0 ? loaded : r;
	}
	save_done(&s);
	return r;
}

int uvpi_def_rename(struct uvp_host *host, const uint8_t uuid[16], const char *name, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_definition definition;
	char *copy;
	int r = uvpi_name_check(name, err);

	if (r == 0)
		r = uvpi_def_load(uuid, &definition, NULL, err);
	if (r == 0)
		r = uvp_definition_config(&definition, 0, &config, err);
	if (r < 0)
		return r;
	copy = strdup(name);
	if (!copy)
		return uvpi_no_memory(err);
	free(config->name);
	config->name = copy;
	r = uvp_definition_save(host, config, definition.revision, NULL, err);
	return r < 0 ? r : 0;
}

int uvp_definition_remove(const struct uvp_definition *definition, struct uvp_error *err)
{
	char path[PATH_MAX], removed[PATH_MAX], folder[PATH_MAX], uuid[UVPI_UUID_TEXT];
	_cleanup_close_ int lock = -1;
	int r = uvpi_def_lock(&lock, err);

	if (r < 0)
		return r;
	uvpi_format_uuid(definition->uuid, uuid);
	uvpi_def_path(folder, "%s", "");
	if (uvpi_def_path(path, "/%s", uuid) < 0 || uvpi_def_path(removed, "/" UVPI_DEF_REMOVED "%s", uuid) < 0)
		return uvpi_fail_errno(err, errno, "cannot undefine '%s'", definition->name);
	UVPI_STEP("before removal");
	if (rename(path, removed) < 0)
		return errno == ENOENT ? uvpi_fail(err, UVP_E_NOT_FOUND, 0, "'%s' is not defined any more", definition->name) :
					 uvpi_fail_errno(err, errno, "cannot remove '%.300s'", path);
	UVPI_STEP("folder out of the way");
	r = uvpi_def_sync(folder, err);
	uvpi_def_name_drop(definition->name, definition->uuid);
	UVPI_STEP("name removed");
	uvpi_def_remove_folder(removed, "history");
	return r;
}

int uvp_definition_start(struct uvp_host *host, const struct uvp_definition *definition, unsigned int flags,
			 const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_domain_ struct uvp_domain *running = NULL;
	int r = uvp_definition_config(definition, 0, &config, err);

	if (r == 0)
		r = uvpi_def_running(host, definition->uuid, &running, err);
	if (r > 0)
		return uvpi_fail(err, UVP_E_EXISTS, 0, "'%s' runs already: it is domain %" PRIu32, definition->name,
				 running->domid);
	return r < 0 ? r : uvp_domain_create(host, config, flags, op, ret_domain, err);
}
