/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables that clean up after themselves when they leave their scope. */
#ifndef UVPI_CLEANUP_H
#define UVPI_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Take the value out of a cleanup variable to hand it on. */
#define uvpi_steal(ptr)                                                                            \
	__extension__({                                                                            \
		__typeof__(*(ptr)) *uvpi_steal_from = (ptr);                                       \
		__typeof__(*(ptr)) uvpi_stolen = *uvpi_steal_from;                                 \
		*uvpi_steal_from = NULL;                                                           \
		uvpi_stolen;                                                                       \
	})

static inline int uvpi_steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define UVPI_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Make uvpi_cleanup_<func> for a destructor that takes a pointer and accepts NULL. */
#define UVPI_DEFINE_CLEANUP(type, func)                                                            \
	static inline void uvpi_cleanup_##func(type *p)                                            \
	{                                                                                          \
		int uvpi_saved_errno = errno;                                                      \
		if (*p)                                                                            \
			func(*p);                                                                  \
		errno = uvpi_saved_errno;                                                          \
	}                                                                                          \
	struct uvpi_cleanup_##func##_semicolon

#define UVPI_CLEANUP(func) __attribute__((cleanup(uvpi_cleanup_##func)))

static inline void uvpi_cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void uvpi_cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void uvpi_cleanup_fclose(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

static inline void uvpi_cleanup_closedir(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	errno = saved;
}

#define _cleanup_free_ __attribute__((cleanup(uvpi_cleanup_free)))
#define _cleanup_close_ __attribute__((cleanup(uvpi_cleanup_close)))
#define _cleanup_fclose_ __attribute__((cleanup(uvpi_cleanup_fclose)))
#define _cleanup_closedir_ __attribute__((cleanup(uvpi_cleanup_closedir)))

#endif
