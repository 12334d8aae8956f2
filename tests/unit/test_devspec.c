/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/devspec.h"
#include "config/devspec_pci.h"
#include "config/model.h"
#include "config/xml_list.h"
#include "core/num.h"
#include "device/counts.h"
#include "device/driver.h"
#include "domain/stats.h"
#include "tests/unit/unit.h"

static struct uvpi_disk disk_of(const char *text)
{
	struct uvpi_disk disk;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvpi_disk_parse(text, &disk, &err) < 0)
		ck_abort_msg("%s: %s", text, err.message);
	return disk;
}

static struct uvpi_vif vif_of(const char *text)
{
	struct uvpi_vif vif;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvpi_vif_parse(text, &vif, &err) < 0)
		ck_abort_msg("%s: %s", text, err.message);
	return vif;
}

/* ---- whose target is asked for ---- */

/* As xenstored answers, but for the last domain, which has none. Returns how many were asked for. */
static size_t take_turns(struct uvpi_targets *targets, int64_t now, int64_t *longest_wait)
{
	struct uvpi_target *chosen[UVPI_TARGETS_BATCH];
	size_t n = uvpi_targets_choose(targets, now, chosen);

	for (size_t i = 0; i < n; i++) {
		if (now - chosen[i]->asked_ms > *longest_wait)
			*longest_wait = now - chosen[i]->asked_ms;
		chosen[i]->asked_ms = now;
		chosen[i]->target = chosen[i]->domid + 1 < targets->n ? 4096 : 0;
	}
	return n;
}

START_TEST(targets_are_asked_for_in_turns)
{
	static const struct {
		size_t n, round_s;
	} cases[] = { { 3, 5 }, { 100, 15 }, { 1000, 60 } };
	const size_t n = cases[_i].n, most = n * 300 / cases[_i].round_s;
	struct uvp_domain_info *infos = calloc(n, sizeof(*infos));
	struct uvp_domain_list list = { .n = n, .domains = infos };
	struct uvpi_targets targets = { .turn_ms = 1000 };
	int64_t wait = 0;
	size_t asked = 0;

	for (size_t i = 0; i < n; i++)
		infos[i].id = (uint32_t)i;
	ck_assert_int_eq(uvpi_targets_follow(&targets, &list, 1000, NULL), 0);
	/* new ones at once, as many as go into one exchange */
	for (size_t i = 0; i < n; i += UVPI_TARGETS_BATCH)
		ck_assert_uint_eq(take_turns(&targets, 1000, &wait), n - i < UVPI_TARGETS_BATCH ? n - i : UVPI_TARGETS_BATCH);
	ck_assert_uint_eq(take_turns(&targets, 1000, &wait), 0);
	/* one that was just made soon has a target */
	take_turns(&targets, 3000, &wait);
	ck_assert_int_eq(targets.list[n - 1].asked_ms, 3000);
	/* a sample each second: all have their turn, and not many more than that */
	for (int64_t now = 4000; now < 100000; now += 1000)
		take_turns(&targets, now, &wait);
	wait = 0;
	for (int64_t now = 100000; now < 400000; now += 1000)
		asked += take_turns(&targets, now, &wait);
	ck_assert_int_le(wait, (int64_t)cases[_i].round_s * 1100 + 2000);
	ck_assert_uint_le(asked, most + most / 20 + 1);
	ck_assert_uint_ge(asked, most - most / 5);
	/* another domain with the id of one before is new; the others are not */
	infos[1].uuid[3] = 7;
	ck_assert_int_eq(uvpi_targets_follow(&targets, &list, 399100, NULL), 0);
	ck_assert(!targets.list[1].target && targets.list[0].target);
	ck_assert_uint_eq(take_turns(&targets, 399100, &wait), 1);
	ck_assert_int_eq(targets.list[1].asked_ms, 399100);
	free(targets.list);
	free(infos);
}
END_TEST

