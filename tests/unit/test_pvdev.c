/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a configuration says about the devices that a QEMU serves to PV and PVH guests. */
#include "config/pvdev.h"

#include <string.h>

#include "config/model.h"
#include "dm/dm.h"
#include "stream/file.h"
#include "tests/unit/unit.h"

static int fill_as(const char *type, const char *lines, struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	char text[1024];
	struct uvp_config *config = NULL;
	const char *key;
	int r;

	snprintf(text, sizeof(text), "name='g'\ntype='%s'\nkernel='/k'\n%s\n", type, lines);
	r = uvp_config_parse("g.cfg", text, strlen(text), NULL, 0, NULL, NULL, &config, err);
	ck_assert_msg(r == 0, "%s", err->message);
	r = uvpi_pvdevs_fill(config, devs, &key, err);
	uvp_config_free(config);
	return r;
}

static int fill(const char *lines, struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	return fill_as("pv", lines, devs, err);
}

START_TEST(a_guest_without_such_devices_needs_no_qemu)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_pvdevs devs;

	ck_assert_int_eq(fill("vnc=0\nvfb=[]\np9=[]", &devs, &err), 0);
	ck_assert(!uvpi_pvdevs_any(&devs));
	ck_assert(uvpi_pvdevs_honours(&devs, "vfb") && !uvpi_pvdevs_honours(&devs, "device_model_override"));
	uvpi_pvdevs_done(&devs);
}
END_TEST

START_TEST(a_screen_brings_a_keyboard)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_pvdevs devs;

	ck_assert_int_eq(fill("vfb=['vnclisten=::1,keymap=de']\nvkb=['backend-type=qemu,unique-id=u,width=640']", &devs,
			      &err), 0);
	ck_assert(devs.has_screen && devs.vnc.on && devs.vnc.unused && devs.vnc.display == -1);
	ck_assert_str_eq(devs.keymap, "de");
	ck_assert_int_eq(devs.n_vkbs, 2);
	ck_assert_uint_eq(devs.vkbs[1].devid, 1);
	ck_assert_uint_eq(devs.vkbs[1].width, 640);
	uvpi_pvdevs_done(&devs);
}
END_TEST

START_TEST(keys_outside_of_vfb_are_for_pv_guests_without_one)
{
	static const char lines[] = "vnc=1\nvncdisplay=7\nvncunused=0\nvnclisten='0.0.0.0'";
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_pvdevs devs;

	ck_assert_int_eq(fill(lines, &devs, &err), 0);
	ck_assert(devs.has_screen && !devs.vnc.unused && devs.vnc.display == 7);
	ck_assert_str_eq(devs.vnc.listen, "0.0.0.0");
	uvpi_pvdevs_done(&devs);
	ck_assert_int_eq(fill_as("pvh", lines, &devs, &err), 0);
	ck_assert(!devs.has_screen);
	uvpi_pvdevs_done(&devs);
}
END_TEST

START_TEST(folders_and_channels_are_numbered)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_pvdevs devs;

	ck_assert_int_eq(fill("p9=['tag=a,security_model=none,path=/srv/a','tag=b,security_model=none,path=/srv/b']\n"
			      "channel=['connection=pty,name=x','connection=SOCKET,name=y,path=/run/y']",
			      &devs, &err), 0);
	ck_assert_int_eq(devs.n_shares, 2);
	ck_assert_uint_eq(devs.shares[1].devid, 1);
	ck_assert_str_eq(devs.shares[1].path, "/srv/b");
	ck_assert_int_eq(devs.n_channels, 2);
	ck_assert_uint_eq(devs.channels[0].devid, 1); /* 0 is the console itself */
	ck_assert(!devs.channels[0].path);
	ck_assert_str_eq(devs.channels[1].path, "/run/y");
	uvpi_pvdevs_done(&devs);
}
END_TEST

static const struct {
	const char *lines, *says;
} bad[] = {
	{ "vfb=['vnc=1','vnc=1']", "one screen at most" },
	{ "vfb=['sdl=1']", "no window to draw in" },
	{ "vnc=0\nsdl=1", "no window to draw in" },
	{ "vfb=['vnclisten=unix:x']", "no absolute path" },
	{ "vkb=['backend-type=linux']", "displ_be" },
	{ "vkb=['backend-type=qemu,feature-multi-touch=1']", "no touch screens" },
	{ "vkb=['backend-type=qemu,feature-raw-pointer=0']", "QEMU offers it to every guest" },
	{ "p9=['tag=a,security_model=none,path=srv']", "'srv' is not absolute" },
	{ "p9=['tag=a,security_model=none,path=/']", "whole root folder" },
	{ "p9=['tag=a,security_model=none,path=/dev/shm']", "'/dev' is not shared" },
	{ "p9=['tag=a,security_model=none,path=/a','tag=a,security_model=none,path=/b']", "two folders have the tag 'a'" },
	{ "p9=['tag=a,security_model=none,path=/a,backend=other']", "have back ends in other domains" },
	{ "channel=['connection=pty,name=a','connection=pty,name=a']", "two channels have the name 'a'" },
	{ "channel=['connection=socket,name=a,path=/x','connection=socket,name=b,path=/x']", "the path '/x'" },
};

