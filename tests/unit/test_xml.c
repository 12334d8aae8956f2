/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/model.h"
#include "tests/unit/unit.h"

static char warnings[4096];

static void collect(void *data, const char *where, const char *text)
{
	size_t len = strlen(warnings);

	snprintf(warnings + len, sizeof(warnings) - len, "%s: %s\n", where, text);
}

/* Without the schema: the reader must be right on its own. */
static void no_schema(void)
{
	setenv("UVP_DATADIR", "/nonexistent", 1);
}

static struct uvp_config *parse(const char *text)
{
	struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	warnings[0] = '\0';
	if (uvp_config_parse("t", text, strlen(text), NULL, 0, collect, NULL, &config, &err) < 0)
		ck_abort_msg("%s", err.message);
	return config;
}

static struct uvp_error last_error;

static const char *error_of_text(const char *text)
{
	struct uvp_config *config = NULL;

	memset(&last_error, 0, sizeof(last_error));
	if (uvp_config_parse("t", text, strlen(text), NULL, 0, NULL, NULL, &config, &last_error) ==
	    0) {
		uvp_config_free(config);
		return "no error";
	}
	return last_error.message;
}

#define HEAD                                                                                       \
	"<domain type='xen' xmlns:uvp='urn:uvp:domain:1'>\n<name>g</name><memory "                 \
	"unit='MiB'>64</memory>\n"
#define OS "<os><type>linux</type><kernel>/k</kernel></os>\n"

/* The error of a good document with these elements on line 4. */
static const char *error_of(const char *elements)
{
	char text[4096];

	snprintf(text, sizeof(text), HEAD OS "%s</domain>", elements);
	return error_of_text(text);
}

static struct uvp_config *parse_with(const char *elements)
{
	char text[4096];

	snprintf(text, sizeof(text), HEAD OS "%s</domain>", elements);
	return parse(text);
}

static const char *extra(const struct uvp_config *config, const char *key)
{
	const struct uvpi_config_extra *found = uvpi_config_extra_get(config, key);

	return found ? found->value : "none";
}

START_TEST(what_libvirt_writes_is_understood)
{
	_cleanup_config_ struct uvp_config *c = parse(
		"<?xml version='1.0'?>\n<!-- a comment -->\n"
		"<domain type='xen' id='3'>\n  <name>web</name>\n  "
		"<uuid>0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9</uuid>\n"
		"  <title>T</title>\n  <description><![CDATA[a <b>]]> c</description>\n"
		"  <memory unit='GiB'>1</memory>\n  <currentMemory>524288</currentMemory>\n"
		"  <vcpu placement='static' cpuset='0-3,^2' current='1'>2</vcpu>\n"
		"  <os>\n    <type arch='x86_64' machine='xenpvh'>xenpvh</type>\n    "
		"<kernel>/k</kernel>\n"
		"    <initrd>/r</initrd>\n    <cmdline>root=/dev/xvda1 ro</cmdline>\n  </os>\n"
		"  <features><acpi/><hap state='off'/></features>\n"
		"  <clock offset='utc'><timer name='tsc' mode='native'/></clock>\n"
		"  <cpu mode='host-passthrough'><feature policy='disable' name='aes'/></cpu>\n"
		"  "
		"<on_poweroff>preserve</on_poweroff><on_reboot>destroy</"
		"on_reboot><on_crash>coredump-restart</on_crash>\n"
		"  <devices><console type='pty'><target type='xen' port='0'/></console>\n"
		"    <controller type='xenbus' index='0' maxGrantFrames='32' "
		"maxEventChannels='2047'/>\n"
		"    <memballoon model='xen'/></devices>\n"
		"</domain>\n");

	ck_assert_str_eq(warnings, "");
	ck_assert_str_eq(c->name, "web");
	ck_assert_str_eq(c->description, "a <b> c");
	ck_assert_int_eq(c->type, UVPI_TYPE_PVH);
	ck_assert_uint_eq(c->maxmem_kib, 1 << 20);
	ck_assert_uint_eq(c->memory_kib, 1 << 19);
	ck_assert_uint_eq(c->vcpus, 1);
	ck_assert_uint_eq(c->maxvcpus, 2);
	ck_assert_str_eq(c->cpus.text, "0-3,^2");
	ck_assert_str_eq(c->cmdline, "root=/dev/xvda1 ro");
	ck_assert(c->has_hap && !c->hap);
	ck_assert_uint_eq(c->tsc_mode, 2);
	ck_assert_str_eq(c->cpuid_text, "host,aes=0");
	ck_assert_int_eq(c->on_poweroff, UVPI_ACTION_PRESERVE);
	ck_assert_int_eq(c->max_grant_frames, 32);
	ck_assert_uint_eq(c->max_event_channels, 2047);
	ck_assert_int_eq(uvp_config_check_supported(c, NULL), 0);
}
END_TEST

