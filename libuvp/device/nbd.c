/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/nbd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <linux/nbd.h>
#include <linux/nbd-netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/run.h"
#include "core/step.h"
#include "device/counts.h"
#include "device/nlmsg.h"

#define PREFIX "uvp-qdisk "
#define SECTOR 512u
#define MODULE_MS 20000
#define GENL_ANSWER (NLMSG_HDRLEN + GENL_HDRLEN)

/* ---- what the line says ---- */

/* A file by its file system and number, a block device by its own number. */
static int describe(const struct stat *st, char *buf, size_t size)
{
	return S_ISBLK(st->st_mode) ? snprintf(buf, size, "b:%" PRIx64, (uint64_t)st->st_rdev) :
				      snprintf(buf, size, "%" PRIx64 ":%" PRIx64, (uint64_t)st->st_dev, (uint64_t)st->st_ino);
}

void uvpi_nbd_text_begin(char buf[UVPI_NBD_TEXT], const char *key)
{
	snprintf(buf, UVPI_NBD_TEXT, PREFIX "%.40s", key);
}

void uvpi_nbd_text_add(char buf[UVPI_NBD_TEXT], const struct stat *st, bool writes)
{
	size_t len = strlen(buf);
	char file[48];

	describe(st, file, sizeof(file));
	snprintf(buf + len, UVPI_NBD_TEXT - len, " %c:%s", writes ? 'w' : 'r', file);
}

bool uvpi_nbd_text_key(const char *text, char *ret_key, size_t size)
{
	size_t len;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return false;
	text += strlen(PREFIX);
	len = strcspn(text, " ");
	if (!len || len >= size)
		return false;
	memcpy(ret_key, text, len);
	ret_key[len] = '\0';
	return true;
}

bool uvpi_nbd_text_has(const char *text, const struct stat *st, bool *ret_writes)
{
	char word[52] = " ?:";
	size_t len;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return false;
	len = 3 + (size_t)describe(st, word + 3, sizeof(word) - 3);
	for (int i = 0; i < 2; i++) {
		word[1] = i ? 'r' : 'w';
		for (const char *p = text; (p = strstr(p, word)); p++)
			if (p[len] == ' ' || !p[len]) {
				*ret_writes = !i;
				return true;
			}
	}
	return false;
}

/* ---- the kernel's devices ---- */

static bool read_text(const char *path, char buf[UVPI_NBD_TEXT])
{
	char key[48];

	return uvpi_sysfs_read(AT_FDCWD, path, buf, UVPI_NBD_TEXT) && uvpi_nbd_text_key(buf, key, sizeof(key));
}

bool uvpi_nbd_text(unsigned int minor, char buf[UVPI_NBD_TEXT])
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/backend", UVPI_NBD_MAJOR, minor);
	return read_text(path, buf);
}

bool uvpi_nbd_text_of(const char *name, char buf[UVPI_NBD_TEXT])
{
	char path[64];

	if (strncmp(name, "/dev/nbd", 8) != 0 || strchr(name + 8, '/') || strlen(name) > 20)
		return false;
	snprintf(path, sizeof(path), "/sys/block/%s/backend", name + 5);
	return read_text(path, buf);
}

bool uvpi_nbd_is_over(const char *name, const char *target)
{
	char text[UVPI_NBD_TEXT], file[48];
	struct stat st;
	const char *p;

	if (stat(target, &st) < 0 || !uvpi_nbd_text_of(name, text))
		return false;
	/* The first after the key: " w:" and then the image. */
	p = strchr(text + strlen(PREFIX), ' ');
	describe(&st, file, sizeof(file));
	return p && strlen(p) > 3 && !strncmp(p + 3, file, strlen(file)) &&
	       (p[3 + strlen(file)] == ' ' || !p[3 + strlen(file)]);
}

void uvpi_nbd_each(void (*fn)(const char *name, const char *text, void *data), void *data)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char name[32], text[UVPI_NBD_TEXT];

		if (strncmp(entry->d_name, "nbd", 3) != 0 || strlen(entry->d_name) > 16)
			continue;
		snprintf(name, sizeof(name), "/dev/%.16s", entry->d_name);
		if (uvpi_nbd_text_of(name, text))
			fn(name, text, data);
	}
	if (dir)
		closedir(dir);
}

/* ---- generic netlink ---- */

/* The attribute of an answer that is asked for, and where its number goes. */
struct wanted {
	uint16_t type;
	size_t size;
	void *to;
};

static void see_attr(uint16_t type, const char *value, size_t len, void *data)
{
	const struct wanted *wanted = data;

	if (type == wanted->type && len >= wanted->size)
		memcpy(wanted->to, value, wanted->size);
}

static void see_message(const char *message, size_t len, void *data)
{
	if (len > GENL_ANSWER)
		uvpi_nlattr_parse(message + GENL_ANSWER, len - GENL_ANSWER, see_attr, data);
}

static void init_command(struct uvpi_nlmsg *msg, uint16_t family, uint8_t command)
{
	struct genlmsghdr header = { .cmd = command, .version = 1 };

	uvpi_nlmsg_init(msg, family, &header, sizeof(header));
}