START_TEST(what_cannot_be_is_refused_with_the_reason)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_pvdevs devs;

	ck_assert_int_lt(fill(bad[_i].lines, &devs, &err), 0);
	ck_assert_msg(strstr(err.message, bad[_i].says), "'%s' gave '%s'", bad[_i].lines, err.message);
}
END_TEST

static const struct {
	struct uvpi_vnc vnc;
	const char *argument;
} vncs[] = {
	{ { .on = false, .display = -1 }, "none" },
	{ { .on = true, .unused = true, .display = -1 }, "127.0.0.1:0,to=99" },
	{ { .on = true, .unused = true, .display = 3, .listen = "0.0.0.0" }, "0.0.0.0:3" },
	{ { .on = true, .display = -1, .listen = "::1" }, "[::1]:0" },
	{ { .on = true, .display = -1, .listen = "10.0.0.1:5" }, "10.0.0.1:5" },
	{ { .on = true, .display = -1, .listen = "unix:/run/s", .password = "x" }, "unix:/run/s,password=on" },
};

START_TEST(the_screen_listens_where_it_was_told)
{
	struct uvpi_qemu qemu = { .pid = -1 };

	ck_assert_int_eq(uvpi_dm_vnc_arg(&qemu, &vncs[_i].vnc, NULL), 0);
	ck_assert_int_eq(qemu.n_sockets, strncmp(vncs[_i].argument, "unix:", 5) == 0);
	ck_assert_int_eq(qemu.n_args, 2);
	ck_assert_str_eq(qemu.args[1], vncs[_i].argument);
	uvpi_qemu_done(&qemu);
}
END_TEST

/* What another guest of the same saved one cannot have; NULL: it can. */
static const struct {
	const char *lines, *why;
} twins[] = {
	{ "vfb=['vnclisten=::1']\nchannel=['name=c,connection=pty']", NULL },
	{ "vnc=1\nvnclisten='[::1]'", NULL },
	{ "vnc=0\nvncdisplay=3", NULL },
	{ "channel=['name=a,connection=pty', 'name=c,connection=socket,path=/run/c']", "its channel 'c' is a socket at a given path" },
	{ "vfb=['vncdisplay=3']", "its screen is at a given display" },
	{ "vfb=['vncunused=0']", "its screen is at a given display" },
	{ "vnc=1\nvnclisten='10.0.0.1:5'", "its screen is at a given display" },
	{ "vnc=1\nvnclisten='unix:/run/s'", "its screen is at a given display" },
	{ "p9=['tag=t,path=/srv,security_model=none']", "it writes to the host's folder behind 't'" },
};

START_TEST(another_guest_of_a_saved_one_has_a_place_of_its_own)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_config *config = NULL;
	char text[1024];
	int r;

	snprintf(text, sizeof(text), "name='g'\ntype='pv'\nkernel='/k'\n%s\n", twins[_i].lines);
	r = uvp_config_parse("g.cfg", text, strlen(text), NULL, 0, NULL, NULL, &config, &err);
	ck_assert_msg(r == 0, "%s", err.message);
	r = uvpi_stream_as_new(config, &err);
	ck_assert_msg(r == (twins[_i].why ? -UVP_E_UNSUPPORTED : 0), "%s: %d %s", twins[_i].lines, r, err.message);
	if (twins[_i].why) {
		ck_assert_msg(strstr(err.message, twins[_i].why) != NULL, "%s", err.message);
		ck_assert(err.hint[0] != '\0');
	}
	uvp_config_free(config);
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, another_guest_of_a_saved_one_has_a_place_of_its_own, 0, (int)UVPI_ARRAY_SIZE(twins));
	tcase_add_test(tcase, a_guest_without_such_devices_needs_no_qemu);
	tcase_add_test(tcase, a_screen_brings_a_keyboard);
	tcase_add_test(tcase, keys_outside_of_vfb_are_for_pv_guests_without_one);
	tcase_add_test(tcase, folders_and_channels_are_numbered);
	tcase_add_loop_test(tcase, what_cannot_be_is_refused_with_the_reason, 0, (int)UVPI_ARRAY_SIZE(bad));
	tcase_add_loop_test(tcase, the_screen_listens_where_it_was_told, 0, (int)UVPI_ARRAY_SIZE(vncs));
}

UNIT_MAIN("pvdev", tests);
