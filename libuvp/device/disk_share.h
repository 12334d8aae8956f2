/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who else uses a disk: other domains, whichever tool made them, and this host. The kernel's back ends say what they
 * have open, so nothing has to be recorded, and nothing recorded can be wrong. */
#ifndef UVPI_DISK_SHARE_H
#define UVPI_DISK_SHARE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <uvp/error.h>

struct uvpi_store;

/* Take the disk for the time in which it is set up, so that two who look at once do not both find it free. BUSY when
 * somebody else sets it up in a way that does not go together with ours. *ret_fd: closing it lets go. */
int uvpi_disk_lock(const struct stat *st, bool readonly, int *ret_fd, struct uvp_error *err);
/* As uvpi_disk_lock() says it. */
int uvpi_disk_fail_attaching(struct uvp_error *err);

/* What the back ends of this host's domains have open, read when somebody asks for the first time. Begins as { NULL }. */
struct uvpi_disk_users {
	struct uvpi_disk_user *list;
	int n;
	bool read;
};
void uvpi_disk_users_done(struct uvpi_disk_users *users);

/* BUSY when anybody writes to what fd has open, or reads it and we want to write; files behind images count, too. For a
 * file that nobody has open this is one question to the kernel, however many disks there are. Call it with the locks of
 * all disks that `users` is for. */
int uvpi_disk_check_sharing(struct uvpi_store *store, struct uvpi_disk_users *users, int fd, const struct stat *st,
			    const char *path, bool readonly, struct uvp_error *err);

/* Has a back end of the kernel that block device? */
bool uvpi_disk_is_served(const char *device);

/* Disks whose server has ended: how many. As "xvda, xvdb" of one domain, or (domid NULL) "domain 3 (xvda), ..." of all. */
int uvpi_disk_list_lost(const uint32_t *domid, char *buf, size_t size);

/* BUSY when a process has locked the file, as QEMU does with its images, in a way that does not go together with ours. */
int uvpi_disk_check_locked(int fd, const char *path, bool readonly, struct uvp_error *err);

/* One change of one domain's devices at a time: waits for others, who have deadlines. *ret_fd: closing it lets go. */
int uvpi_device_lock(uint32_t domid, int *ret_fd, struct uvp_error *err);

#endif
