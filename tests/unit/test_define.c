/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of definitions, without Xen: real files, real processes. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/num.h"
#include "define/store.h"
#include "tests/unit/unit.h"

static char dir[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void set_up(void)
{
	char path[128];

	snprintf(dir, sizeof(dir), "/tmp/uvp-define.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	setenv("UVP_STATE_DIR", dir, 1);
	snprintf(path, sizeof(path), "%s/run", dir);
	setenv("UVP_RUN_DIR", path, 1);
}

static void tear_down(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct uvp_config *config(const char *name, const char *more)
{
	struct uvp_config *c = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	char text[1024];

	snprintf(text, sizeof(text), "name = \"%s\"\ntype = \"pvh\"\nkernel = \"/k\"\nmemory = 64\n%s", name, more);
	ck_assert_msg(uvp_config_parse("t", text, strlen(text), NULL, 0, NULL, NULL, &c, &err) == 0, "%s", err.message);
	return c;
}

static struct uvp_definition define(const char *name, const char *more)
{
	_cleanup_config_ struct uvp_config *c = config(name, more);
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_msg(uvp_definition_save(NULL, c, 0, &definition, &err) >= 0, "%s", err.message);
	return definition;
}

static void put(const struct uvp_definition *definition, const char *leaf, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	uvpi_def_uuid_path(path, definition->uuid, leaf);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static bool there(const char *fmt, const char *what)
{
	char path[PATH_MAX];

	return uvpi_def_path(path, "/%s%s", fmt, what) == 0 && access(path, F_OK) == 0;
}

START_TEST(defined_and_found_by_name_and_uuid)
{
	struct uvp_definition made = define("web", "vcpus = 2\n"), found;
	char uuid[UVPI_UUID_TEXT];

	ck_assert_uint_eq(made.revision, 1);
	ck_assert_uint_eq(made.vcpus, 2);
	ck_assert_int_eq(uvp_definition_find("web", &found, NULL), 0);
	ck_assert_mem_eq(found.uuid, made.uuid, 16);
	uvpi_format_uuid(made.uuid, uuid);
	ck_assert_int_eq(uvp_definition_find(uuid, &found, NULL), 0);
	ck_assert_str_eq(found.name, "web");
	ck_assert_int_eq(uvp_definition_find("wed", &found, NULL), -UVP_E_NOT_FOUND);
}
END_TEST

START_TEST(same_again_changes_nothing_and_other_is_a_revision)
{
	struct uvp_definition a = define("web", ""), b = define("web", ""), c = define("web", "vcpus = 3\n");
	_cleanup_config_ struct uvp_config *old = NULL;

	ck_assert_uint_eq(b.revision, 1);
	ck_assert_uint_eq(c.revision, 2);
	ck_assert_mem_eq(a.uuid, c.uuid, 16);
	ck_assert_int_eq(uvp_definition_config(&c, 1, &old, NULL), 0);
	ck_assert_uint_eq(old->vcpus, 1);
}
END_TEST

START_TEST(name_of_another_definition_is_refused)
{
	struct uvp_definition web = define("web", ""), db = define("db", "");
	_cleanup_config_ struct uvp_config *c = config("web", "uuid = \"12345678-1234-4321-8888-1234567890ab\"\n");
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvp_definition_save(NULL, c, 0, NULL, &err), -UVP_E_EXISTS);
	ck_assert_int_eq(uvpi_def_rename(NULL, db.uuid, "web", &err), -UVP_E_EXISTS);
	ck_assert_int_eq(uvpi_def_name_check("web", web.uuid, &err), 0);
	ck_assert_int_eq(uvpi_def_name_check("web", db.uuid, &err), -UVP_E_EXISTS);
	ck_assert_int_eq(uvpi_def_name_check("nobody", db.uuid, &err), 0);
}
END_TEST

START_TEST(renamed_gives_the_old_name_up)
{
	struct uvp_definition web = define("web", ""), found;

	ck_assert_int_eq(uvpi_def_rename(NULL, web.uuid, "www", NULL), 0);
	ck_assert_int_eq(uvp_definition_find("www", &found, NULL), 0);
	ck_assert_int_eq(uvp_definition_find("web", &found, NULL), -UVP_E_NOT_FOUND);
	ck_assert(!there("names/", "web"));
	define("web", "");
}
END_TEST

START_TEST(change_of_an_older_revision_is_refused)
{
	struct uvp_definition web = define("web", "");
	_cleanup_config_ struct uvp_config *c = NULL;

	ck_assert_int_eq(uvp_definition_config(&web, 0, &c, NULL), 0);
	define("web", "vcpus = 2\n");
	c->vcpus = c->maxvcpus = 4;
	ck_assert_int_eq(uvp_definition_save(NULL, c, web.revision, NULL, NULL), -UVP_E_BUSY);
}
END_TEST

START_TEST(torn_file_is_reported_left_alone_and_hides_nobody)
{
	struct uvp_definition web = define("web", ""), found, *list = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	_cleanup_config_ struct uvp_config *c = NULL;
	char path[PATH_MAX];
	struct stat st;

	define("db", "");
	put(&web, "domain.xml", "<domain type='xen'><name>we");
	ck_assert_int_eq(uvp_definition_list(&list, NULL), 2);
	ck_assert_str_eq(list[1].name, "web");
	ck_assert_int_eq(list[1].error.code, UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(list[1].error.message, "domain.xml:1"));
	ck_assert_int_eq(list[0].error.code, 0);
	free(list);
	ck_assert_int_eq(uvp_definition_find("web", &found, &err), 0);
	ck_assert_int_eq(uvp_definition_config(&found, 0, &c, &err), -UVP_E_INVALID);
	/* its name is still its own */
	c = config("web", "uuid = \"12345678-1234-4321-8888-1234567890ab\"\n");
	ck_assert_int_eq(uvp_definition_save(NULL, c, 0, NULL, &err), -UVP_E_EXISTS);
	uvpi_def_uuid_path(path, web.uuid, "domain.xml");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 27);
	/* defining it anew keeps what was there */
	web = define("web", "");
	ck_assert_uint_eq(web.revision, 2);
	ck_assert_int_eq(web.error.code, 0);
	uvpi_def_uuid_path(path, web.uuid, "history/1.xml");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 27);
}
END_TEST

START_TEST(folder_copied_by_hand_is_reported)
{
	struct uvp_definition web = define("web", ""), found;
	char from[PATH_MAX], to[PATH_MAX];

	uvpi_def_uuid_path(from, web.uuid, NULL);
	uvpi_def_path(to, "/12345678-1234-4321-8888-1234567890ab");
	ck_assert_int_eq(rename(from, to), 0);
	ck_assert_int_eq(uvp_definition_find("12345678-1234-4321-8888-1234567890ab", &found, NULL), 0);
	ck_assert_ptr_nonnull(strstr(found.error.message, "its UUID is not"));
}
END_TEST

START_TEST(links_that_are_left_over_mean_nothing)
{
	struct uvp_definition web = define("web", ""), found;
	uint8_t nobody[16] = { 1, 2, 3 };

	/* somebody was killed before a definition was there, or before its file had the new name */
	ck_assert_int_eq(uvpi_def_name_set("ghost", nobody, NULL), 0);
	ck_assert_int_eq(uvpi_def_name_set("www", web.uuid, NULL), 0);
	ck_assert_int_eq(uvp_definition_find("ghost", &found, NULL), -UVP_E_NOT_FOUND);
	ck_assert_int_eq(uvp_definition_find("www", &found, NULL), -UVP_E_NOT_FOUND);
	ck_assert_mem_ne(define("ghost", "").uuid, nobody, 16);
	ck_assert_mem_ne(define("www", "").uuid, web.uuid, 16);
	ck_assert_int_eq(uvp_definition_find("www", &found, NULL), 0);
}
END_TEST

START_TEST(removed_leaves_nothing)
{
	struct uvp_definition web = define("web", ""), *list = NULL;
	char uuid[UVPI_UUID_TEXT];

	define("web", "vcpus = 2\n");
	ck_assert_int_eq(uvp_definition_set_autostart(&web, true, 5, 1000, NULL), 0);
	ck_assert_int_eq(uvp_definition_remove(&web, NULL), 0);
	uvpi_format_uuid(web.uuid, uuid);
	ck_assert(!there("names/", "web") && !there("", uuid));
	ck_assert_int_eq(uvp_definition_list(&list, NULL), 0);
	free(list);
	ck_assert_int_eq(uvp_definition_remove(&web, NULL), -UVP_E_NOT_FOUND);
	ck_assert_int_eq(uvp_definition_set_autostart(&web, true, 5, 1000, NULL), -UVP_E_NOT_FOUND);
}
END_TEST

START_TEST(newest_revisions_are_kept)
{
	struct uvp_definition web = { .revision = 0 };
	struct uvp_revision *revisions = NULL;
	char more[32];
	int n;

	for (int i = 1; i <= UVPI_REVISIONS_MAX + 5; i++) {
		snprintf(more, sizeof(more), "vcpus = %d\n", i);
		web = define("web", more);
	}
	ck_assert_uint_eq(web.revision, UVPI_REVISIONS_MAX + 5);
	n = uvp_definition_history(&web, &revisions, NULL);
	ck_assert_int_eq(n, UVPI_REVISIONS_MAX + 1);
	ck_assert_uint_eq(revisions[0].revision, 5);
	ck_assert(revisions[n - 1].current && revisions[n - 1].revision == web.revision);
	free(revisions);
}
END_TEST

/* Of two processes that define two domains with one name, one wins. */
START_TEST(one_name_for_one_of_two_processes)
{
	for (int round = 0; round < 10; round++) {
		struct uvp_definition *list = NULL;
		char name[32], uuid[80];
		int won = 0;

		snprintf(name, sizeof(name), "race%d", round);
		for (int i = 0; i < 2; i++) {
			if (fork() == 0) {
				snprintf(uuid, sizeof(uuid), "uuid = \"12345678-1234-4321-%04d-1234567890a%d\"\n", round, i);
				struct uvp_config *c = config(name, uuid);
				int r = uvp_definition_save(NULL, c, 0, NULL, NULL);

				uvp_config_free(c);
				_exit(r == 0 ? 0 : 1);
			}
		}
		for (int i = 0, status; i < 2; i++) {
			ck_assert_int_gt(wait(&status), 0);
			won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		}
		ck_assert_int_eq(won, 1);
		ck_assert_int_eq(uvp_definition_list(&list, NULL), round + 1);
		free(list);
	}
}
END_TEST

START_TEST(autostart_lines)
{
	static const char *const wrong[] = { "order", "order 3", "order -1\n", "order 1000001\n", "delay x\n", "\n",
					     "order 1\ndelay 2", "orders 1\n" };
	struct uvpi_autostart a = { 7, 7 };
	struct uvp_definition web = define("web", ""), found;

	ck_assert_int_eq(uvpi_autostart_parse("order 3\ndelay 1500\n", &a, NULL), 0);
	ck_assert(a.order == 3 && a.delay_ms == 1500);
	ck_assert_int_eq(uvpi_autostart_parse("", &a, NULL), 0);
	ck_assert(a.order == 0 && a.delay_ms == 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(uvpi_autostart_parse(wrong[i], &a, NULL), -UVP_E_INVALID);
	ck_assert_int_eq(uvp_definition_set_autostart(&web, true, 9, 2500, NULL), 0);
	ck_assert_int_eq(uvp_definition_find("web", &found, NULL), 0);
	ck_assert(found.autostart && found.order == 9 && found.delay_ms == 2500);
	put(&web, "autostart", "order 9\nde");
	ck_assert_int_eq(uvp_definition_find("web", &found, NULL), 0);
	ck_assert(!found.autostart && found.error.code == UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(found.error.message, "autostart"));
}
END_TEST

START_TEST(driver_domains_are_kept_by_what_outlives_a_boot)
{
	_cleanup_config_ struct uvp_config *by_id = config("user", "disk = ['/d,raw,xvda,rw,backend=7']\n");
	_cleanup_config_ struct uvp_config *vif_by_id = config("user", "vif = ['backend=7']\n");
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvp_definition_save(NULL, by_id, 0, NULL, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "disk 'xvda' has backend=7"));
	ck_assert_int_eq(uvp_definition_save(NULL, vif_by_id, 0, NULL, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "network interface 0 has backend=7"));
	define("here", "disk = ['/d,raw,xvda,rw,backend=0']\n");
	define("named", "disk = ['/d,raw,xvda,rw,backend=disks']\nvif = ['backend=4b7a2f6e-1b3c-4d5e-8f90-0123456789ab']\n");
}
END_TEST

START_TEST(settings_without_quotes_and_back_to_default)
{
	_cleanup_config_ struct uvp_config *c = config("web", "vcpus = 4\n"), *changed = NULL, *back = NULL;
	_cleanup_changes_ struct uvp_change_list changes = { 0 };
	const char *const settings[] = { "vcpus=", "on_crash=restart", "cmdline=\"a b\"", "name=w2" };
	const char *const wrong[] = { "vcpu=1" }, *const no_value[] = { "vcpus" };

	ck_assert_int_eq(uvpi_def_set(c, settings, 4, &changed, NULL), 0);
	ck_assert_uint_eq(changed->vcpus, 1);
	ck_assert_str_eq(changed->name, "w2");
	ck_assert_int_eq(uvp_config_compare(c, changed, &changes, NULL), 0);
	ck_assert_uint_eq(changes.n, 4);
	ck_assert_int_eq(uvpi_def_apply(c, &changes, &back, NULL), 0);
	ck_assert(uvpi_config_equal(back, changed));
	uvp_config_free(back);
	back = NULL;
	ck_assert_int_eq(uvpi_def_set(c, wrong, 1, &back, NULL), -UVP_E_INVALID);
	ck_assert_int_eq(uvpi_def_set(c, no_value, 1, &back, NULL), -UVP_E_INVALID);
}
END_TEST

/* ---- clones ---- */

static void make_image(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "begin", 5, 0), 5);
	ck_assert_int_eq(pwrite(fd, "end", 3, (20 << 20) - 3), 3);
	close(fd);
}