START_TEST(names_and_numbers_of_disks_go_both_ways)
{
	static const struct {
		const char *name;
		uint32_t number;
	} cases[] = {
		{ "xvda", 51712 },   { "xvda1", 51713 },	 { "xvdp15", 51967 }, { "xvdq", 1u << 28 | 16 << 8 },
		{ "xvdb16", 1u << 28 | 1 << 8 | 16 }, { "xvdaa", 1u << 28 | 26 << 8 },
		{ "hda", 768 },	     { "hdb1", 833 },		 { "hdc", 5632 },     { "hdd", 5696 },
		{ "sda", 2048 },     { "sdp15", 2303 },
	};
	static const char *const bad[] = { "", "xvd", "xvda0", "xvda256", "hde", "hda64", "sdq", "sda16", "xvdA", "nvme0",
					   "xvdaaaa", "d", "d1p", "d1x", "d1048576", "0x3fffffff0", "12a" };
	uint32_t number;
	char name[32];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(uvpi_vdev_number(cases[i].name, &number, NULL), 0);
		ck_assert_uint_eq(number, cases[i].number);
		uvpi_vdev_name(number, name, sizeof(name));
		ck_assert_str_eq(name, cases[i].name);
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(uvpi_vdev_number(bad[i], &number, NULL), -UVP_E_INVALID);
	ck_assert_int_eq(uvpi_vdev_number("51728", &number, NULL), 0);
	ck_assert_uint_eq(number, 51728);
	ck_assert_int_eq(uvpi_vdev_number("d1p2", &number, NULL), 0);
	ck_assert_uint_eq(number, 51730);
}
END_TEST

START_TEST(disks_of_every_syntax)
{
	struct uvpi_disk d = disk_of("/dev/vg/a,raw,xvda,rw");

	ck_assert_str_eq(d.target, "/dev/vg/a");
	ck_assert_uint_eq(d.devid, 51712);
	ck_assert(!d.readonly && !d.cdrom && !d.shared && d.format == UVPI_DISK_RAW);
	ck_assert_int_eq(uvpi_disk_unsupported(&d, NULL), 0);
	uvpi_disk_done(&d);

	d = disk_of("phy:/dev/a,xvdb,r");
	ck_assert_str_eq(d.target, "/dev/a");
	ck_assert_str_eq(d.vdev, "xvdb");
	ck_assert(d.readonly);
	uvpi_disk_done(&d);

	d = disk_of("format=raw, vdev=xvdc, access=w!, direct-io-safe, no-discard, untrusted, target=/a,b=c.img");
	ck_assert_str_eq(d.target, "/a,b=c.img");
	ck_assert(d.shared && !d.readonly && d.direct_io_safe && d.no_discard && d.untrusted);
	uvpi_disk_done(&d);

	d = disk_of("/iso=1,,hdc:cdrom");
	ck_assert_str_eq(d.target, "/iso=1");
	ck_assert(d.cdrom && d.readonly);
	ck_assert_int_eq(uvpi_disk_unsupported(&d, NULL), 0);
	uvpi_disk_done(&d);

	d = disk_of("tap:qcow2:/a.qcow2,xvda,w");
	ck_assert_int_eq(d.format, UVPI_DISK_QCOW2);
	ck_assert(uvpi_disk_needs_qemu(&d));
	ck_assert_int_eq(uvpi_disk_unsupported(&d, NULL), 0);
	uvpi_disk_done(&d);

	d = disk_of(",empty,hdc,r,cdrom");
	ck_assert_ptr_null(d.target);
	uvpi_disk_done(&d);
}
END_TEST

START_TEST(what_disks_are_refused_for)
{
	static const char *const cases[][2] = {
		{ "/a,qcow2,xvda,backendtype=phy", "backendtype=phy is for raw disks" },
		{ "/a,qcow2,xvda,script=s", "what script= makes" },
		{ "/a,raw,xvda,backendtype=tap", "blktap" },
		{ "/a,raw,xvda,backendtype=standalone", "a program of your own" },
		{ "/a,qcow2,xvda,backend=driver", "no QEMU is started there" },
		{ "/a,raw,xvda,backendtype=qdisk,backend=driver", "no QEMU is started there" },
		{ "/a,raw,vda,specification=virtio", "virtio" },
		{ "format=empty,vdev=xvda", "only CD-ROM drives" },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		struct uvp_error err = UVP_ERROR_INIT;
		struct uvpi_disk d = disk_of(cases[i][0]);

		ck_assert_int_eq(uvpi_disk_unsupported(&d, &err), -UVP_E_UNSUPPORTED);
		ck_assert_msg(strstr(err.message, cases[i][1]) != NULL, "%s: %s", cases[i][0], err.message);
		uvpi_disk_done(&d);
	}
}
END_TEST

