/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A main() for fuzz targets that are built without a fuzzer: runs the target once for each file
 * named on the command line, and for each file in the folders named there. Prints how many. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *data;
	struct stat st;
	size_t size;

	if (!file || fstat(fileno(file), &st) < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	/* As large as the input, so that a sanitizer sees a read behind it. */
	data = malloc((size_t)st.st_size ? (size_t)st.st_size : 1);
	size = data ? fread(data, 1, (size_t)st.st_size, file) : 0;
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];
	int n = 0;

	if (!dir)
		return replay_file(folder);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		n += replay_file(path);
	}
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += replay_folder(argv[i]);
	printf("%s: %d inputs\n", argv[0], n);
	return n ? EXIT_SUCCESS : EXIT_FAILURE;
}
