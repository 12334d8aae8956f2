/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of every key of xl.cfg(5), and how one value of a key gets into the configuration. Both
 * readers use it: XML for all that libvirt's format has no element for. */
#ifndef UVPI_CONFIG_KEYS_H
#define UVPI_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/model.h"
#include "config/xlcfg_value.h"

struct uvpi_key_place {
	int line, column; /* line 0: not given; -1: by an override */
};

/* One reading of one configuration. */
struct uvpi_reader {
	const char *name; /* what messages call the input */
	struct uvp_config *config;
	uvp_config_warn *warn;
	void *warn_data;

	/* where we are */
	const char *place_name; /* name, or the override being read */
	bool no_lines;		/* an override: its name says it all */
	int line, column;

	struct uvpi_key_place *places; /* by index in the table: where each key was given */
	char *cmdline, *root, *extra;  /* until they can be joined */
	bool type_given, builder_given;
	enum uvpi_type builder;
};

enum uvpi_key_type {
	KEY_STRING,
	KEY_BOOL,
	KEY_U32,
	KEY_I32,
	KEY_I64,
	KEY_MIB,     /* MiB in the file, KiB in the struct */
	KEY_ENUM,    /* names[]; numbers too where .numbers is set */
	KEY_LIST,    /* strings, each checked by item() */
	KEY_STRINGS, /* a string or a list of strings, each checked by item() */
	KEY_LISTS,   /* lists of strings, each checked by item() */
	KEY_CUSTOM   /* custom() does it all */
};

enum uvpi_key_status {
	KEY_HONOURED,
	KEY_KEPT,    /* checked and kept; refused by uvp_config_check_supported() unless it asks for
			nothing */
	KEY_IGNORED, /* without effect in xl too: warned about and left out */
	KEY_REFUSED  /* an error at once */
};

#define KEY_FOR_PV (1u << UVPI_TYPE_PV)
#define KEY_FOR_PVH (1u << UVPI_TYPE_PVH)
#define KEY_FOR_HVM (1u << UVPI_TYPE_HVM)
#define KEY_FOR_ALL (KEY_FOR_PV | KEY_FOR_PVH | KEY_FOR_HVM)

struct uvpi_key {
	const char *key;
	enum uvpi_key_type type;
	enum uvpi_key_status status;
	unsigned int types;	  /* of guests for which it means something */
	size_t offset;		  /* of honoured keys, in struct uvp_config */
	int64_t min, max;	  /* in the file's unit */
	const char *const *names; /* KEY_ENUM; ends in NULL */
	bool numbers;		  /* KEY_ENUM: the index is accepted too, deprecated */
	int (*custom)(struct uvpi_reader *reader, const struct uvpi_key *key,
		      const struct xlcfg_value *value, struct uvp_error *err);
	int (*item)(const char *text, struct uvp_error *err);
	const char *nothing; /* KEY_KEPT: the value that asks for nothing */
	const char
		*needs;	 /* KEY_KEPT: asks for nothing either unless that key asks for something */
	const char *why; /* KEPT, REFUSED, IGNORED: the reason, as the end of a sentence */
	const char *instead; /* deprecated: what to write in its place */
};

extern const struct uvpi_key uvpi_keys[];
extern const int uvpi_n_keys;

const struct uvpi_key *uvpi_key_find(const char *name);
/* "did you mean" for a key that there is not, or NULL. */
const char *uvpi_key_near(const char *name);

int uvpi_reader_init(struct uvpi_reader *reader, const char *name, uvp_config_warn *warn,
		     void *warn_data, struct uvp_error *err);