START_TEST(interfaces)
{
	struct uvpi_vif v = vif_of("");
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert(!v.has_mac && !v.has_devid && !v.bridge && !v.mtu && !v.rate_us);
	uvpi_vif_done(&v);
	v = vif_of("mac=00:16:3E:0a:fF:01, bridge=br0,vifname=web,mtu=9000,devid=3,rate=10MB/s@20ms,untrusted,type=vif");
	ck_assert_int_eq(memcmp(v.mac, "\x00\x16\x3e\x0a\xff\x01", 6), 0);
	ck_assert_str_eq(v.bridge, "br0");
	ck_assert_str_eq(v.vifname, "web");
	ck_assert(v.mtu == 9000 && v.devid == 3 && v.has_devid && v.untrusted);
	ck_assert_uint_eq(v.rate_bytes, 200000);
	ck_assert_uint_eq(v.rate_us, 20000);
	uvpi_vif_done(&v);
	v = vif_of("rate=8Mb/s,script=vif-bridge,backend=0,model=e1000");
	ck_assert_uint_eq(v.rate_bytes, 50000);
	ck_assert_int_eq(uvpi_vif_unsupported(&v, NULL), 0);
	uvpi_vif_done(&v);
	ck_assert_int_eq(uvpi_vif_parse("mac=01:00:5e:00:00:01", &v, &err), -UVP_E_INVALID);
	ck_assert_int_eq(uvpi_vif_parse("rate=4000000000GB/s@1s", &v, &err), -UVP_E_INVALID);
	ck_assert_int_eq(uvpi_vif_parse("rate=1b/s@1us", &v, &err), -UVP_E_INVALID);
	ck_assert_int_eq(uvpi_vif_parse("vifname=a/b", &v, &err), -UVP_E_INVALID);
	ck_assert_int_eq(uvpi_vif_parse("vifname=sixteen-letters-", &v, &err), -UVP_E_INVALID);
	ck_assert_int_eq(uvpi_vif_parse("mtu=10", &v, &err), -UVP_E_INVALID);
}
END_TEST

START_TEST(interfaces_say_where_they_go)
{
	static const char *const wrong[] = {
		"ip=10.0.0.300", "ip=10.0.0.1/33", "ip=fe80::/129", "ip=x", "vlan=0", "vlan=4095", "trunk=5-4",
		"trunk=1/x", "trunk=1-", "script=vif-openvswitch,bridge=o.5000", "script=vif-openvswitch,bridge=o:",
	};
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_vif v = vif_of("ip=10.0.0.2  10.1.0.0/16 fe80::1,vlan=7,trunk=10/20-30");

	ck_assert_int_eq(uvpi_vif_port(&v), UVPI_PORT_BRIDGE);
	ck_assert_int_eq(v.n_nets, 3);
	ck_assert(!v.nets[1].v6 && v.nets[1].prefix == 16 && v.nets[1].address[1] == 1);
	ck_assert(v.nets[2].v6 && v.nets[2].prefix == 128);
	ck_assert(v.vlan == 7 && v.n_trunk == 2 && v.trunk[0].first == 10 && v.trunk[0].last == 10);
	ck_assert(v.trunk[1].first == 20 && v.trunk[1].last == 30);
	ck_assert_int_eq(uvpi_vif_unsupported(&v, NULL), 0);
	uvpi_vif_done(&v);
	v = vif_of("script=/etc/xen/scripts/vif-openvswitch,bridge=ovs0.5:6:8-9");
	ck_assert_int_eq(uvpi_vif_port(&v), UVPI_PORT_OVS);
	ck_assert_str_eq(v.bridge, "ovs0");
	ck_assert(v.vlan == 5 && v.n_trunk == 2 && v.trunk[1].last == 9);
	uvpi_vif_done(&v);
	v = vif_of("script=vif-mine,ip=whatever it reads,gatewaydev=eth0");
	ck_assert_int_eq(uvpi_vif_port(&v), UVPI_PORT_SCRIPT);
	ck_assert(!v.n_nets);
	ck_assert_int_eq(uvpi_vif_unsupported(&v, NULL), 0);
	uvpi_vif_done(&v);
	v = vif_of("script=vif-mine,vlan=5");
	ck_assert_int_eq(uvpi_vif_unsupported(&v, &err), -UVP_E_UNSUPPORTED);
	uvpi_vif_done(&v);
	v = vif_of("gatewaydev=eth0");
	ck_assert_int_eq(uvpi_vif_unsupported(&v, &err), -UVP_E_UNSUPPORTED);
	uvpi_vif_done(&v);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(wrong); i++)
		ck_assert_msg(uvpi_vif_parse(wrong[i], &v, &err) == -UVP_E_INVALID, "%s", wrong[i]);
}
END_TEST

