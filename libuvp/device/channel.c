/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels: consoles besides the first, each with a name, that the guest's QEMU connects to a terminal or a socket. */
#include <stddef.h>
#include <stdio.h>

#include "config/pvdev.h"
#include "core/error.h"
#include "device/xenbus.h"

struct channel {
	struct uvpi_device dev;
	const char *name, *path, *connection;
	char output[32];
};

#define IN(where_, key_, value_, ...) { .key = key_, .where = where_, .value = value_, __VA_ARGS__ }
#define CONST(where, key, content) IN(where, key, UVPI_VALUE_CONST, .text = content)
#define FIELD(where, key, kind, field) IN(where, key, kind, .offset = offsetof(struct channel, field))

static const struct uvpi_devkey keys[] = {
	FIELD(UVPI_IN_BACK, "name", UVPI_VALUE_STRING, name),
	FIELD(UVPI_IN_BACK, "connection", UVPI_VALUE_STRING, connection),
	FIELD(UVPI_IN_BACK, "path", UVPI_VALUE_STRING, path),
	FIELD(UVPI_IN_FRONT, "name", UVPI_VALUE_STRING, name),
	CONST(UVPI_IN_FRONT, "type", "ioemu"),
	CONST(UVPI_IN_FRONT, "protocol", "vt100"),
	CONST(UVPI_IN_FRONT, "limit", "1048576"),
	CONST(UVPI_IN_FRONT, "tty", ""),
	FIELD(UVPI_IN_FRONT, "output", UVPI_VALUE_CHARS, output),
	{ .key = NULL },
};

/* `output` and `type` tell QEMU what to open, so the guest must not be able to put others in their place. */
static const char *const guest_keys[] = { "state", "ring-ref", "port", NULL };

int uvpi_devset_add_channels(struct uvpi_devset *set, const struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	for (int i = 0; i < devs->n_channels; i++) {
		const struct uvpi_channel *from = &devs->channels[i];
		struct uvpi_device *dev = uvpi_devset_add(set, &uvpi_channel_class, from->devid);
		struct channel *channel = (struct channel *)dev;

		if (!dev)
			return uvpi_no_memory(err);
		snprintf(dev->label, sizeof(dev->label), "channel '%.40s'", from->name);
		channel->name = from->name;
		channel->path = from->path;
		channel->connection = from->path ? "socket" : "pty";
		/* what dm/pv.c calls it */
		snprintf(channel->output, sizeof(channel->output), "chardev:channel%u", from->devid);
	}
	return 0;
}

const struct uvpi_device_class uvpi_channel_class = {
	.kind = "console",
	.size = sizeof(struct channel),
	.keys = keys,
	.guest_keys = guest_keys,
};
