/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting one QEMU and ending it, whatever it is for: the device model of an HVM guest, or a back end. There is no shell
 * and no polling: its control socket is made here and handed to it, so that its greeting, or its end, is what is
 * waited for.
 *
 * Each has a folder <run>/qemu/KEY (KEY is the domain's id, as text) that is made before it and removed after it:
 *   qmp    its control socket
 *   log    what it says; the kernel ends the file at UVPI_QEMU_LOG_MAX
 *   pid    its process
 *   sockets  the names of others that it listens at, a line each, which go with it
 *   bounded  an empty file: the kernel bounds the files that it writes
 *   nbd, tag  of the disk server (KEY 0): where it serves, what tells it from others before it
 *   root/  empty: what a restricted QEMU has as its root folder
 * Its process is found by the folder and by "-xen-domid KEY" on its command line, also when whoever started it was
 * killed before the process id was noted. */
#ifndef UVPI_QEMU_H
#define UVPI_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvp/error.h>
#include <uvp/progress.h>

struct uvp_qmp;

#define UVPI_QEMU_FDS_MAX 64
#define UVPI_QEMU_SOCKETS_MAX 16
#define UVPI_QEMU_LOG_MAX (256u << 10)
#define UVPI_QEMU_FILE_MAX (256u << 20) /* of what it is asked to write meanwhile: its state, a picture of the screen */
#define UVPI_QEMU_READY_MS 60000 /* for it to greet */

/* A root folder for one that opens files by their names when it runs: with the devices of Xen that back ends open, and
 * some of the host's folders under their own names. It is seen by that process only, and goes with it. */
#define UVPI_QEMU_FOLDERS_MAX 16
struct uvpi_qemu_root {
	uint32_t uid, gid; /* whose the devices are */
	struct {
		char path[1024];
		int mount; /* of uvpi_root_open() */
	} folders[UVPI_QEMU_FOLDERS_MAX];
	int n_folders;
};

struct uvpi_qemu {
	char program[256];
	char dir[128];
	char who[300]; /* for messages: "the device model of 'web'" */
	char **args;
	int n_args;
	bool no_memory;
	int fds[UVPI_QEMU_FDS_MAX]; /* ours; in QEMU they are UVPI_QEMU_FD + index */
	int n_fds;
	struct {
		const char *path; /* borrowed */
		int at;           /* which of fds is to become the listening socket; -1: QEMU makes it */
	} sockets[UVPI_QEMU_SOCKETS_MAX];
	int n_sockets;
	const struct uvpi_qemu_root *root; /* borrowed; NULL: root/ stays empty */
	bool small_files; /* it writes to no regular file but its log: lets the kernel bound that */
	bool apart, network; /* in namespaces of its own; but in the host's network */
	/* once it runs */
	pid_t pid;
	struct uvp_qmp *qmp;
};

/* The QEMU for Xen of this host, or the one that is named. NOT_FOUND says what to install. */
int uvpi_qemu_find(const char *named, char *ret_path, int len, struct uvp_error *err);

/* Are those bytes among the first `within` of the program's file? What was built into it has its name there. */
bool uvpi_qemu_contains(const char *program, const void *bytes, size_t n, size_t within);

/* Nothing on the host is changed. domid: whose it is. */
int uvpi_qemu_init(struct uvpi_qemu *qemu, const char *program, uint32_t domid, const char *who, struct uvp_error *err);
/* Free what this holds; a QEMU that runs goes on. */
void uvpi_qemu_done(struct uvpi_qemu *qemu);
/* One argument more. Running out of memory is told by uvpi_qemu_start(). */
void uvpi_qemu_arg(struct uvpi_qemu *qemu, const char *arg);
void uvpi_qemu_argf(struct uvpi_qemu *qemu, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* QEMU gets a copy of fd, which stays the caller's. Returns the number that it has there, or a negative code. */
int uvpi_qemu_pass(struct uvpi_qemu *qemu, int fd, struct uvp_error *err);
/* The same as an fdset, for whatever takes a file's name: *ret_name is "/dev/fdset/N". */
int uvpi_qemu_pass_file(struct uvpi_qemu *qemu, int fd, char ret_name[24], struct uvp_error *err);

/* Its root folder becomes an empty one, it runs as that user, and in its sandbox where it was built with one. */
void uvpi_qemu_confine(struct uvpi_qemu *qemu, uint32_t uid, uint32_t gid);
/* A Unix socket that is removed when QEMU has ended. The first is made when QEMU starts, for root only, and is handed to it:
 * returns the number that it has there. The second is one that QEMU makes by itself. */
int uvpi_qemu_listen(struct uvpi_qemu *qemu, const char *path, struct uvp_error *err);
int uvpi_qemu_has_socket(struct uvpi_qemu *qemu, const char *path, struct uvp_error *err);
/* Can a socket of this name be made? */
int uvpi_qemu_check_socket(const char *path, struct uvp_error *err);

/* Start it, and wait until it greets; qemu->qmp is connected then. The arguments for its control socket, its root folder
 * and the like are added here. On failure nothing of it is left, and err has the last of what it said. */
int uvpi_qemu_start(struct uvpi_qemu *qemu, const struct uvp_op *op, struct uvp_error *err);

/* End the QEMU of a domain, if there is one, and remove its folder: by the id that was noted (or NULL), else by looking for
 * it. Politely until 5 s before the deadline. */
void uvpi_qemu_end(uint32_t domid, const char *pid_text, int64_t deadline_ms);
/* Does the QEMU of this domain run? -1: it never had one. pid_text may be NULL: what its folder says counts then. */
int uvpi_qemu_runs(uint32_t domid, const char *pid_text);
/* Is there any on this host that was not cleaned away? One look, however many domains there are. */
bool uvpi_qemu_any(void);
/* A descriptor of its process, which is readable when that has ended; -1 when it does not run. */
int uvpi_qemu_open(uint32_t domid);
/* The bound of small_files, lifted to UVPI_QEMU_FILE_MAX for a moment in which it writes to a file that we gave it, and set
 * again. Nothing for a QEMU that has none. */
void uvpi_qemu_bound_files(uint32_t domid, bool bound);
/* root.c. A mount of the folder, not yet anywhere. What belongs to the folder's owner there (unless that is root) belongs
 * to uid here, and the same with its group, so that this process has the owner's rights in it, and no others; where
 * the file system cannot do that, ids are as they are. */
int uvpi_root_open(const char *path, uint32_t uid, uint32_t gid, struct uvp_error *err);
/* As posix_spawn: in a session of its own, standard input from /dev/null, output to log, and with copies of
 * fds[i] at to + i; but with that root folder at `at`. Returns 0 or a negative code. */
struct uvpi_root_spawn {
	const char *program, *at, *log;
	char *const *args, *const *environment;
	const int *fds;
	int n_fds, to;
};
int uvpi_root_spawn(const struct uvpi_qemu_root *root, const struct uvpi_root_spawn *what, pid_t *ret_pid,
		    struct uvp_error *err);
/* The last words in its log on one line, without what may not be printed; "" when there are none. Returns buf. */
const char *uvpi_qemu_last_words(const char *dir, char *buf, size_t len);
/* <run>/qemu/KEY */
const char *uvpi_qemu_dir(uint32_t domid, char *buf, size_t len);

#endif
