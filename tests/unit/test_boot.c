/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boot order: its texts, both formats, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/boot.h>

#include "config/boot.h"
#include "core/num.h"
#include "tests/unit/unit.h"

#define DEVICES "disk=['/a,raw,xvda,rw','/b,raw,xvdb,rw','/c.iso,raw,hdc,ro,cdrom']\nvif=['bridge=br0','bridge=br1']\n"
#define HVM "name='g'\ntype='hvm'\nmemory=16\n" DEVICES
#define PV "name='g'\ntype='pv'\nmemory=16\nbootloader='pvgrub'\n" DEVICES

static char warned[1000];

static void warn(void *data, const char *where, const char *text)
{
	size_t len = strlen(warned);

	snprintf(warned + len, sizeof(warned) - len, "%s\n", text);
}

static struct uvp_config *parse(const char *base, const char *more)
{
	struct uvp_config *config;
	struct uvp_error err = UVP_ERROR_INIT;
	char text[2000];

	warned[0] = '\0';
	snprintf(text, sizeof(text), "%s%s\n", base, more);
	if (uvp_config_parse("t", text, strlen(text), NULL, 0, warn, NULL, &config, &err) < 0)
		ck_abort_msg("%s: %s", more, err.message);
	return config;
}

/* What the key holds, through XML and xl.cfg and back. */
static void expect_kept(const char *base, const char *boot, const char *xml_has)
{
	_cleanup_config_ struct uvp_config *config = parse(base, boot), *from_xml = NULL, *from_xl = NULL;
	_cleanup_free_ char *xml = NULL, *xl = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvp_config_write_xml(config, &xml, &err), 0);
	ck_assert_int_eq(uvp_config_write_xlcfg(config, &xl, &err), 0);
	ck_assert_msg(strstr(xml, xml_has) != NULL, "no '%s' in %s", xml_has, xml);
	if (uvp_config_parse("t", xml, strlen(xml), NULL, 0, NULL, NULL, &from_xml, &err) < 0)
		ck_abort_msg("%s\n%s", err.message, xml);
	ck_assert_int_eq(uvp_config_parse("t", xl, strlen(xl), NULL, 0, NULL, NULL, &from_xl, &err), 0);
	ck_assert_msg(uvpi_config_equal(config, from_xml), "XML lost something:\n%s", xml);
	ck_assert_msg(uvpi_config_equal(config, from_xl), "xl.cfg lost something:\n%s", xl);
}

START_TEST(letters_and_words_are_one_list)
{
	static const struct {
		const char *text, *kept, *words;
	} cases[] = {
		{ "dcn", "dcn", "cdrom,disk,network" },
		{ "cdrom,disk,network", "dcn", "cdrom,disk,network" },
		{ "cc", "c", "disk" },
		{ "hd, cdrom", "cd", "disk,cdrom" },
		{ "xvdb,vif1,cdrom", "xvdb,vif1,cdrom", "xvdb,vif1,cdrom" },
		{ "hdc", "hdc", "hdc" },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		struct uvpi_boot boot;
		_cleanup_free_ char *text = NULL, *words = NULL;

		ck_assert_int_eq(uvpi_boot_parse(cases[i].text, &boot, NULL), 0);
		text = uvpi_boot_text(&boot);
		words = uvpi_boot_words(&boot);
		ck_assert_str_eq(text, cases[i].kept);
		ck_assert_str_eq(words, cases[i].words);
	}
}
END_TEST