static int find_family(int fd, uint16_t *ret_family)
{
	struct wanted wanted = { CTRL_ATTR_FAMILY_ID, sizeof(*ret_family), ret_family };
	struct uvpi_nlmsg msg;

	init_command(&msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	uvpi_nlmsg_attr(&msg, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME, sizeof(NBD_GENL_FAMILY_NAME));
	*ret_family = 0;
	return uvpi_nlmsg_exchange(fd, &msg, see_message, &wanted);
}

/* max_part=0: the kernel of domain 0 is not to read partition tables that guests write. */
static int load_module(struct uvp_error *err)
{
	char program[256], said[300];
	char *argv[] = { program, (char *)"-q", (char *)"nbd", (char *)"max_part=0", NULL };
	char *env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int r;

	if (!uvpi_find_program("modprobe", program, sizeof(program)))
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no program modprobe to load the kernel's module nbd with");
	r = uvpi_run(argv, env, uvpi_now_ms() + MODULE_MS, -1, said, sizeof(said), err);
	if (r <= 0)
		return r;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "the kernel has no network block devices (module nbd)%s%.200s", *said ? ": " : "",
		  said);
	uvpi_hint(err, "install the kernel's modules, or convert the image: qemu-img convert -O raw OLD NEW");
	return -UVP_E_UNSUPPORTED;
}

static int open_nbd(uint16_t *ret_family, struct uvp_error *err)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int error, r;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot talk to the kernel about network block devices");
	error = find_family(fd, ret_family);
	if (error == ENOENT) {
		r = load_module(err);
		if (r < 0)
			return r;
		error = find_family(fd, ret_family);
	}
	if (error || !*ret_family)
		return uvpi_fail_errno(err, error ? error : EPROTO, "cannot find the kernel's network block devices");
	return uvpi_steal_fd(&fd);
}

static void add_u64(struct uvpi_nlmsg *msg, uint16_t type, uint64_t value)
{
	uvpi_nlmsg_attr(msg, type, &value, sizeof(value));
}

static int connect_device(int fd, uint16_t family, int socket, const struct uvpi_nbd_hello *hello, const char *text,
			  uint32_t *ret_index)
{
	struct wanted wanted = { NBD_ATTR_INDEX, sizeof(*ret_index), ret_index };
	struct uvpi_nlmsg msg;
	uint32_t number = (uint32_t)socket;
	size_t sockets, item;

	init_command(&msg, family, NBD_CMD_CONNECT);
	add_u64(&msg, NBD_ATTR_SIZE_BYTES, hello->size / SECTOR * SECTOR);
	add_u64(&msg, NBD_ATTR_BLOCK_SIZE_BYTES, SECTOR);
	add_u64(&msg, NBD_ATTR_SERVER_FLAGS, hello->flags);
	uvpi_nlmsg_attr(&msg, NBD_ATTR_BACKEND_IDENTIFIER, text, strlen(text) + 1);
	sockets = uvpi_nlmsg_begin(&msg, NBD_ATTR_SOCKETS | NLA_F_NESTED);
	item = uvpi_nlmsg_begin(&msg, NBD_SOCK_ITEM | NLA_F_NESTED);
	uvpi_nlmsg_attr(&msg, NBD_SOCK_FD, &number, sizeof(number));
	uvpi_nlmsg_end(&msg, item);
	uvpi_nlmsg_end(&msg, sockets);
	*ret_index = UINT32_MAX;
	return uvpi_nlmsg_exchange(fd, &msg, see_message, &wanted);
}

/* From now on it goes with its last user. Not from the start: somebody who only looks at new devices could be that. */
static int bind_to_users(int fd, uint16_t family, uint32_t index, const char *text)
{
	struct uvpi_nlmsg msg;

	init_command(&msg, family, NBD_CMD_RECONFIGURE);
	uvpi_nlmsg_attr(&msg, NBD_ATTR_INDEX, &index, sizeof(index));
	add_u64(&msg, NBD_ATTR_CLIENT_FLAGS, NBD_CFLAG_DISCONNECT_ON_CLOSE);
	uvpi_nlmsg_attr(&msg, NBD_ATTR_BACKEND_IDENTIFIER, text, strlen(text) + 1);
	return uvpi_nlmsg_exchange(fd, &msg, NULL, NULL);
}

int uvpi_nbd_attach(int socket, const struct uvpi_nbd_hello *hello, const char *text, int *ret_fd, char *name, int name_len,
		    dev_t *ret_rdev, struct uvp_error *err)
{
	_cleanup_close_ int dev = -1, netlink = -1;
	bool readonly = hello->flags & NBD_FLAG_READ_ONLY;
	struct stat st;
	uint16_t family;
	uint32_t index;
	int error;

	netlink = open_nbd(&family, err);
	if (netlink < 0)
		return netlink;
	error = connect_device(netlink, family, socket, hello, text, &index);
	if (error || index == UINT32_MAX)
		return uvpi_fail_errno(err, error ? error : EPROTO, "cannot make a network block device");
	UVPI_STEP("nbd connected");
	snprintf(name, (size_t)name_len, "/dev/nbd%" PRIu32, index);
	dev = open(name, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	error = dev < 0 || fstat(dev, &st) < 0 ? errno : bind_to_users(netlink, family, index, text);
	if (error) {
		uvpi_nbd_drop(name, text);
		return uvpi_fail_errno(err, error, "cannot open the network block device '%s'", name);
	}
	*ret_rdev = st.st_rdev;
	*ret_fd = uvpi_steal_fd(&dev);
	return 0;
}

void uvpi_nbd_drop(const char *name, const char *text)
{
	_cleanup_close_ int netlink = -1, dev = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint16_t family;
	uint32_t index;

	/* While it is open here its number is nobody else's; closing it is the rest. */
	if (dev < 0 || uvpi_parse_u32(name + strlen("/dev/nbd"), "number", 0, INT32_MAX, &index, NULL) < 0)
		return;
	netlink = open_nbd(&family, NULL);
	if (netlink >= 0 && bind_to_users(netlink, family, index, text))
		uvpi_debug("cannot disconnect %s", name);
}
