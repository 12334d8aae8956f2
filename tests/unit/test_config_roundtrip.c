/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one format says, the other says too: reading what was written gives an equal configuration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/model.h"
#include "tests/unit/unit.h"

static struct uvp_config *parse(const char *text)
{
	struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_config_parse("t", text, strlen(text), NULL, 0, NULL, NULL, &config, &err) < 0)
		ck_abort_msg("%s\n%s", err.message, text);
	return config;
}

static void same_after(const struct uvp_config *config,
		       int (*write)(const struct uvp_config *, char **, struct uvp_error *))
{
	_cleanup_config_ struct uvp_config *again = NULL;
	_cleanup_free_ char *text = NULL, *text_again = NULL;

	ck_assert_int_eq(write(config, &text, NULL), 0);
	again = parse(text);
	ck_assert_msg(uvpi_config_equal(config, again), "not equal after:\n%s", text);
	ck_assert_int_eq(write(again, &text_again, NULL), 0);
	ck_assert_str_eq(text, text_again);
}

static void round_trip(const char *text)
{
	_cleanup_config_ struct uvp_config *config = parse(text);

	same_after(config, uvp_config_write_xlcfg);
	same_after(config, uvp_config_write_xml);
}

#define BASE "name='g'\nkernel='/k'\nmemory=4\n"

START_TEST(defaults_are_left_out)
{
	_cleanup_config_ struct uvp_config *config = parse(BASE);
	_cleanup_free_ char *text = NULL, *xml = NULL;

	round_trip(BASE);
	ck_assert_int_eq(uvp_config_write_xlcfg(config, &text, NULL), 0);
	ck_assert_str_eq(text,
			 "name = \"g\"\ntype = \"pv\"\nmemory = 4\nvcpus = 1\nkernel = \"/k\"\n");
	ck_assert_int_eq(uvp_config_write_xml(config, &xml, NULL), 0);
	ck_assert_str_eq(xml, "<domain type='xen' xmlns:uvp='urn:uvp:domain:1'>\n"
			      "  <name>g</name>\n"
			      "  <memory unit='KiB'>4096</memory>\n"
			      "  <vcpu>1</vcpu>\n"
			      "  <os>\n"
			      "    <type arch='x86_64' machine='xenpv'>linux</type>\n"
			      "    <kernel>/k</kernel>\n"
			      "  </os>\n"
			      "  <on_poweroff>destroy</on_poweroff>\n"
			      "  <on_reboot>restart</on_reboot>\n"
			      "  <on_crash>destroy</on_crash>\n"
			      "</domain>\n");
}
END_TEST

START_TEST(every_honoured_key_survives)
{
	round_trip(
		"name='g'\ntype='pvh'\nkernel='/k'\nramdisk='/r'\ncmdline=' a  <b> &amp; \"c\" "
		"\\'d\\' \\n\\t\\r e '\n"
		"title='T "
		"<\\'>'\ndescription='two\\nlines\\r\\n'\nmemory=64\nmaxmem=128\nvcpus=2\nmaxvcpus="
		"4\n"
		"uuid='0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'\nnuma_nodes='0-1,3'\npool='p'\ncpu_weight=1\ncap=400\nhap="
		"1\n"
		"shadow_memory=3\ntsc_mode='always_emulate'\ntimer_mode='no_missed_ticks_pending'\n"
		"max_grant_frames=0\nmax_maptrack_frames=7\nmax_grant_version=2\nmax_event_"
		"channels=1\n"
		"nomigrate=1\nvpmu=1\nmsr_relaxed=1\nvmtrace_buf_kb=8\ndriver_domain=1\n"
		"xend_suspend_evtchn_compat=1\nseclabel='a:b'\ninit_seclabel='c'\non_poweroff='"
		"restart'\n"
		"on_reboot='preserve'\non_crash='coredump-destroy'\non_watchdog='rename-restart'\n"
		"on_soft_reset='preserve'\ncpuid='host,family=22,model=0x1f,aes=0,avx2=k,rsba=1'"
		"\n");
}
END_TEST

START_TEST(cpu_lists_survive_in_every_form)
{
	static const char *const forms[] = { "'0-3,^2'",	 "'all'",      "'nodes:0,^3'",
					     "['0', '1']",	 "[0, 1, 2]",  "['all','1']",
					     "'all,^0'",	 "['node:1']", "[ ]",
					     "['0-1', '4,6,^6']" };
	char text[200];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(forms); i++) {
		snprintf(text, sizeof(text), BASE "vcpus=4\ncpus=%s\ncpus_soft=%s\n", forms[i],
			 forms[i]);
		round_trip(text);
	}
}
END_TEST

