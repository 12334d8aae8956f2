/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's configuration: read from xl.cfg files or XML (libvirt's domain format for type xen),
 * checked by one checker, written back as either. Plain memory; no host is needed. */
#ifndef UVP_CONFIG_H
#define UVP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <uvp/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_config;

/* Called for each warning ("'root' is deprecated: ..."); where is "file:line:column" or "file:line". */
typedef void uvp_config_warn(void *data, const char *where, const char *text);

/* Read a file ("-" is standard input) in either format, told by its content. overrides are xl.cfg lines
 * ("memory=512") that replace what the file says; they work for XML too. At most 1 MiB. The message of an
 * error starts with file:line(:column). The configuration is complete and checked for all that can be known without a
 * host. The caller frees it. */
UVP_PUBLIC int uvp_config_read(const char *path, const char *const *overrides, int n_overrides,
			       uvp_config_warn *warn, void *warn_data, struct uvp_config **ret_config,
			       struct uvp_error *err);
/* The same from memory; name is used in messages. */
UVP_PUBLIC int uvp_config_parse(const char *name, const char *text, size_t len,
				const char *const *overrides, int n_overrides, uvp_config_warn *warn,
				void *warn_data, struct uvp_config **ret_config, struct uvp_error *err);
UVP_PUBLIC void uvp_config_free(struct uvp_config *config);

/* Write it out, keys in a fixed order, defaults left out. *ret_text is the caller's to free(). Reading the
 * result gives an equal configuration. */
UVP_PUBLIC int uvp_config_write_xml(const struct uvp_config *config, char **ret_text, struct uvp_error *err);
UVP_PUBLIC int uvp_config_write_xlcfg(const struct uvp_config *config, char **ret_text, struct uvp_error *err);

/* Refused with one sentence: what is understood and checked, but cannot be run by this release (devices, HVM). */
UVP_PUBLIC int uvp_config_check_supported(const struct uvp_config *config, struct uvp_error *err);

/* "" when it has none, which no configuration that was read can be. Lent. */
UVP_PUBLIC const char *uvp_config_name(const struct uvp_config *config);
/* Was it read from XML? */
UVP_PUBLIC bool uvp_config_is_xml(const struct uvp_config *config);

#ifdef __cplusplus
}
#endif

#endif