START_TEST(cpu_modes_are_choices)
{
	static const struct {
		const char *xml, *policy, *cpuid;
	} cases[] = {
		{ "<cpu mode='host-passthrough'/>", NULL, NULL },
		{ "<cpu mode='host-model'/>", "default", NULL },
		{ "<cpu mode='maximum'/>", "maximum", NULL },
		{ "<cpu match='exact'><model fallback='forbid'> x86-64-v2 </model><feature policy='require' name='aes'/></cpu>",
		  "x86-64-v2", "host,aes=1" },
		{ "<uvp:cpu_policy>pool,-aes</uvp:cpu_policy>", "pool,-aes", NULL },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		_cleanup_config_ struct uvp_config *c = parse_with(cases[i].xml);

		ck_assert_pstr_eq(c->cpu_policy, cases[i].policy);
		ck_assert_pstr_eq(c->cpuid_text, cases[i].cpuid);
	}
}
END_TEST

START_TEST(devices_become_lists)
{
	_cleanup_config_ struct uvp_config *c = parse_with(
		"<devices><emulator>/usr/bin/qemu</emulator>"
		"<disk type='block' device='disk'><driver name='phy' type='raw'/><source "
		"dev='/dev/vg/a'/>"
		"<target dev='xvda' bus='xen'/></disk>"
		"<disk type='file' device='cdrom'><source file='/a,b.iso'/><target "
		"dev='hdc'/><readonly/></disk>"
		"<interface type='bridge'><mac address='00:16:3e:01:02:03'/><source bridge='br0'/>"
		"<model type='e1000'/></interface>"
		"<graphics type='vnc' port='5901' listen='0.0.0.0'/>"
		"<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
		"domain='0x0000' bus='0x03' "
		"slot='0x1f' function='0x2'/></source></hostdev></devices>");
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_str_eq(
		warnings,
		"t:4:10: <emulator>: ignored: the host's QEMU for Xen is taken; device_model_override= names another\n");
	ck_assert_str_eq(extra(c, "disk"),
			 "[ \"format=raw,vdev=xvda,access=rw,backendtype=phy,target=/dev/vg/a\", "
			 "\"format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/a,b.iso\" ]");
	ck_assert_str_eq(extra(c, "vif"), "[ \"mac=00:16:3e:01:02:03,bridge=br0,model=e1000\" ]");
	ck_assert_str_eq(extra(c, "vfb"),
			 "[ \"vnc=1,vnclisten=0.0.0.0,vncdisplay=1,vncunused=0\" ]");
	ck_assert_str_eq(extra(c, "pci"), "[ \"0000:03:1f.2,seize=1\" ]");
	ck_assert_msg(uvp_config_check_supported(c, &err) == 0, "%s", err.message);
}
END_TEST