static int config_of(const char *devices, struct uvp_config **ret_config, struct uvp_error *err)
{
	char text[512];

	snprintf(text, sizeof(text), "name='g'\nkernel='/k'\nmemory=4\n%s\n", devices);
	return uvp_config_parse("t", text, strlen(text), NULL, 0, NULL, NULL, ret_config, err);
}

START_TEST(configurations_carry_both_kinds)
{
	struct uvp_config *c = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(config_of("disk=['/a,raw,xvda','/b,raw,xvdb,r']\nvif=['','devid=0','']", &c, &err), 0);
	ck_assert_int_eq(c->n_disks, 2);
	ck_assert_str_eq(c->disks[1].vdev, "xvdb");
	ck_assert_int_eq(c->n_vifs, 3);
	ck_assert_uint_eq(c->vifs[0].devid, 1);
	ck_assert_uint_eq(c->vifs[1].devid, 0);
	ck_assert_uint_eq(c->vifs[2].devid, 2);
	ck_assert_int_eq(uvp_config_check_supported(c, &err), 0);
	uvp_config_free(c);
	ck_assert_int_eq(config_of("disk=['/a,raw,xvda','/b,raw,d0']", &c, &err), -UVP_E_INVALID);
	ck_assert_str_eq(err.message, "t:4: two disks are 'xvda' and 'd0', which is one device");
	ck_assert_int_eq(config_of("vif=['devid=1','devid=1']", &c, &err), -UVP_E_INVALID);
	ck_assert_str_eq(err.message, "t:4: two interfaces have devid=1");
	ck_assert_int_eq(config_of("disk=['/a,raw,hde']", &c, &err), -UVP_E_INVALID);
}
END_TEST

START_TEST(disks_are_written_as_they_are_read)
{
	static const char *const specs[] = {
		"format=raw,vdev=xvda,access=rw,target=/a b,c=d",
		"format=qcow2,vdev=hdc,access=ro,devtype=cdrom,target=/x",
		"format=raw,vdev=xvdb,access=w!,direct-io-safe,no-discard,untrusted,backendtype=phy,backend=d,script=s,target=/y",
		"format=empty,vdev=xvdc,access=ro,devtype=cdrom",
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(specs); i++) {
		struct uvpi_disk d = disk_of(specs[i]);
		char *text = uvpi_disk_text(&d);

		ck_assert_str_eq(text, specs[i]);
		free(text);
		uvpi_disk_done(&d);
	}
}
END_TEST

/* What the configuration with the list says now about its vifs and its kernel. */
static void check_list(const char *xml, const char *first, int n)
{
	struct xlcfg_value list = { 0 };
	struct uvp_config *c = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvpi_xml_list_get(xml, "vif", &list, &err), 0);
	ck_assert_int_eq(list.n_items, n);
	if (n)
		ck_assert_str_eq(list.items[0].text, first);
	xlcfg_value_done(&list);
	ck_assert_int_eq(uvp_config_parse("t", xml, strlen(xml), NULL, 0, NULL, NULL, &c, &err), 0);
	ck_assert_int_eq(c->n_vifs, n);
	ck_assert_str_eq(c->kernel, "/k");
	uvp_config_free(c);
}