START_TEST(a_cap_in_megahertz_survives)
{
	round_trip(BASE "cap='1200MHz'\n");
	round_trip(BASE "cap='250%'\nvcpus=3\n");
}
END_TEST

START_TEST(cpuid_lists_survive)
{
	round_trip(BASE "cpuid=['1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0', "
			"'0x7,0:ebx=0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,"
			"ecx=kkkkkkkkkkkkkkkkssssssssssssssss']\n");
}
END_TEST

/* In libvirt's elements, or all of a kind in the key's own syntax. */
START_TEST(disks_survive)
{
	static const struct {
		const char *list;
		bool elements;
	} disks[] = {
		{ "'/dev/vg/a,raw,xvda,rw'", true },
		{ "'/img,,xvda,w!', 'format=qcow2,vdev=hdc,access=ro,devtype=cdrom,target=/i, j.iso'", true },
		{ "'vhd:/x <&\\'>.vhd,xvdb,r', 'raw,,hdd:cdrom,r'", true },
		{ "'vdev=51728,backendtype=phy,script=block-x,backend=storage,target=/dev/x'", true },
		{ "'vdev=xvda,backendtype=qdisk,target=/x', 'vdev=xvdb,target=/y'", true },
		{ "'vdev=xvda,target=/x', 'vdev=xvdb,direct-io-safe,target=/y'", false },
		{ "'vdev=xvda,no-discard,untrusted,target=/x'", false },
		{ "'vdev=vda,specification=virtio,target=/x'", false },
		{ "'vdev=hdc,cdrom,access=rw,target=/x'", false },
		{ " ", false },
	};
	char text[600];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(disks); i++) {
		_cleanup_config_ struct uvp_config *config = NULL;
		_cleanup_free_ char *xml = NULL;

		snprintf(text, sizeof(text), BASE "disk=[%s]\n", disks[i].list);
		round_trip(text);
		config = parse(text);
		ck_assert_int_eq(uvp_config_write_xml(config, &xml, NULL), 0);
		ck_assert_msg(disks[i].elements == (strstr(xml, "<disk ") != NULL), "%s", xml);
		ck_assert_msg(disks[i].elements == (strstr(xml, "name='disk'") == NULL), "%s", xml);
	}
}
END_TEST

START_TEST(interfaces_survive)
{
	static const struct {
		const char *list;
		bool elements;
	} vifs[] = {
		{ "''", true },
		{ "'bridge=xenbr0, mac=00:16:3e:01:02:03', 'rate=100KB/s,model=e1000'", true },
		{ "'type=vif,vifname=web0,mtu=9000,ip=10.0.0.1 10.0.0.2,backend=net,script=vif-x'", true },
		{ "'bridge=b,vlan=7', 'bridge=b,trunk=1/2/3,vlan=4', 'trunk=9'", true },
		{ "'bridge=b,trunk=1-3'", false },
		{ "'bridge=b', 'bridge=c,rate=1MB/s@20ms'", false },
		{ "'devid=3,bridge=b,untrusted'", false },
		{ "'type=ioemu,model=rtl8139'", false },
		{ "'script=vif-route,gatewaydev=eth0'", false },
	};
	char text[600];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(vifs); i++) {
		_cleanup_config_ struct uvp_config *config = NULL;
		_cleanup_free_ char *xml = NULL;

		snprintf(text, sizeof(text), BASE "vif=[%s]\n", vifs[i].list);
		round_trip(text);
		config = parse(text);
		ck_assert_int_eq(uvp_config_write_xml(config, &xml, NULL), 0);
		ck_assert_msg(vifs[i].elements == (strstr(xml, "<interface ") != NULL), "%s", xml);
		ck_assert_msg(vifs[i].elements == (strstr(xml, "name='vif'") == NULL), "%s", xml);
	}
}
END_TEST

START_TEST(clocks_survive)
{
	round_trip(BASE "localtime=1\n");
	round_trip(BASE "rtc_timeoffset=\"-7200\"\n");
	round_trip(BASE "localtime=1\nrtc_timeoffset=2147483647\n");
}
END_TEST