START_TEST(screens_consoles_and_folders_of_pv_guests_become_lists)
{
	_cleanup_config_ struct uvp_config *c = parse_with(
		"<devices><graphics type='vnc' socket='/run/s'/>"
		"<console type='pty'><target type='xen' port='0'/></console>"
		"<console type='pty'><target type='xen' port='1'/></console>"
		"<channel type='unix'><source path='/run/c'/><target type='xen' name='c'/></channel>"
		"<filesystem type='mount'><source dir='/srv'/><target dir='tag'/></filesystem></devices>");
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_str_eq(extra(c, "vfb"), "[ \"vnc=1,vnclisten=unix:/run/s,vncunused=1\" ]");
	ck_assert_str_eq(extra(c, "channel"),
			 "[ \"connection=pty,name=console1\", \"connection=socket,name=c,path=/run/c\" ]");
	ck_assert_str_eq(extra(c, "p9"), "[ \"tag=tag,security_model=none,path=/srv\" ]");
	ck_assert_msg(uvp_config_check_supported(c, &err) == 0, "%s", err.message);
}
END_TEST

START_TEST(hvm_settings_become_keys)
{
	_cleanup_config_ struct uvp_config *c = parse(
		HEAD
		"<os><type arch='x86_64' "
		"machine='xenfv'>hvm</type><loader>/usr/lib/xen/boot/hvmloader</loader>"
		"<boot dev='cdrom'/><boot "
		"dev='hd'/></os><features><acpi/><pae/><viridian/></features>"
		"<clock offset='variable' adjustment='-3600' basis='localtime'><timer name='hpet' "
		"present='no'/></clock>"
		"<devices><graphics type='vnc' port='-1' autoport='yes' passwd='x'/>"
		"<video><model type='vga' vram='16384'/></video><input type='tablet' bus='usb'/>"
		"<serial type='pty'><target port='0'/></serial><sound "
		"model='ich6'/></devices></domain>");

	ck_assert_str_eq(warnings, "");
	ck_assert_str_eq(extra(c, "boot"), "\"dc\"");
	ck_assert(c->localtime && c->rtc_timeoffset == -3600);
	ck_assert_str_eq(extra(c, "hpet"), "0");
	ck_assert_str_eq(extra(c, "vncunused"), "1");
	ck_assert_str_eq(extra(c, "vga"), "\"stdvga\"");
	ck_assert_str_eq(extra(c, "videoram"), "16");
	ck_assert_str_eq(extra(c, "usbdevice"), "[ \"tablet\" ]");
	ck_assert_str_eq(extra(c, "serial"), "[ \"pty\" ]");
	ck_assert_str_eq(extra(c, "soundhw"), "\"hda\"");
}
END_TEST

START_TEST(own_elements_and_pins_are_read)
{
	_cleanup_config_ struct uvp_config *c =
		parse_with("<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' "
			   "cpuset='2-3'/></cputune>"
			   "<uvp:pool>p</uvp:pool><numatune><memory mode='strict' nodeset='0-1'/></numatune><uvp:cap>50</uvp:cap><uvp:cpus_soft>['nodes:0', "
			   "'all']</uvp:cpus_soft>"
			   "<uvp:key name='vnuma'>[ [ 'pnode=0' ] ]</uvp:key>");

	ck_assert_str_eq(c->cpus.text, "[ \"0\", \"2-3\" ]");
	ck_assert_int_eq(c->cpus.n, 2);
	ck_assert_str_eq(c->pool, "p");
	ck_assert_uint_eq(c->sched.cap, 50);
	ck_assert_str_eq(c->numa_nodes, "0-1");
	ck_assert_int_eq(c->cpus_soft.n, 2);
	ck_assert(uvpi_affinity_has_nodes(&c->cpus_soft));
	ck_assert_str_eq(extra(c, "vnuma"), "[ [ \"pnode=0\" ] ]");
}
END_TEST