START_TEST(lists_of_stored_configurations_are_edited)
{
	struct xlcfg_value list = { 0 };
	struct uvp_config *c = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	char *xml = NULL, *more = NULL, *none = NULL;

	ck_assert_int_eq(config_of("", &c, &err), 0);
	ck_assert_int_eq(uvp_config_write_xml(c, &xml, &err), 0);
	check_list(xml, NULL, 0);
	ck_assert_int_eq(uvpi_xml_list_get(xml, "vif", &list, &err), 0);
	ck_assert_int_eq(uvpi_list_append(&list, "script=/a&<b>'\"c\\", &err), 0);
	ck_assert_int_eq(uvpi_list_append(&list, "bridge=x", &err), 0);
	ck_assert_int_eq(uvpi_xml_list_set(xml, "vif", &list, &more, &err), 0);
	check_list(more, "script=/a&<b>'\"c\\", 2);
	uvpi_list_remove(&list, 0);
	uvpi_list_remove(&list, 0);
	ck_assert_int_eq(uvpi_xml_list_set(more, "vif", &list, &none, &err), 0);
	ck_assert_str_eq(none, xml);
	xlcfg_value_done(&list);
	free(none);
	ck_assert_int_eq(uvpi_xml_list_set("<domain>", "vif", &list, &none, &err), -UVP_E_PROTOCOL);
	free(xml);
	free(more);
	uvp_config_free(c);
}
END_TEST

/* As Linux 6.1 writes it. */
START_TEST(rings_of_an_interface_are_read)
{
	static const char text[] = "Queue 0\nTX: nr_ents 256\n"
				   "req prod 4294967290 (7) cons 4294967290 (0) event 2 (8)\n"
				   "rsp prod 4294967283 (base) pvt 4294967283 (0) event 2 (1)\n"
				   "pending prod 256 pending cons 0 nr_pending_reqs 0\n"
				   "dealloc prod 3 dealloc cons 3 dealloc_queue 0\n\n"
				   "RX: nr_ents 256\nreq prod 3 (250) cons 9 (-6) event 1 (0)\n"
				   "rsp prod 4294967295 (base) pvt 1 (0) event 2 (1)\n\n"
				   "NAPI state: 0 NAPI weight: 64 TX queue len 0\n";
	uint32_t slots = 256, used = 1;

	ck_assert(uvpi_ring_parse(text, "TX:", &slots, &used));
	ck_assert_uint_eq(slots, 512);
	ck_assert_uint_eq(used, 8);
	slots = used = 0;
	ck_assert(uvpi_ring_parse(text, "RX:", &slots, &used));
	ck_assert_uint_eq(slots, 256);
	ck_assert_uint_eq(used, 4);
	/* a guest may write anything into its ring */
	ck_assert(!uvpi_ring_parse("TX: nr_ents 256\nreq prod 900 (0)\nrsp prod 1 (0)\n", "TX:", &slots, &used));
	ck_assert(!uvpi_ring_parse("TX: nr_ents 256\nreq prod ", "TX:", &slots, &used));
	ck_assert(!uvpi_ring_parse("", "TX:", &slots, &used));
	ck_assert_uint_eq(slots, 256);
}
END_TEST

START_TEST(counts_of_interfaces_are_read)
{
	static const char text[] = "Inter-|   Receive                                                |  Transmit\n"
				   " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
				   "    lo:  100       1    0    0    0     0          0         0      200       2    0    0    0     0       0          0\n"
				   "vif7.0:18446744073709551615 12 0 0 0 0 0 0 34 56 0 0 0 0 0 0\n"
				   " vif7.1: 5 6\n"
				   "vif7.10: 1 2 5 70 0 0 0 0 3 4 6 80 0 0 0 0";
	struct uvp_stats_device device = { 0 };

	/* what domain 0 sends, the guest receives */
	ck_assert(uvpi_netdev_find(text, "vif7.0", &device));
	ck_assert_uint_eq(device.reads, 56);
	ck_assert_uint_eq(device.writes, 12);
	ck_assert_uint_eq(device.read_bytes, 34);
	ck_assert_uint_eq(device.write_bytes, UINT64_MAX);
	ck_assert(uvpi_netdev_find(text, "vif7.10", &device));
	ck_assert_uint_eq(device.reads, 4);
	ck_assert_uint_eq(device.errors, 11);
	ck_assert_uint_eq(device.drops, 150);
	ck_assert(!uvpi_netdev_find(text, "vif7.1", &device));
	ck_assert(!uvpi_netdev_find(text, "vif7", &device));
	ck_assert(!uvpi_netdev_find("", "vif7.0", &device));
}
END_TEST