/* A value that each kept key accepts. */
static void example(const struct uvpi_key *key, char *text, size_t size)
{
	static const struct {
		const char *key, *value;
	} special[] = {
		{ "disk", "[ '/dev/vg/a,raw,xvda,rw', "
			  "'format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/a,b.iso' ]" },
		{ "vif", "[ '', 'mac=00:16:3e:01:02:03,bridge=br0,rate=10MB/s@20ms' ]" },
		{ "pci", "[ '03:00.0', '0000:03:00.1@5,permissive=1', 'name=x' ]" },
		{ "rdm", "'strategy=host,policy=strict'" },
		{ "vtpm", "[ 'backend=dom' ]" },
		{ "p9", "[ 'tag=t,security_model=none,path=/x' ]" },
		{ "pvcalls", "[ 'backend=0' ]" },
		{ "vfb", "[ 'vnc=1,vncdisplay=3' ]" },
		{ "vkb", "[ 'backend-type=qemu' ]" },
		{ "channel", "[ 'connection=socket,name=a,path=/x' ]" },
		{ "usbctrl", "[ 'type=auto,version=2,ports=8' ]" },
		{ "usbdev", "[ 'type=hostdev,hostbus=1,hostaddr=3' ]" },
		{ "vdispl", "[ 'backend=0,connectors=id0:1920x1080;id1:800x600' ]" },
		{ "vsnd", "[ [ 'card, short-name=Main', 'pcm, name=dev1', 'stream, unique-id=1, "
			  "type=P' ] ]" },
		{ "vnuma", "[ [ 'pnode=0', 'size=4', 'vcpus=0-3', 'vdistances=10,20' ] ]" },
		{ "ioports", "[ '2f8-2ff', '3e0' ]" },
		{ "iomem", "[ 'fe000,1', 'fe001,2@100' ]" },
		{ "irqs", "[ 5, '6' ]" },
		{ "viridian", "[ 'base', '!freq' ]" },
		{ "mca_caps", "[ 'lmce' ]" },
		{ "boot", "'dcn'" },
		{ "boot_once", "'xvda,network'" },
		{ "gfx_passthru", "'igd'" },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(special); i++)
		if (!strcmp(special[i].key, key->key)) {
			snprintf(text, size, "%s", special[i].value);
			return;
		}
	if (key->type == KEY_ENUM)
		snprintf(text, size, "'%s'", key->names[0]);
	else if (key->type == KEY_LIST)
		snprintf(text, size, "[ 'a \"b\" <c>', '' ]");
	else if (key->type == KEY_STRING || key->type == KEY_STRINGS)
		snprintf(text, size, "'a \"b\" <c>&'");
	else if (key->type == KEY_BOOL)
		snprintf(text, size, "1");
	else
		snprintf(text, size, "\"%lld\"", (long long)key->min);
}

START_TEST(every_kept_key_survives)
{
	char value[400], text[600];
	int n = 0;

	for (int i = 0; i < uvpi_n_keys; i++) {
		if (uvpi_keys[i].status != KEY_KEPT)
			continue;
		example(&uvpi_keys[i], value, sizeof(value));
		snprintf(text, sizeof(text), "name='g'\n%smemory=4\ntype='%s'\n%s=%s\n",
			 strcmp(uvpi_keys[i].key, "firmware") ? "kernel='/k'\n" : "",
			 uvpi_keys[i].types & KEY_FOR_PV    ? "pv"
			 : uvpi_keys[i].types & KEY_FOR_PVH ? "pvh"
							    : "hvm",
			 uvpi_keys[i].key, value);
		round_trip(text);
		n++;
	}
	ck_assert_int_gt(n, 90);
}
END_TEST

/* The schema must take all that the program writes. */
static void use_schema(void)
{
	const char *source = getenv("top_srcdir");
	char path[4096];

	snprintf(path, sizeof(path), "%s/libuvp/config", source ? source : "..");
	ck_assert_int_eq(setenv("UVP_DATADIR", path, 1), 0);
}

START_TEST(the_schema_is_used)
{
	static const char text[] = "<domain type='xen'><name>g</name><memory>4096</memory>"
				   "<os><type>linux</type><kernel>/k</kernel></os>\n"
				   "<v:vpmu xmlns:v='urn:uvp:domain:1'>01</v:vpmu></domain>";
	struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(
		uvp_config_parse("t", text, strlen(text), NULL, 0, NULL, NULL, &config, &err),
		-UVP_E_INVALID);
	ck_assert_msg(strstr(err.message, "t:2:1: <vpmu> does not fit the schema: ") == err.message,
		      "%s", err.message);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, use_schema, NULL);
	tcase_add_test(tc, the_schema_is_used);
	tcase_add_test(tc, defaults_are_left_out);
	tcase_add_test(tc, every_honoured_key_survives);
	tcase_add_test(tc, cpu_lists_survive_in_every_form);
	tcase_add_test(tc, a_cap_in_megahertz_survives);
	tcase_add_test(tc, cpuid_lists_survive);
	tcase_add_test(tc, disks_survive);
	tcase_add_test(tc, interfaces_survive);
	tcase_add_test(tc, clocks_survive);
	tcase_add_test(tc, every_kept_key_survives);
}
UNIT_MAIN("config_roundtrip", add_tests);