void uvpi_reader_done(struct uvpi_reader *reader);
/* Warn at the current place. */
void uvpi_reader_warn(struct uvpi_reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Put the current place in front of a filled error; returns rc. */
int uvpi_reader_at(const struct uvpi_reader *reader, int rc, struct uvp_error *err);
/* Where the key was given; line 0: nowhere. */
struct uvpi_key_place uvpi_reader_place(const struct uvpi_reader *reader, const char *name);
/* Read one value into the configuration. The place is the value's line; errors carry it. */
int uvpi_reader_apply(struct uvpi_reader *reader, const char *name, int line,
		      const struct xlcfg_value *value, struct uvp_error *err);
/* After the last value: join, default and check. */
int uvpi_reader_finish(struct uvpi_reader *reader, struct uvp_error *err);

/* ---- handlers of single keys ---- */
/* A number as xl reads it: decimal, 0x hexadecimal, 0 octal. */
int uvpi_key_number(const struct xlcfg_value *value, const char *what, int64_t min, int64_t max,
		    int64_t *ret_number, struct uvp_error *err);
int uvpi_key_string(const struct xlcfg_value *value, const char **ret_text, struct uvp_error *err);
int uvpi_apply_type(struct uvpi_reader *reader, const struct uvpi_key *key,
		    const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_builder(struct uvpi_reader *reader, const struct uvpi_key *key,
		       const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_uuid(struct uvpi_reader *reader, const struct uvpi_key *key,
		    const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_affinity(struct uvpi_reader *reader, const struct uvpi_key *key,
			const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_cap(struct uvpi_reader *reader, const struct uvpi_key *key,
		   const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_cmdline(struct uvpi_reader *reader, const struct uvpi_key *key,
		       const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_hap(struct uvpi_reader *reader, const struct uvpi_key *key,
		   const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_tsc_mode(struct uvpi_reader *reader, const struct uvpi_key *key,
			const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_cpuid(struct uvpi_reader *reader, const struct uvpi_key *key,
		     const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_cpu_policy(struct uvpi_reader *reader, const struct uvpi_key *key, const struct xlcfg_value *value,
			  struct uvp_error *err);
int uvpi_apply_bool_or_enum(struct uvpi_reader *reader, const struct uvpi_key *key,
			    const struct xlcfg_value *value, struct uvp_error *err);
int uvpi_apply_bool_or_list(struct uvpi_reader *reader, const struct uvpi_key *key,
			    const struct xlcfg_value *value, struct uvp_error *err);

/* ---- checks of the strings in device lists (config/specs.c) ---- */
int uvpi_spec_disk(const char *text, struct uvp_error *err);
int uvpi_spec_vif(const char *text, struct uvp_error *err);
int uvpi_spec_pci(const char *text, struct uvp_error *err);
int uvpi_spec_rdm(const char *text, struct uvp_error *err);
int uvpi_spec_vtpm(const char *text, struct uvp_error *err);
int uvpi_spec_p9(const char *text, struct uvp_error *err);
int uvpi_spec_pvcalls(const char *text, struct uvp_error *err);
int uvpi_spec_vfb(const char *text, struct uvp_error *err);
int uvpi_spec_vkb(const char *text, struct uvp_error *err);
int uvpi_spec_channel(const char *text, struct uvp_error *err);
int uvpi_spec_usbctrl(const char *text, struct uvp_error *err);
int uvpi_spec_usbdev(const char *text, struct uvp_error *err);
int uvpi_spec_vdispl(const char *text, struct uvp_error *err);
int uvpi_spec_vsnd(const char *text, struct uvp_error *err);
int uvpi_spec_vnuma(const char *text, struct uvp_error *err);
int uvpi_spec_ioports(const char *text, struct uvp_error *err);
int uvpi_spec_iomem(const char *text, struct uvp_error *err);
int uvpi_spec_irqs(const char *text, struct uvp_error *err);
int uvpi_spec_viridian(const char *text, struct uvp_error *err);
int uvpi_spec_mca_caps(const char *text, struct uvp_error *err);
int uvpi_spec_boot(const char *text, struct uvp_error *err);
int uvpi_spec_any(const char *text, struct uvp_error *err);

#endif