START_TEST(memory_is_rounded_up_and_told)
{
	uvp_config_free(
		parse("<domain type='xen'><name>g</name>\n<memory unit='KB'>100000</memory>\n" OS
		      "</domain>"));
	ck_assert_str_eq(warnings,
			 "t:2:1: <memory>: rounded up to 96 MiB: memory is given in whole MiB\n");
}
END_TEST

START_TEST(errors_have_line_column_and_element)
{
	static const struct {
		const char *elements, *message;
	} cases[] = {
		{ "<vcpus/>", "t:4:1: <vcpus>: refused: single vCPUs cannot be chosen; <vcpu "
			      "current='N'> says how many are "
			      "online" },
		{ "  <vcpu\n  current='x'>1</vcpu>", "t:4:3: vcpus: 'x' is not a whole number" },
		{ "<vcpu>129</vcpu>", "t:4:1: vcpus: 129 is not within 1 to 128" },
		{ "<name>h</name>", "t:4:1: <name>: this was given before, at line 2" },
		{ "<featurez/>", "t:4:1: <featurez>: there is no such element in <domain>" },
		{ "<features><acpy/></features>",
		  "t:4:11: <acpy>: there is no such element in <features>" },
		{ "<features>yes</features>",
		  "t:4:1: <features>: text 'yes' stands where only elements are expected" },
		{ "<clock offset='mars'/>",
		  "t:4:1: <clock>: offset='mars' is none of: utc, localtime, variable" },
		{ "<clock ofset='utc'/>", "t:4:1: <clock>: there is no attribute 'ofset' here" },
		{ "<on_crash>explode</on_crash>",
		  "t:4:1: on_crash: 'explode' is none of: destroy, restart, rename-restart, "
		  "preserve, coredump-destroy, "
		  "coredump-restart, soft-reset" },
		{ "<on_crash><b/></on_crash>",
		  "t:4:11: <b>: no element is expected inside <on_crash>" },
		{ "<cpu mode='custom'/>", "t:4:1: <cpu>: mode='custom' and <model> come together" },
		{ "<cpu match='minimum'><model>x86-64-v2</model></cpu>",
		  "t:4:1: <cpu>: match='minimum': a guest has exactly what is asked for: only 'exact' is supported" },
		{ "<cpu mode='custom'><model>Haswell</model></cpu>",
		  "t:4:20: <model>: 'Haswell' is none of: x86-64-v1, x86-64-v2, x86-64-v3, x86-64-v4" },
		{ "<cpu mode='maximal'/>",
		  "t:4:1: <cpu>: mode='maximal' is none of: host-passthrough, host-model, maximum, custom" },
		{ "<cpu><feature name='aess'/></cpu>",
		  "t:4:1: cpuid: there is no CPU feature 'aess'" },
		{ "<cputune><vcpupin vcpu='1' cpuset='0'/></cputune>",
		  "t:4:10: <vcpupin>: vcpu='1' where vcpu='0' is expected: pins come in order, "
		  "from 0 on" },
		{ "<vcpu cpuset='1'>1</vcpu><cputune><vcpupin vcpu='0' cpuset='0'/></cputune>",
		  "t:4:35: 'cpus' was given before, at line 4" },
		{ "<devices><disk type='file'><source file='/a'/><target "
		  "dev='nvme0'/></disk></devices>",
		  "t:4:10: disk: 'format=raw,vdev=nvme0,access=rw,target=/a': vdev: 'nvme0' is no "
		  "virtual device like "
		  "xvda" },
		{ "<devices><rng/></devices>",
		  "t:4:10: <rng>: refused: no virtio devices are offered to Xen guests" },
		{ "<uvp:poool>a</uvp:poool>",
		  "t:4:1: <poool>: there is no such element in the namespace urn:uvp:domain:1" },
		{ "<uvp:name>a</uvp:name>",
		  "t:4:1: <name>: there is no such element in the namespace urn:uvp:domain:1" },
		{ "<numatune><memory mode='interleave' nodeset='0'/></numatune>",
		  "t:4:11: <memory>: mode='interleave' is none of: strict, preferred" },
		{ "<numatune><memory/></numatune>", "t:4:11: <memory>: expected nodeset='LIST' or placement='auto'" },
		{ "<numatune><memory nodeset='x'/></numatune>",
		  "t:4:11: numa_nodes: 'x' is no list of memory nodes" },
		{ "<uvp:cap>99999</uvp:cap>", "t:4:1: cap: 99999 is not within 0 to 12800" },
		{ "<uvp:key>1</uvp:key>",
		  "t:4:1: <key>: expected name='KEY', a key of xlx.cfg(5)" },
		{ "<uvp:key name='memory'>1</uvp:key>",
		  "t:4:1: <key>: 'memory' has an element of its own: see uvp-domain(5)" },
		{ "<uvp:key name='dsk'>1</uvp:key>", "t:4:1: there is no key 'dsk'" },
		{ "<uvp:key name='disk'>\n\n[ 'a' </uvp:key>",
		  "t:6: the list that begins here has no end: ']' is missing" },
		{ "<x:y xmlns:x='urn:other'/>",
		  "t:4:1: <y>: elements of the namespace 'urn:other' are not understood here" },
		{ "<memory unit='x'>1</memory>",
		  "t:4:1: <memory>: unit 'x' is none of: b, KiB, MiB, GiB, TiB, KB, MB, GB, TB" },
		{ "<a>", "t:4:13: not well-formed XML: Opening and ending tag mismatch: a line 4 "
			 "and domain" },
		{ "&nbsp;", "t:4:7: not well-formed XML: Entity 'nbsp' not defined" },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++)
		ck_assert_str_eq(error_of(cases[i].elements), cases[i].message);
	ck_assert_str_eq(error_of_text("<domain type='kvm'/>"),
			 "t:1:1: <domain>: type='kvm': only type='xen' can be run");
	ck_assert_str_eq(error_of_text("<network/>"),
			 "t:1:1: <network>: expected <domain type='xen'>");
	ck_assert_str_eq(error_of_text("<domain type='xen'/>"),
			 "t:1:1: <domain>: <os><type> is missing: linux, xenpvh or hvm");
	ck_assert_str_eq(error_of_text("<"),
			 "t:1:2: not well-formed XML: StartTag: invalid element name");
}
END_TEST

