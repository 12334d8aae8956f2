/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The variables of UEFI firmware, as EDK2 keeps them in flash memory: a firmware volume whose one content is a store of
 * variables, written one behind the other; whoever replaces one marks the old one deleted. The guest wrote it, so nothing in
 * it is trusted. */
#ifndef UVPI_NVRAM_H
#define UVPI_NVRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#define UVPI_NVRAM_MAX (4u << 20)  /* of an image; OVMF's are 128 and 528 KiB */
#define UVPI_NVRAM_VARS_MAX 4096
#define UVPI_EFI_NAME 256

/* attributes */
#define UVPI_EFI_NON_VOLATILE 0x01u
#define UVPI_EFI_BOOT 0x02u
#define UVPI_EFI_RUNTIME 0x04u
#define UVPI_EFI_AUTHENTICATED (0x10u | 0x20u) /* signed: nobody but who has the key can write it */

extern const uint8_t uvpi_efi_global[16]; /* whose the boot entries are */

struct uvpi_efivar {
	char name[UVPI_EFI_NAME]; /* in UTF-8; what is no text is '?' */
	uint8_t guid[16];         /* in the order of its bytes in memory */
	uint32_t attributes;
	const uint8_t *data;      /* in the image */
	size_t len;
	size_t at, total;         /* the record in the image */
};

struct uvpi_nvram {
	uint8_t *image;
	size_t size;
	size_t first, end;        /* of the room for records */
	size_t used;              /* up to here */
	bool authenticated;       /* records have room for a signature */
	struct uvpi_efivar *vars; /* those that are in force */
	int n;
};

/* Is there the head of an image in these bytes (128 are enough)? How long it says that it is, or 0. */
size_t uvpi_nvram_size(const uint8_t *data, size_t len);
/* Copies what it needs. PROTOCOL when the image is damaged: says where. */
int uvpi_nvram_parse(const uint8_t *data, size_t size, struct uvpi_nvram *ret_nvram, struct uvp_error *err);
void uvpi_nvram_done(struct uvpi_nvram *nvram);

/* NULL when there is none. */
const struct uvpi_efivar *uvpi_nvram_find(const struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16]);
/* Both write the store anew without what is deleted, and leave it as it was when they fail. `name` is ASCII. NO_SPACE,
 * DENIED for one that is signed, and NOT_FOUND for one that is to go. */
int uvpi_nvram_set(struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16], uint32_t attributes,
		   const uint8_t *data, size_t len, struct uvp_error *err);
int uvpi_nvram_delete(struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16], struct uvp_error *err);

/* ---- in words (efitext.c) ---- */
/* "8be4df61-93ca-11d2-aa0d-00e098032b8c" */
void uvpi_efi_guid_text(const uint8_t guid[16], char text[37]);
int uvpi_efi_guid_parse(const char *text, uint8_t ret_guid[16], struct uvp_error *err);
/* A boot entry. */
struct uvpi_bootopt {
	bool active, hidden;
	char title[UVPI_EFI_NAME];
	char path[512]; /* "PciRoot(0x0)/Pci(0x1,0x1)/Ata(0,0,0)" */
};
/* false when it is none. */
bool uvpi_bootopt_parse(const uint8_t *data, size_t len, struct uvpi_bootopt *ret_option);
/* Is this the name of a boot entry (Boot0000, Driver0001 and so on)? */
bool uvpi_bootopt_is(const char *name);
/* What a variable says, for people; bytes as hexadecimal digits when nothing better is known. Cut off at size. */
void uvpi_efivar_text(const struct uvpi_nvram *nvram, const struct uvpi_efivar *var, char *buf, size_t size);
/* The bytes that a text stands for: a list of entries for BootOrder, one for BootNext, seconds for Timeout, "active",
 * "inactive" or "file:PATH" for a boot entry; and for any variable "hex:DIGITS" or "text:ASCII". *ret_data is the
 * caller's to free. */
int uvpi_efivar_value(const struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16], const char *text,
		      uint8_t **ret_data, size_t *ret_len, struct uvp_error *err);

#endif
