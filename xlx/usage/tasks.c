/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/usage/tasks.h"

#include <stdlib.h>

#define GROW 256

void usage_tasks_done(struct usage_tasks *tasks)
{
	free(tasks->tasks);
	*tasks = (struct usage_tasks){ 0 };
}

struct usage_task *usage_tasks_add(struct usage_tasks *tasks)
{
	if (tasks->n % GROW == 0) {
		struct usage_task *more = reallocarray(tasks->tasks, tasks->n + GROW, sizeof(*more));

		if (!more)
			return NULL;
		tasks->tasks = more;
	}
	tasks->tasks[tasks->n] = (struct usage_task){ 0 };
	return &tasks->tasks[tasks->n++];
}

static int compare(const void *a, const void *b)
{
	const struct usage_task *left = a, *right = b;

	if (left->tid != right->tid)
		return left->tid < right->tid ? -1 : 1;
	return (left->began > right->began) - (left->began < right->began);
}

void usage_tasks_sort(struct usage_tasks *tasks)
{
	if (tasks->n)
		qsort(tasks->tasks, tasks->n, sizeof(*tasks->tasks), compare);
}
