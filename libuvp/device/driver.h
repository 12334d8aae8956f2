/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Driver domains: guests whose kernels serve disks and network interfaces to others. What such a domain has written is
 * believed no more than what any guest has. */
#ifndef UVPI_DEVICE_DRIVER_H
#define UVPI_DEVICE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvpi_devset;
struct uvpi_device;
struct uvpi_disk;
struct uvpi_store;
struct uvp_host;

/* Look for the domains that the devices of the set name as those of their back ends: each must be there, and able to
 * answer. */
int uvpi_driver_find(struct uvpi_devset *set, struct uvp_error *err);
/* Why that domain answers nothing now. Only what is paused may go on, and then does what it was told before. */
enum uvpi_silence {
	UVPI_ANSWERS = 0,
	UVPI_SILENT_PAUSED,
	UVPI_SILENT_ENDED, /* shut down or crashed */
	UVPI_SILENT_DYING,
	UVPI_SILENT_GONE
};
enum uvpi_silence uvpi_driver_silence(struct uvp_host *host, uint32_t domid);
/* "is paused" and the like; NULL for ANSWERS. */
const char *uvpi_driver_silence_text(enum uvpi_silence silence);
/* The same of the device's, which is kept in it; domain 0 answers. */
bool uvpi_driver_is_silent(const struct uvpi_devset *set, struct uvpi_device *dev);
/* The same, asked again and again: one that is paused for a moment is not meant. */
bool uvpi_driver_stays_silent(const struct uvpi_devset *set, struct uvpi_device *dev);
/* Its back end is in that domain: for one that is there already. */
void uvpi_driver_set(struct uvpi_devset *set, struct uvpi_device *dev, uint32_t domid);
/* The warning that it has not undone what it did for "disk 'xvda'" or the like. What is paused finds its nodes when it goes on. */
void uvpi_driver_not_undone(const char *label, enum uvpi_silence silence, const char *what, struct uvp_error *err);
/* Does /local/domain/ID/vm, as it was read (NULL: there is none), belong to that domain? libxl may have put "-1" behind it. */
bool uvpi_driver_is_vm(const char *vm, const uint8_t uuid[16]);
/* For how many milliseconds the youngest of those domains may have to boot still. */
#define UVPI_DRIVER_BOOT_MS 120000
int uvpi_driver_boots_for(const struct uvpi_devset *set);
/* Has the set devices whose back ends are elsewhere? */
bool uvpi_driver_any(const struct uvpi_devset *set);
/* For how many milliseconds its agent may undo what it did for a device: xl devd gives its scripts 40 s, and removes the
 * folder of the back end when they are done, whoever may use it by then. */
#define UVPI_DRIVER_UNDO_MS 45000
/* How often it is looked whether they are paused, which nothing tells. */
#define UVPI_DRIVER_LOOK_MS 1000
/* Remove the folder of a back end with which its domain has not begun, whatever that does in this moment. True: it is gone, and
 * nobody has anything to undo. False: it has begun, there is none, or it writes there all the time. */
bool uvpi_driver_take_untouched(struct uvpi_store *store, const char *backend);
/* Nodes that were written for a domain which had gone: what stands there then is nobody's. */
void uvpi_driver_sweep(struct uvp_host *host, struct uvpi_store *store, uint32_t domid);

/* How many domains that have not ended it serves, and their names for a message, cut off where there is no more room. What domain 0 has recorded of
 * them is asked, and not the driver domain. */
#define UVPI_DRIVER_CLIENTS 256
int uvpi_driver_clients(struct uvp_host *host, uint32_t domid, char names[UVPI_DRIVER_CLIENTS]);

/* The node of either end's error, "the kernel's back end of disk 'xvda'" and the like: for messages. Returns buf. */
#define UVPI_DRIVER_LABEL 400
const char *uvpi_driver_label(const struct uvpi_device *dev, char buf[UVPI_DRIVER_LABEL]);

/* An id says which domain only on this host and only for now, so that what is kept has the name instead; a UUID stays. Of disks the struct is
 * changed; of interfaces *ret_spec is the new text, or NULL where it can stay, for the caller to free. */
int uvpi_driver_name_disk(struct uvp_host *host, struct uvpi_disk *disk, struct uvp_error *err);
int uvpi_driver_name_vif(struct uvp_host *host, const char *spec, char **ret_spec, struct uvp_error *err);
/* The same for both lists of a configuration as uvpi_config_write_record() has written it. */
int uvpi_driver_name_record(struct uvp_host *host, char **text, struct uvp_error *err);

#endif
