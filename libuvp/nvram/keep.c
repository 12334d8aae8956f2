/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nvram/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "define/store.h"
#include "dm/qemu.h"

#define PAGE 4096u
#define CHUNK (1u << 20)
#define LOOK_BELOW (UINT64_C(256) << 20)
#define MARK "uvp-efi"
#define TRAILER 16u
#define ONCE 1u

int uvpi_nvram_path(const struct uvp_config *config, const char *named, char ret_path[PATH_MAX])
{
	if (named)
		return snprintf(ret_path, PATH_MAX, "%s", named) < PATH_MAX;
	return config->has_uuid && uvpi_def_exists(config->uuid) &&
	       uvpi_def_uuid_path(ret_path, config->uuid, "nvram.fd") == 0;
}

/* ---- the file ---- */

static uint64_t get_trailer(const uint8_t *p)
{
	uint64_t value = 0;

	if (memcmp(p, MARK, sizeof(MARK)))
		return 0;
	for (int i = 7; i >= 0; i--)
		value = value << 8 | p[8 + i];
	return value;
}

int uvpi_nvram_read(const char *path, struct uvpi_nvram_file *ret_file, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_nvram_file file = { NULL };
	struct uvpi_nvram nvram;
	char *text = NULL;
	int r = uvpi_def_read(path, UVPI_NVRAM_MAX + TRAILER, &text, &file.len, &why);

	if (r == -UVP_E_NOT_FOUND) {
		*ret_file = file;
		return 0;
	}
	file.image = (uint8_t *)text;
	if (r == 0 && file.len > TRAILER && !memcmp(text + file.len - TRAILER, MARK, sizeof(MARK))) {
		file.len -= TRAILER;
		file.below = get_trailer(file.image + file.len);
		file.once = file.below & ONCE;
		file.below &= ~(uint64_t)ONCE;
	}
	if (r == 0)
		r = uvpi_nvram_parse(file.image, file.len, &nvram, &why);
	if (r < 0) {
		free(file.image);
		if (err)
			*err = why;
		uvpi_prefix(err, "UEFI variables in '%.200s'", path);
		uvpi_hint(err, "move that file away: the firmware then begins with none");
		return r;
	}
	file.len = nvram.size;
	uvpi_nvram_done(&nvram);
	*ret_file = file;
	return 0;
}

int uvpi_nvram_write(const char *path, const struct uvpi_nvram_file *file, struct uvp_error *err)
{
	_cleanup_free_ char *text = malloc(file->len + TRAILER);

	if (!text)
		return uvpi_no_memory(err);
	memcpy(text, file->image, file->len);
	memset(text + file->len, 0, TRAILER);
	memcpy(text + file->len, MARK, sizeof(MARK));
	for (int i = 0; i < 8; i++)
		text[file->len + 8 + (size_t)i] = (char)((file->below | (file->once ? ONCE : 0)) >> 8 * i);
	return uvpi_def_write(path, text, file->len + TRAILER, err);
}

/* ---- the note ---- */

#define ONCE_WORD " once"

static void note_path(uint32_t domid, char path[160])
{
	char dir[128];

	snprintf(path, 160, "%s/nvram", uvpi_qemu_dir(domid, dir, sizeof(dir)));
}

int uvpi_nvram_note(uint32_t domid, const char *path, uint64_t ram_end, bool once, struct uvp_error *err)
{
	char note[160], text[PATH_MAX + 32];
	_cleanup_close_ int fd = -1;
	int len = snprintf(text, sizeof(text), "%" PRIu64 "%s\n%s", ram_end, once ? ONCE_WORD : "", path);

	note_path(domid, note);
	fd = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return uvpi_fail_errno(err, errno, "cannot write '%s'", note);
	return 0;
}