START_TEST(counts_of_emulated_twins_are_kept)
{
	static const char text[] = "vif7.0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"
				   "vif7.0-emu: 1000 20 1 2 0 0 0 0 3000 40 4 8 0 0 0 0\n";
	static const char *const others[] = { "", "-emu", "vif7.0", "vif7.0-em", "vif7.0-emu1", "vif7.0-EMU", "emu" };
	struct uvp_stats_device told = { 0 }, sum = { 0 };
	struct uvpi_twin twin = { 0 };
	char of[32], longest[40];

	ck_assert(uvpi_twin_parse("vif7.0-emu", of));
	ck_assert_str_eq(of, "vif7.0");
	ck_assert(uvpi_twin_parse("labport-emu", of));
	ck_assert_str_eq(of, "labport");
	ck_assert(uvpi_twin_parse("a-emu-emu", of));
	ck_assert_str_eq(of, "a-emu");
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(others); i++)
		ck_assert_msg(!uvpi_twin_parse(others[i], of), "'%s' is a twin", others[i]);
	memset(longest, 'x', sizeof(longest));
	memcpy(longest + 31, "-emu", 5);
	ck_assert(uvpi_twin_parse(longest, of));
	ck_assert_uint_eq(strlen(of), 31);
	memcpy(longest + 32, "-emu", 5);
	ck_assert(!uvpi_twin_parse(longest, of));

	/* what QEMU wrote into the tap, the guest has sent */
	ck_assert(uvpi_netdev_find(text, "vif7.0-emu", &told));
	uvpi_twin_keep(&twin, &told);
	ck_assert(uvpi_netdev_find(text, "vif7.0", &sum));
	uvpi_twin_add(&twin, &sum);
	ck_assert(sum.writes == 22 && sum.write_bytes == 1001 && sum.reads == 46 && sum.read_bytes == 3005);
	ck_assert(sum.errors == 15 && sum.drops == 22);

	/* a smaller count does not make it less, and none does not */
	told.writes = 19;
	told.read_bytes = 3001;
	uvpi_twin_keep(&twin, &told);
	uvpi_twin_keep(&twin, &(struct uvp_stats_device){ 0 });
	ck_assert(twin.writes == 20 && twin.write_bytes == 1000 && twin.reads == 40 && twin.read_bytes == 3001);
}
END_TEST

static void check_pci(const char *text, const char *expected)
{
	struct uvp_error err = UVP_ERROR_INIT;
	char written[UVPI_PCI_SPEC];
	struct uvpi_pci pci;
	int r = uvpi_pci_parse(text, NULL, &pci, &err);

	if (!expected) {
		ck_assert_msg(r == -UVP_E_INVALID, "'%s' was accepted", text);
		return;
	}
	ck_assert_msg(r == 0, "'%s': %s", text, err.message);
	uvpi_pci_text(&pci, written);
	ck_assert_str_eq(written, expected);
}

START_TEST(pci_devices)
{
	check_pci("03:00.0", "0000:03:00.0");
	check_pci("ABCD:ff:1f.7@1f", "abcd:ff:1f.7,vslot=1f");
	check_pci("0000:03:00.*,permissive=1,seize=0", "0000:03:00.*,permissive=1");
	check_pci("bdf=03:00.1,vslot=5,rdm_policy=relaxed,power_mgmt=1,msitranslate=1",
		  "0000:03:00.1,vslot=5,msitranslate=1,power_mgmt=1,rdm_policy=relaxed");
	check_pci("name=fast,seize=1", "name=fast,seize=1");
	check_pci("03:00.8", NULL);
	check_pci("03:20.0", NULL);
	check_pci("3:00.0", NULL);
	check_pci("03:00.0,vslot=20", NULL);
	check_pci("03:00.0,name=x", NULL);
	check_pci("name=a/b", NULL);
	check_pci("03:00.0,rdm_policy=none", NULL);
}
END_TEST

/* uvpi_pci_check(): the key that is wrong, or NULL. */
static const char *pci_refused(const char *text)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_config *c = NULL;
	const char *key = NULL;
	int r;

	ck_assert_int_eq(config_of(text, &c, &err), 0);
	r = uvpi_pci_check(c, &key, &err);
	uvp_config_free(c);
	return r < 0 ? key : NULL;
}