START_TEST(bombs_and_depth_are_refused)
{
	char *deep = malloc(200000);
	size_t len = 0;

	ck_assert_str_eq(error_of_text("<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY lol "
				       "'lol'><!ENTITY lol1 '&lol;&lol;'>]>\n"
				       "<domain type='xen'><name>&lol1;</name></domain>"),
			 "t:2:16: a document type declaration is refused");
	ck_assert_str_eq(error_of_text("<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain/>"),
			 "t:1:40: a document type declaration is refused");
	ck_assert_ptr_nonnull(deep);
	for (int i = 0; i < 60000; i++)
		len += (size_t)snprintf(deep + len, 4, "<a>");
	ck_assert_str_eq(error_of_text(deep), "t:1:193: elements are nested more than 64 deep");
	free(deep);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, no_schema, NULL);
	tcase_add_test(tc, what_libvirt_writes_is_understood);
	tcase_add_test(tc, cpu_modes_are_choices);
	tcase_add_test(tc, devices_become_lists);
	tcase_add_test(tc, hvm_settings_become_keys);
	tcase_add_test(tc, screens_consoles_and_folders_of_pv_guests_become_lists);
	tcase_add_test(tc, own_elements_and_pins_are_read);
	tcase_add_test(tc, memory_is_rounded_up_and_told);
	tcase_add_test(tc, errors_have_line_column_and_element);
	tcase_add_test(tc, bombs_and_depth_are_refused);
}
UNIT_MAIN("xml", add_tests);