START_TEST(what_does_not_boot_is_refused)
{
	static const char *const bad[] = { "x", "cdx", "disk,disk", "disk,", ",", "xvda,xvda", "vif", "vifx", "vif65536", "usb0",
					   "tape", "xvdb;", "xvdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_boot boot;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(bad); i++)
		ck_assert_msg(uvpi_boot_parse(bad[i], &boot, &err) == -UVP_E_INVALID, "%s", bad[i]);
}
END_TEST

START_TEST(order_is_the_same_in_both_formats)
{
	expect_kept(HVM, "boot='dc'", "<boot dev='cdrom'/>\n    <boot dev='hd'/>");
	expect_kept(HVM, "boot='xvdb,vif1,hdc'", "<boot order='1'/>");
	expect_kept(HVM, "boot='xvdb,network'", "<uvp:key name='boot'>\"xvdb,network\"</uvp:key>");
	expect_kept(HVM, "boot='xvdz'", "<uvp:key name='boot'>\"xvdz\"</uvp:key>");
	expect_kept(PV, "boot='xvdb,xvda'", "<boot order='2'/>");
	expect_kept(HVM, "boot_once='n'", "<uvp:key name='boot_once'>\"n\"</uvp:key>");
}
END_TEST

START_TEST(orders_of_elements_are_sorted)
{
	static const char text[] =
		"<domain type='xen'><name>g</name><memory unit='MiB'>16</memory><os><type>hvm</type></os><devices>"
		"<disk type='file' device='disk'><source file='/a'/><target dev='hda'/><boot order='3'/></disk>"
		"<disk type='file' device='disk'><source file='/b'/><target dev='hdb'/></disk>"
		"<interface type='bridge'><source bridge='b'/></interface>"
		"<interface type='bridge'><source bridge='b'/><boot order='1'/></interface></devices></domain>";
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	char both[1000];
	char *at;

	ck_assert_int_eq(uvp_config_parse("t", text, strlen(text), NULL, 0, NULL, NULL, &config, &err), 0);
	ck_assert_str_eq(uvpi_config_extra_get(config, "boot")->value, "\"vif1,hda\"");
	/* two with one number, and both kinds at once */
	snprintf(both, sizeof(both), "%s", text);
	*strchr(strstr(both, "order='3'"), '3') = '1';
	uvp_config_free(config);
	config = NULL;
	ck_assert_int_eq(uvp_config_parse("t", both, strlen(both), NULL, 0, NULL, NULL, &config, &err), -UVP_E_INVALID);
	ck_assert_msg(strstr(err.message, "order='1' was given before") != NULL, "%s", err.message);
	at = strstr(text, "</os>");
	snprintf(both, sizeof(both), "%.*s<boot dev='hd'/>%s", (int)(at - text), text, at);
	ck_assert_int_eq(uvp_config_parse("t", both, strlen(both), NULL, 0, NULL, NULL, &config, &err), -UVP_E_INVALID);
	ck_assert_msg(strstr(err.message, "<os><boot dev=> is given, too") != NULL, "%s", err.message);
}
END_TEST

START_TEST(devices_of_an_order)
{
	_cleanup_config_ struct uvp_config *config = parse(HVM, "boot='xvdb,network,disk'\nboot_once='d'");
	struct uvp_boot_order order;

	ck_assert_int_eq(uvp_config_boot_order(config, &order, NULL), 0);
	ck_assert_str_eq(order.order, "xvdb,network,disk");
	ck_assert_str_eq(order.once, "cdrom");
	ck_assert_uint_eq(order.n_devices, 1);
	ck_assert_str_eq(order.devices[0].name, "hdc");
	uvp_boot_order_free(&order);
	uvpi_config_extra_drop(config, "boot_once");
	uvpi_config_extra_drop(config, "no-such-key");
	ck_assert_int_eq(uvp_config_boot_order(config, &order, NULL), 0);
	ck_assert_ptr_null(order.once);
	ck_assert_uint_eq(order.n_devices, 4);
	ck_assert_str_eq(order.devices[0].name, "xvdb");
	ck_assert_str_eq(order.devices[2].name, "vif1");
	ck_assert_str_eq(order.devices[3].name, "xvda");
	uvp_boot_order_free(&order);
	ck_assert_int_eq(uvpi_boot_index(config, &config->disks[0], NULL), 4);
	ck_assert_int_eq(uvpi_boot_index(config, &config->disks[2], NULL), 0);
	ck_assert_int_eq(uvpi_boot_index(config, NULL, &config->vifs[1]), 3);
}
END_TEST

START_TEST(two_names_that_linux_takes_for_one_are_warned_about)
{
	static const char base[] = "name='g'\ntype='hvm'\nmemory=16\n";

	uvp_config_free(parse(base, "disk=['/a,raw,hda,w','/b,raw,sda,w']"));
	ck_assert_str_eq(warned, "disk: 'hda' and 'sda' are both xvda for a Linux guest, which will use only one of them\n");
	uvp_config_free(parse(base, "disk=['/a,raw,hda,w','/b,raw,xvda1,w','/c,,hdb,cdrom','/d,raw,xvdb,w']"));
	ck_assert_str_eq(warned, "");
}
END_TEST

START_TEST(one_address_twice_on_a_network_is_warned_about)
{
	static const char base[] = "name='g'\ntype='hvm'\nmemory=16\n";

	uvp_config_free(parse(base, "vif=['mac=00:16:3E:00:00:01','','mac=00:16:3e:00:00:01,bridge=xenbr0,backend=0']"));
	ck_assert_str_eq(warned, "vif: interfaces 0 and 2 have the same mac=00:16:3e:00:00:01 on one network, whose frames for it reach "
				 "one of them\n");
	uvp_config_free(parse(base, "vif=['mac=00:16:3e:00:00:01','mac=00:16:3e:00:00:01,bridge=b','mac=00:16:3e:00:00:01,vlan=5',"
				    "'mac=00:16:3e:00:00:02','','']"));
	ck_assert_str_eq(warned, "");
}
END_TEST

START_TEST(a_name_of_nothing_is_warned_about)
{
	uvp_config_free(parse(HVM, "boot='xvdc,disk'"));
	ck_assert_str_eq(warned, "boot: there is no disk 'xvdc' in its configuration\n");
	uvp_config_free(parse("name='g'\nkernel='/k'\nmemory=4\n", "boot_once='c'"));
	ck_assert_str_eq(warned, "'boot_once' has no meaning for a pv guest and is ignored\n");
}
END_TEST

START_TEST(no_network_for_pv)
{
	_cleanup_config_ struct uvp_config *config = parse(PV, "boot='cn'"), *kernel = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_boot boot;

	ck_assert_int_eq(uvp_config_check_supported(config, &err), -UVP_E_UNSUPPORTED);
	ck_assert_msg(strstr(err.message, "cannot boot from the network") != NULL, "%s", err.message);
	uvpi_boot_parse("vif0", &boot, NULL);
	ck_assert_int_eq(uvpi_boot_check(config, &boot, &err), -UVP_E_UNSUPPORTED);
	uvpi_boot_parse("xvdb,cdrom", &boot, NULL);
	ck_assert_int_eq(uvpi_boot_check(config, &boot, &err), 0);
	kernel = parse("name='g'\nkernel='/k'\nmemory=4\n", "");
	ck_assert_int_eq(uvpi_boot_check(kernel, &boot, &err), -UVP_E_UNSUPPORTED);
	uvp_config_free(kernel);
	kernel = parse(HVM, "bios='ovmf'\nboot='c'");
	uvpi_boot_parse("network,xvdb", &boot, NULL);
	ck_assert_int_eq(uvpi_boot_check(kernel, &boot, &err), 0);
}
END_TEST

START_TEST(who_loads_is_told_by_the_configuration)
{
	static const struct {
		const char *lines;
		enum uvpi_loader loader;
	} cases[] = {
		{ "type='hvm'", UVPI_LOADER_FIRMWARE },
		{ "kernel='/boot/vmlinuz'", UVPI_LOADER_NONE },
		{ "kernel='/usr/lib/grub-xen/grub-x86_64-xen.bin'", UVPI_LOADER_PVGRUB },
		{ "type='pvh'\nkernel='/x/grub-i386-xen_pvh.bin'", UVPI_LOADER_PVGRUB },
		{ "bootloader='pvgrub'", UVPI_LOADER_PVGRUB },
		{ "bootloader='pygrub'", UVPI_LOADER_PROGRAM },
		{ "kernel='/k'\nbootloader='pygrub'", UVPI_LOADER_NONE },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		_cleanup_config_ struct uvp_config *config = parse("name='g'\nmemory=4\n", cases[i].lines);

		ck_assert_msg(uvpi_config_loader(config) == cases[i].loader, "%s", cases[i].lines);
	}
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, letters_and_words_are_one_list);
	tcase_add_test(tcase, what_does_not_boot_is_refused);
	tcase_add_test(tcase, order_is_the_same_in_both_formats);
	tcase_add_test(tcase, orders_of_elements_are_sorted);
	tcase_add_test(tcase, devices_of_an_order);
	tcase_add_test(tcase, two_names_that_linux_takes_for_one_are_warned_about);
	tcase_add_test(tcase, one_address_twice_on_a_network_is_warned_about);
	tcase_add_test(tcase, a_name_of_nothing_is_warned_about);
	tcase_add_test(tcase, no_network_for_pv);
	tcase_add_test(tcase, who_loads_is_told_by_the_configuration);
}

UNIT_MAIN("boot", setup);