static struct uvp_definition define_with_disk(char image[128])
{
	char disk[256];

	snprintf(image, 128, "%s/web.img", dir);
	make_image(image);
	snprintf(disk, sizeof(disk), "disk = [ \"format=raw,vdev=xvda,target=%s\" ]\nvif = [ \"mac=00:16:3e:01:02:03\" ]\n",
		 image);
	return define("web", disk);
}

START_TEST(clone_has_its_own_disk_and_address)
{
	char image[128], copy[128], begin[6] = "", end[4] = "";
	struct uvp_definition web = define_with_disk(image), clone;
	_cleanup_config_ struct uvp_config *c = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct stat st;
	int fd;

	ck_assert_msg(uvp_definition_clone(NULL, &web, "web2", NULL, 0, 0, NULL, &clone, &err) == 0, "%s", err.message);
	ck_assert_int_eq(uvp_definition_config(&clone, 0, &c, NULL), 0);
	snprintf(copy, sizeof(copy), "%s/web2.img", dir);
	ck_assert_str_eq(c->disks[0].target, copy);
	ck_assert(c->vifs[0].has_mac && memcmp(c->vifs[0].mac, "\x00\x16\x3e\x01\x02\x03", 6));
	ck_assert_mem_ne(clone.uuid, web.uuid, 16);
	fd = open(copy, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, begin, 5, 0), 5);
	ck_assert_int_eq(pread(fd, end, 3, (20 << 20) - 3), 3);
	ck_assert(!strcmp(begin, "begin") && !strcmp(end, "end"));
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_lt(st.st_blocks, 2048); /* the hole stayed one */
	ck_assert_int_eq(st.st_nlink, 1);
	close(fd);
	ck_assert_int_eq(uvp_definition_clone(NULL, &web, "web2", NULL, 0, 0, NULL, NULL, &err), -UVP_E_EXISTS);
}
END_TEST