int uvpi_nvram_noted(uint32_t domid, struct uvpi_nvram_note *ret_note)
{
	char note[160], text[PATH_MAX + 32], *end, *word;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	note_path(domid, note);
	fd = open(note, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strchr(text, '\n');
	if (!end)
		return 0;
	*end = '\0';
	word = strchr(text, ' ');
	ret_note->once = word && !strcmp(word, ONCE_WORD);
	if (word)
		*word = '\0';
	if (uvpi_parse_u64(text, "address", PAGE, UINT64_C(1) << 32, &ret_note->ram_end, NULL) < 0)
		return 0;
	return snprintf(ret_note->path, PATH_MAX, "%s", end + 1) < PATH_MAX;
}

/* ---- the guest's memory ---- */

/* hvmloader's copies of the firmware have the same head, but the next volume behind it. */
static bool is_firmware(struct uvp_host *host, uint32_t domid, uint64_t behind)
{
	uint8_t page[PAGE];

	return uvpi_hyp_copy(host->hyp, domid, behind, page, sizeof(page), false, NULL) == 0 && !memcmp(page + 40, "_FVH", 4);
}

static int fetch_at(struct uvp_host *host, uint32_t domid, uint64_t address, size_t len, struct uvpi_nvram_file *ret_file)
{
	size_t rounded = (len + PAGE - 1) & ~(size_t)(PAGE - 1);
	_cleanup_free_ uint8_t *image = NULL;
	struct uvpi_nvram nvram;

	if (!len || len > UVPI_NVRAM_MAX || is_firmware(host, domid, address + rounded))
		return 0;
	image = malloc(rounded);
	if (!image || uvpi_hyp_copy(host->hyp, domid, address, image, rounded, false, NULL) != 0 ||
	    uvpi_nvram_parse(image, len, &nvram, NULL) < 0)
		return 0;
	uvpi_nvram_done(&nvram);
	*ret_file = (struct uvpi_nvram_file){ .image = uvpi_steal(&image), .len = len };
	return 1;
}

int uvpi_nvram_fetch(struct uvp_host *host, uint32_t domid, uint64_t ram_end, struct uvpi_nvram_file *ret_file,
		     struct uvp_error *err)
{
	uint64_t lowest = ram_end > LOOK_BELOW ? ram_end - LOOK_BELOW : 0;
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);

	if (!chunk)
		return uvpi_no_memory(err);
	for (uint64_t top = ram_end; top > lowest;) {
		uint64_t from = top > CHUNK ? top - CHUNK : 0;
		int r = uvpi_hyp_copy(host->hyp, domid, from, chunk, (size_t)(top - from), false, err);

		if (r < 0)
			return r;
		for (uint64_t at = top; at > from; at -= PAGE) {
			size_t len = uvpi_nvram_size(chunk + (at - PAGE - from), PAGE);

			if (!len || !fetch_at(host, domid, at - PAGE, len, ret_file))
				continue;
			ret_file->below = ram_end - (at - PAGE);
			return 0;
		}
		top = from;
	}
	return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "its firmware has not made its variables yet");
}

int uvpi_nvram_save(struct uvp_host *host, uint32_t domid, struct uvp_error *err)
{
	struct uvpi_nvram_file file, before = { NULL };
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_nvram_note note;
	int r;

	if (!uvpi_nvram_noted(domid, &note))
		return 0;
	r = uvpi_nvram_fetch(host, domid, note.ram_end, &file, &why);
	if (r < 0 && err)
		*err = why;
	/* No variables yet is no failure, unless it was given some. */
	if (r == -UVP_E_NOT_FOUND && uvpi_nvram_read(note.path, &before, NULL) == 0 && before.below)
		r = uvpi_fail(err, UVP_E_IO, 0, "they are not in its memory any more");
	if (r < 0) {
		free(before.image);
		return r;
	}
	file.once = note.once;
	if (uvpi_nvram_read(note.path, &before, NULL) < 0 || !before.image || before.len != file.len || before.below != file.below ||
	    before.once != file.once || memcmp(before.image, file.image, file.len))
		r = uvpi_nvram_write(note.path, &file, err);
	free(file.image);
	free(before.image);
	return r;
}
