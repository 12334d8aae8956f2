/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files that turn elements into settings. Everything ends as a key of xl.cfg with a
 * value, so that one table says what is accepted. */
#ifndef UVPI_CONFIG_XML_IN_H
#define UVPI_CONFIG_XML_IN_H

#include <stdbool.h>

#include <libxml/tree.h>

#include "config/boot.h"
#include "config/keys.h"

struct uvpi_xml_in {
	struct uvpi_reader *reader;
	struct uvp_error *err;
	/* lists that grow element by element; applied at the end */
	struct xlcfg_doc lists;
	const xmlNode *devices; /* read when all else is known */
	/* <boot order=> of devices */
	struct uvpi_xml_boot {
		uint32_t order;
		char name[32];
		const xmlNode *element;
	} boot[UVPI_BOOT_MAX];
	int n_boot, n_interfaces;
};

/* What to do with a child element. why set: refused for that reason; why and ignore: warned about
 * and skipped. */
struct uvpi_xml_rule {
	const char *parent; /* name of the parent element */
	const char *name;
	int (*read)(struct uvpi_xml_in *in, const xmlNode *element,
		    const struct uvpi_xml_rule *rule);
	const char *key; /* for read functions that are shared */
	const char *why;
	bool ignore;
};

/* Call the rule of each child element; text between elements must be blank. */
int uvpi_xml_children(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rules);
/* Make the element the current place. */
void uvpi_xml_go(struct uvpi_xml_in *in, const xmlNode *element);
/* Fail at the element with "<name>: message". */
int uvpi_xml_fail(struct uvpi_xml_in *in, const xmlNode *element, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void uvpi_xml_warn(struct uvpi_xml_in *in, const xmlNode *element, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *uvpi_xml_name(const xmlNode *element);
/* The attribute's value or NULL; lent. */
const char *uvpi_xml_attr(const xmlNode *element, const char *name);
/* Refuse attributes that are none of the NULL-terminated names. */
int uvpi_xml_only_attrs(struct uvpi_xml_in *in, const xmlNode *element, const char *const *names);
/* The element's text, which must be all it has; the caller frees it. */
int uvpi_xml_text(struct uvpi_xml_in *in, const xmlNode *element, char **ret_text);
/* Without blanks at both ends: the same text, which is changed. */
char *uvpi_xml_trim(char *text);
/* The first child element of that name or NULL. */
const xmlNode *uvpi_xml_child(const xmlNode *element, const char *name);
/* Set a key, of which there may be one, to a string or number. */
int uvpi_xml_set(struct uvpi_xml_in *in, const xmlNode *element, const char *key, const char *text);
/* Append a string to the list that is a key's value. */
int uvpi_xml_append(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
		    const char *text);

/* ---- read functions that several rules use ---- */
int uvpi_xml_read_text(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule);
/* An empty element, optionally with state='on' or 'off', that is a switch. */
int uvpi_xml_read_switch(struct uvpi_xml_in *in, const xmlNode *element,
			 const struct uvpi_xml_rule *rule);
int uvpi_xml_read_nested(struct uvpi_xml_in *in, const xmlNode *element,
			 const struct uvpi_xml_rule *rule);
/* Accepted and without meaning. */
int uvpi_xml_read_nothing(struct uvpi_xml_in *in, const xmlNode *element,
			  const struct uvpi_xml_rule *rule);

/* <boot order=> of a device, if it has one: it is the device of that name for the key boot=. (config/xml_boot.c) */
int uvpi_xml_read_boot_order(struct uvpi_xml_in *in, const xmlNode *device, const char *name);
/* Make one list of all of them. */
int uvpi_xml_finish_boot(struct uvpi_xml_in *in);

/* <vcpu>, <cputune> and <numatune> (config/xml_cpu.c) */
int uvpi_xml_read_vcpu(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule);
int uvpi_xml_read_vcpupin(struct uvpi_xml_in *in, const xmlNode *element,
			  const struct uvpi_xml_rule *rule);
int uvpi_xml_read_numa_memory(struct uvpi_xml_in *in, const xmlNode *element,
			      const struct uvpi_xml_rule *rule);

/* Warn of every attribute and element that nobody has asked for. (config/xml_unread.c) */
void uvpi_xml_tell_unread(struct uvpi_xml_in *in, const xmlNode *element);

/* <devices> (config/xml_devices.c) */
int uvpi_xml_read_devices(struct uvpi_xml_in *in, const xmlNode *devices);

#endif