START_TEST(pci_devices_of_configurations)
{
	ck_assert_ptr_null(pci_refused("pci = [ '03:00.0', '03:00.1' ]\n"));
	ck_assert_str_eq(pci_refused("pci = [ '03:00.0', '03:00.*' ]\n"), "pci");
	ck_assert_str_eq(pci_refused("pci = [ '03:00.0@5' ]\n"), "pci");
	ck_assert_str_eq(pci_refused("pci = [ '03:00.0' ]\npassthrough = 'disabled'\n"), "passthrough");
	ck_assert_str_eq(pci_refused("passthrough = 'share_pt'\n"), "passthrough");
	ck_assert_str_eq(pci_refused("pci = [ '03:00.0' ]\nmaxmem = 4096\n"), "pci");
	ck_assert_str_eq(pci_refused("pci = [ '03:00.0,msitranslate=1' ]\n"), "pci");
	ck_assert_str_eq(pci_refused("pci = [ '03:00.0' ]\npci_msitranslate = 1\n"), "pci");
	ck_assert_ptr_null(pci_refused("pci = [ '03:00.0,msitranslate=0' ]\npci_msitranslate = 1\n"));
	ck_assert_ptr_null(pci_refused("pci = [ '03:00.0,power_mgmt=1' ]\n"));
	ck_assert_str_eq(pci_refused("type = 'hvm'\npci = [ '03:00.0,power_mgmt=1' ]\n"), "pci");
}
END_TEST

/* The list of the next life; "" when nothing was left out. */
static void check_forgiven(const char *text, const char *list)
{
	struct uvp_config *c = NULL;
	const char *key;

	ck_assert_int_eq(config_of(text, &c, NULL), 0);
	ck_assert_int_eq(uvpi_pci_forgive(c, NULL), *list != '\0');
	if (*list)
		ck_assert_str_eq(uvpi_config_extra_get(c, "pci")->value, list);
	ck_assert_int_eq(uvpi_pci_check(c, &key, NULL), 0);
	uvp_config_free(c);
}

START_TEST(a_guest_that_runs_does_not_end_by_an_option_refused_since)
{
	check_forgiven("pci = [ '03:00.0,permissive=1', '04:00.0,power_mgmt=1' ]\n", "");
	check_forgiven("pci = [ '03:00.0,msitranslate=1', '04:00.0,power_mgmt=1' ]\n",
		       "[ \"0000:03:00.0\", \"0000:04:00.0,power_mgmt=1\" ]");
	check_forgiven("pci = [ '03:00.0', '04:00.0,permissive=0' ]\npci_msitranslate = 1\npci_permissive = 1\n",
		       "[ \"0000:03:00.0,permissive=1\", \"0000:04:00.0\" ]");
	check_forgiven("type = 'hvm'\ndm_restrict=0\npci = [ '03:00.0' ]\npci_power_mgmt = 1\n", "[ \"0000:03:00.0\" ]");
}
END_TEST

static int pci_supported(const char *more, struct uvp_error *err)
{
	struct uvp_config *c = NULL;
	char text[192];
	int r;

	snprintf(text, sizeof(text), "pci = [ '03:00.0' ]\n%s", more);
	ck_assert_int_eq(config_of(text, &c, err), 0);
	r = uvp_config_check_supported(c, err);
	uvp_config_free(c);
	return r;
}

START_TEST(pci_devices_of_hvm_guests_need_a_free_device_model)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(pci_supported("type='pvh'\n", &err), -UVP_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, UVPI_PCI_WHY_NOT_PVH));
	ck_assert_int_eq(pci_supported("type='hvm'\n", &err), -UVP_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "without confinement"));
	ck_assert_int_eq(pci_supported("type='hvm'\ndm_restrict=0\ndevice_model_user='nobody'\n", &err), -UVP_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "without confinement"));
	ck_assert_int_eq(pci_supported("type='hvm'\ndm_restrict=0\nmemory=64\nmaxmem=128\n", &err), -UVP_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "begins with all of its memory"));
	ck_assert_int_eq(pci_supported("type='hvm'\ndm_restrict=0\n", &err), 0);
}
END_TEST

