/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xenbus.c, xenbus_nodes.c, xenbus_wait.c and xenbus_close.c share. */
#ifndef UVPI_XENBUS_SET_H
#define UVPI_XENBUS_SET_H

#include "device/xenbus.h"

/* Write the nodes of both ends of all, a few devices in a transaction. */
int uvpi_devset_write_nodes(struct uvpi_devset *set, struct uvp_error *err);

/* Is the device where it is waited for (1), not yet (0), or will it never be? error: what its back end complains of. */
typedef int uvpi_devset_look(struct uvpi_devset *set, struct uvpi_device *dev, const char *error,
			     struct uvp_error *err);

/* Read the states of those that an event came for (`looked_at`), and hand each to look(). *ret_open: how many are not where
 * they are waited for. */
int uvpi_devset_look_once(struct uvpi_devset *set, uvpi_devset_look *look, int *ret_open, struct uvp_error *err);
/* Wait until it is so for all. 1: it is; 0: the deadline has passed (those left are not `settled`). With `front` the
 * front ends' states are waited for too. */
int uvpi_devset_wait(struct uvpi_devset *set, uvpi_devset_look *look, bool front, int64_t deadline_ms,
		     const struct uvp_op *op, struct uvp_error *err);
/* For the back ends to notice all its devices, in milliseconds. */
int uvpi_devset_patience(const struct uvpi_devset *set);
/* The node in which an end complains. */
void uvpi_devset_error_path(const struct uvpi_devset *set, const struct uvpi_device *dev, bool back, char *buf,
			    int len);
/* What their classes do before their nodes are there, and when they are gone. */
int uvpi_devset_begin(struct uvpi_devset *set, struct uvp_error *err);
int uvpi_devset_end(struct uvpi_devset *set, struct uvp_error *err);
/* Remove all that have nodes, whatever the guest does. */
int uvpi_devset_remove(struct uvpi_devset *set, struct uvp_error *err);

#endif