START_TEST(cancelled_clone_leaves_nothing)
{
	char image[128], copy[128];
	struct uvp_definition web = define_with_disk(image), found;
	struct uvp_op op = UVP_OP_INIT;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	op.cancel_fd = fds[0];
	ck_assert_int_eq(uvp_definition_clone(NULL, &web, "web2", NULL, 0, 0, &op, NULL, NULL), -UVP_E_CANCELLED);
	snprintf(copy, sizeof(copy), "%s/web2.img", dir);
	ck_assert_int_lt(access(copy, F_OK), 0);
	ck_assert_int_eq(uvp_definition_find("web2", &found, NULL), -UVP_E_NOT_FOUND);
	ck_assert(!there("names/", "web2"));
	ck_assert_int_eq(uvp_definition_clone(NULL, &web, "web2", NULL, 0, 0, NULL, NULL, NULL), 0);
}
END_TEST

/* What a clone leaves that was killed after its image had its name: only what is certainly its own goes. */
START_TEST(killed_clone_is_undone_by_the_next_change)
{
	static const char uuid[] = "12345678-1234-4321-8888-1234567890ab";
	char mine[128], others[128], temporary[PATH_MAX], journal[PATH_MAX], text[300];

	define("db", "");
	snprintf(mine, sizeof(mine), "%s/mine.img", dir);
	snprintf(others, sizeof(others), "%s/others.img", dir);
	ck_assert_int_eq(uvpi_journal_temporary(mine, uuid, 0, temporary), 0);
	make_image(temporary);
	ck_assert_int_eq(link(temporary, mine), 0);
	make_image(others);
	snprintf(text, sizeof(text), "%s\n%s\n", mine, others);
	uvpi_def_path(journal, "/clones/%s", uuid);
	ck_assert_int_eq(uvpi_def_write(journal, text, strlen(text), NULL), 0);
	define("web", "");
	ck_assert_int_lt(access(mine, F_OK), 0);
	ck_assert_int_lt(access(temporary, F_OK), 0);
	ck_assert_int_lt(access(journal, F_OK), 0);
	ck_assert_int_eq(access(others, F_OK), 0);
}
END_TEST

