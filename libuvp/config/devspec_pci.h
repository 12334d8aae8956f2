/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices as pci= of xl.cfg names them. */
#ifndef UVPI_CONFIG_DEVSPEC_PCI_H
#define UVPI_CONFIG_DEVSPEC_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvp_config;

#define UVPI_PCI_NAME_MAX 64
#define UVPI_PCI_TEXT 16 /* "0000:03:00.0" */
#define UVPI_PCI_LIST_MAX 32 /* devices of one domain: pcifront has no more slots */

struct uvpi_pci {
	char name[UVPI_PCI_NAME_MAX + 1]; /* "": the address counts */
	uint32_t sbdf;      /* segment << 16 | bus << 8 | slot << 3 | function */
	bool all_functions; /* '*' */
	bool has_vslot;
	uint8_t vslot; /* of an HVM guest's bus */
	bool permissive, msitranslate, seize, power_mgmt;
	bool rdm_relaxed;
};

/* The whole text must be a specification. What it does not say is as in `defaults` (may be NULL). */
int uvpi_pci_parse(const char *text, const struct uvpi_pci *defaults, struct uvpi_pci *ret_pci, struct uvp_error *err);
/* A specification that says the same: into buf, which must have UVPI_PCI_SPEC bytes. */
#define UVPI_PCI_SPEC 256
void uvpi_pci_text(const struct uvpi_pci *pci, char buf[UVPI_PCI_SPEC]);
/* "0000:03:00.0", "03:00.0"; with ret_all also '*' as the function. */
int uvpi_pci_parse_address(const char *text, uint32_t *ret_sbdf, bool *ret_all, struct uvp_error *err);
const char *uvpi_pci_address(uint32_t sbdf, char buf[UVPI_PCI_TEXT]);

/* Fill err (UNSUPPORTED) when it asks for what no device model or back end does. */
int uvpi_pci_check_options(const struct uvpi_pci *pci, bool hvm, struct uvp_error *err);

/* For the next life of a guest that runs: leave out of its configuration what uvpi_pci_check_options() refuses, which did nothing
 * in this life either. 1: something was. */
int uvpi_pci_forgive(struct uvp_config *config, struct uvp_error *err);

/* The devices of a configuration, an array to free(), with pci_permissive= and the like as defaults. Returns how
 * many; one that is there twice is refused. */
int uvpi_pcis_fill(const struct uvp_config *config, struct uvpi_pci **ret_list, struct uvp_error *err);

/* What passthrough= says, and what follows from pci= where it says nothing. */
enum uvpi_passthrough { UVPI_PASSTHROUGH_OFF, UVPI_PASSTHROUGH_ON, UVPI_PASSTHROUGH_SYNC, UVPI_PASSTHROUGH_SHARE };
enum uvpi_passthrough uvpi_passthrough_of(const struct uvp_config *config);
/* Is this one of the keys about PCI devices? */
bool uvpi_pci_is_about(const char *key);
/* Can an HVM guest of this configuration have any? On failure *ret_key is the key that is in the way. */
int uvpi_pci_check_hvm(const struct uvp_config *config, const char **ret_key, struct uvp_error *err);
#define UVPI_PCI_WHY_NOT_PVH "Xen 4.17 cannot hand PCI devices to pvh guests"
/* Is it, and are they honoured for a domain of its type? */
bool uvpi_pci_honours(const struct uvp_config *config, const char *key);
/* Fill err (UNSUPPORTED, INVALID) when they do not go together. On failure *ret_key is the key that is wrong. */
int uvpi_pci_check(const struct uvp_config *config, const char **ret_key, struct uvp_error *err);

#endif