START_TEST(a_domain_is_known_by_what_vm_says)
{
	static const uint8_t uuid[16] = { 0x4b, 0x7a, 0x2f, 0x6e, 0x1b, 0x3c, 0x4d, 0x5e, 0x8f, 0x90, 1, 2, 3, 4, 5, 6 };
	static const struct {
		const char *vm;
		bool is;
	} cases[] = {
		{ "/vm/4b7a2f6e-1b3c-4d5e-8f90-010203040506", true },
		{ "/vm/4b7a2f6e-1b3c-4d5e-8f90-010203040506-1", true },
		{ "/vm/4b7a2f6e-1b3c-4d5e-8f90-010203040507", false },
		{ "/vm/4b7a2f6e-1b3c-4d5e-8f90-0102030405061", false },
		{ "/vm/4b7a2f6e", false },
		{ "", false },
		{ NULL, false },
	};

	ck_assert_int_eq(uvpi_driver_is_vm(cases[_i].vm, uuid), cases[_i].is);
}
END_TEST

START_TEST(numbers_of_domains_are_told_from_names)
{
	ck_assert(uvpi_backend_is_id("7"));
	ck_assert(!uvpi_backend_is_id("0"));
	ck_assert(!uvpi_backend_is_id(NULL));
	ck_assert(!uvpi_backend_is_id("Domain-0"));
	ck_assert(!uvpi_backend_is_id("disks"));
	ck_assert(!uvpi_backend_is_id("4b7a2f6e-1b3c-4d5e-8f90-010203040506"));
}
END_TEST

START_TEST(what_would_be_emulated_is_refused_elsewhere)
{
	static const struct {
		const char *disk, *vif;
		int r;
	} cases[] = {
		{ "/d,raw,hda,rw,backend=disks", NULL, -UVP_E_UNSUPPORTED },
		{ "/d,raw,sdb,rw,backend=disks", NULL, -UVP_E_UNSUPPORTED },
		{ "/d,raw,xvdc,cdrom,backend=disks", NULL, -UVP_E_UNSUPPORTED },
		{ "/d,raw,xvda,rw,backend=disks", NULL, 0 },
		{ "/d,raw,hda,rw", NULL, 0 },
		{ NULL, "bridge=b,backend=nets", -UVP_E_UNSUPPORTED },
		{ NULL, "bridge=b,type=vif,backend=nets", 0 },
		{ NULL, "bridge=b", 0 },
	};
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_disk disk = { NULL };
	struct uvpi_vif vif = { NULL };
	int r = cases[_i].disk ? uvpi_disk_parse(cases[_i].disk, &disk, &err) : uvpi_vif_parse(cases[_i].vif, &vif, &err);

	ck_assert_msg(r == 0, "%s", err.message);
	ck_assert_int_eq(uvpi_check_emulated(cases[_i].disk ? &disk : NULL, &vif, &err), cases[_i].r);
	uvpi_disk_done(&disk);
	uvpi_vif_done(&vif);
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_domain_is_known_by_what_vm_says, 0, 7);
	tcase_add_test(tcase, numbers_of_domains_are_told_from_names);
	tcase_add_loop_test(tcase, what_would_be_emulated_is_refused_elsewhere, 0, 8);
	tcase_add_loop_test(tcase, targets_are_asked_for_in_turns, 0, 3);
	tcase_add_test(tcase, rings_of_an_interface_are_read);
	tcase_add_test(tcase, counts_of_interfaces_are_read);
	tcase_add_test(tcase, counts_of_emulated_twins_are_kept);
	tcase_add_test(tcase, pci_devices);
	tcase_add_test(tcase, pci_devices_of_configurations);
	tcase_add_test(tcase, a_guest_that_runs_does_not_end_by_an_option_refused_since);
	tcase_add_test(tcase, pci_devices_of_hvm_guests_need_a_free_device_model);
	tcase_add_test(tcase, names_and_numbers_of_disks_go_both_ways);
	tcase_add_test(tcase, disks_of_every_syntax);
	tcase_add_test(tcase, what_disks_are_refused_for);
	tcase_add_test(tcase, interfaces);
	tcase_add_test(tcase, interfaces_say_where_they_go);
	tcase_add_test(tcase, configurations_carry_both_kinds);
	tcase_add_test(tcase, disks_are_written_as_they_are_read);
	tcase_add_test(tcase, lists_of_stored_configurations_are_edited);
}

UNIT_MAIN("devspec", setup);