START_TEST(journal_of_a_living_clone_is_left_alone)
{
	static const char uuid[] = "12345678-1234-4321-8888-1234567890ab";
	char journal[PATH_MAX];
	int fd;

	define("db", "");
	uvpi_def_path(journal, "/clones/%s", uuid);
	ck_assert_int_eq(uvpi_def_write(journal, "/x\n", 3, NULL), 0);
	fd = open(journal, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	define("web", "");
	ck_assert_int_eq(access(journal, F_OK), 0);
	close(fd);
	define("web", "vcpus = 2\n");
	ck_assert_int_lt(access(journal, F_OK), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, defined_and_found_by_name_and_uuid);
	tcase_add_test(tcase, same_again_changes_nothing_and_other_is_a_revision);
	tcase_add_test(tcase, name_of_another_definition_is_refused);
	tcase_add_test(tcase, renamed_gives_the_old_name_up);
	tcase_add_test(tcase, change_of_an_older_revision_is_refused);
	tcase_add_test(tcase, torn_file_is_reported_left_alone_and_hides_nobody);
	tcase_add_test(tcase, folder_copied_by_hand_is_reported);
	tcase_add_test(tcase, links_that_are_left_over_mean_nothing);
	tcase_add_test(tcase, removed_leaves_nothing);
	tcase_add_test(tcase, newest_revisions_are_kept);
	tcase_add_test(tcase, one_name_for_one_of_two_processes);
	tcase_add_test(tcase, autostart_lines);
	tcase_add_test(tcase, driver_domains_are_kept_by_what_outlives_a_boot);
	tcase_add_test(tcase, settings_without_quotes_and_back_to_default);
	tcase_add_test(tcase, clone_has_its_own_disk_and_address);
	tcase_add_test(tcase, cancelled_clone_leaves_nothing);
	tcase_add_test(tcase, killed_clone_is_undone_by_the_next_change);
	tcase_add_test(tcase, journal_of_a_living_clone_is_left_alone);
}

UNIT_MAIN("define", add_tests);
