/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever libvirt's domain format has: of guests of either kind, it changes the configuration, or is refused or warned of by its
 * name; what says only what is so anyway stands in a list of its own, and is taken without a word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "tests/unit/unit.h"

#define HEAD "<domain type='xen'%s>\n<name>g</name><memory unit='MiB'>64</memory>\n"

static char warnings[4096];
static int complaints;

/* All of them are told, not only the first. */
#define complain_unless(ok, ...) \
	do { \
		if (!(ok)) \
			complaints += fprintf(stderr, __VA_ARGS__) > 0; \
	} while (0)

static void collect(void *data, const char *where, const char *text)
{
	size_t len = strlen(warnings);

	snprintf(warnings + len, sizeof(warnings) - len, "%s\n", text);
}

static void no_schema(void)
{
	setenv("UVP_DATADIR", "/nonexistent", 1);
}

/* Where the text goes: %s. */
enum place {
	ROOT, TOP, OS, FEATURES, CLOCK, TIMER_TSC, TIMER_HPET, CPU, CPU_IN, VCPU, MEMORY, CPUTUNE, NUMATUNE, LOADER,
	DEVICES, DISK, DISK_IN, DISK_DRIVER, DISK_SOURCE, DISK_TARGET, NIC, NIC_IN, NIC_SOURCE, NIC_TARGET, NIC_MAC, NIC_IP, NIC_MODEL, NIC_OUT,
	NIC_VLAN, CONSOLE, CONSOLE_IN, SERIAL, SERIAL_IN, CHANNEL, CHANNEL_IN, VNC, VNC_IN, SPICE, SPICE_IN, SDL, VIDEO, VIDEO_MODEL, INPUT, CONTROLLER, XENBUS,
	HOSTDEV, HOSTDEV_IN, FILESYSTEM, FILESYSTEM_IN, SOUND, BALLOON,
};
#define DISK_WITH(a, drv, src, tgt, in) "<devices><disk type='file'" a "><driver name='qemu' type='raw'" drv "/><source file='/a'" src "/><target dev='xvda'" tgt "/>" in "</disk></devices>"
#define NIC_WITH(a, src, tgt, mac, ip, model, out, vlan, in) "<devices><interface type='bridge'" a "><mac address='00:16:3e:00:00:01'" mac "/><source bridge='b'" src \
	"/><target dev='p'" tgt "/><ip address='10.0.0.1'" ip "/><model type='e1000'" model "/><bandwidth><outbound average='100'" out "/></bandwidth><vlan>" vlan "<tag id='5'/></vlan>" in "</interface></devices>"
static const char *const places[] = {
	[ROOT] = "", [TOP] = "%s", [OS] = "", [FEATURES] = "<features>%s</features>", [CLOCK] = "<clock offset='utc'%s/>",
	[TIMER_TSC] = "<clock><timer name='tsc'%s/></clock>", [TIMER_HPET] = "<clock><timer name='hpet'%s/></clock>",
	[CPU] = "<cpu%s/>", [CPU_IN] = "<cpu>%s</cpu>", [VCPU] = "<vcpu%s>2</vcpu>", [MEMORY] = "<currentMemory%s>32768</currentMemory>",
	[CPUTUNE] = "<cputune>%s</cputune>", [NUMATUNE] = "<numatune>%s</numatune>", [LOADER] = "",
	[DEVICES] = "<devices>%s</devices>",
	[DISK] = DISK_WITH("%s", "", "", "", ""), [DISK_DRIVER] = DISK_WITH("", "%s", "", "", ""),
	[DISK_SOURCE] = DISK_WITH("", "", "%s", "", ""), [DISK_TARGET] = DISK_WITH("", "", "", "%s", ""),
	[DISK_IN] = DISK_WITH("", "", "", "", "%s"),
	[NIC] = NIC_WITH("%s", "", "", "", "", "", "", "", ""), [NIC_SOURCE] = NIC_WITH("", "%s", "", "", "", "", "", "", ""),
	[NIC_TARGET] = NIC_WITH("", "", "%s", "", "", "", "", "", ""), [NIC_MAC] = NIC_WITH("", "", "", "%s", "", "", "", "", ""),
	[NIC_IP] = NIC_WITH("", "", "", "", "%s", "", "", "", ""), [NIC_MODEL] = NIC_WITH("", "", "", "", "", "%s", "", "", ""),
	[NIC_OUT] = NIC_WITH("", "", "", "", "", "", "%s", "", ""), [NIC_VLAN] = NIC_WITH("", "", "", "", "", "", "", "%s", ""),
	[NIC_IN] = NIC_WITH("", "", "", "", "", "", "", "", "%s"),
	[CONSOLE] = "<devices><console type='pty'%s/></devices>", [CONSOLE_IN] = "<devices><console type='pty'>%s</console></devices>",
	[SERIAL] = "<devices><serial%s/></devices>", [SERIAL_IN] = "<devices><serial type='pty'>%s</serial></devices>",
	[CHANNEL] = "<devices><channel type='unix'%s><source path='/c'/><target type='xen' name='c'/></channel></devices>",
	[CHANNEL_IN] = "<devices><channel type='unix'><source path='/c'%s/><target type='xen' name='c'/></channel></devices>",
	[VNC] = "<devices><graphics type='vnc'%s/></devices>", [VNC_IN] = "<devices><graphics type='vnc'>%s</graphics></devices>",
	[SPICE] = "<devices><graphics type='spice'%s/></devices>", [SPICE_IN] = "<devices><graphics type='spice'>%s</graphics></devices>",
	[SDL] = "<devices><graphics type='sdl'%s/></devices>",
	[VIDEO] = "<devices><video%s><model type='vga'/></video></devices>", [VIDEO_MODEL] = "<devices><video><model type='vga'%s/></video></devices>",
	[INPUT] = "<devices><input type='tablet'%s/></devices>",
	[CONTROLLER] = "<devices><controller type='scsi'%s/></devices>", [XENBUS] = "<devices><controller type='xenbus'%s/></devices>",
	[HOSTDEV] = "<devices><hostdev mode='subsystem' type='pci'%s><source><address bus='0x03'/></source></hostdev></devices>",
	[HOSTDEV_IN] = "<devices><hostdev mode='subsystem' type='pci'><source><address bus='0x03'/></source>%s</hostdev></devices>",
	[FILESYSTEM] = "<devices><filesystem%s><source dir='/s'/><target dir='t'/></filesystem></devices>",
	[FILESYSTEM_IN] = "<devices><filesystem><source dir='/s'/><target dir='t'/>%s</filesystem></devices>",
	[SOUND] = "<devices><sound model='es1370'%s/></devices>", [BALLOON] = "<devices><memballoon model='xen'%s/></devices>",
};

/* name: what a refusal or warning must have in it. */
static const struct item {
	enum place place;
	const char *name, *text;
} items[] = {
	{ ROOT, "unknown", " unknown='x'" },
	{ TOP, "uuid", "<uuid>0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9</uuid>" }, { TOP, "title", "<title>t</title>" },
	{ TOP, "description", "<description>d</description>" }, { TOP, "metadata", "<metadata><a:b xmlns:a='urn:a'/></metadata>" },
	{ TOP, "genid", "<genid/>" }, { TOP, "hwuuid", "<hwuuid>x</hwuuid>" }, { TOP, "maxMemory", "<maxMemory slots='2'>1</maxMemory>" },
	{ TOP, "memoryBacking", "<memoryBacking><hugepages/></memoryBacking>" }, { TOP, "memtune", "<memtune/>" },
	{ TOP, "blkiotune", "<blkiotune/>" }, { TOP, "resource", "<resource/>" }, { TOP, "iothreads", "<iothreads>1</iothreads>" },
	{ TOP, "iothreadids", "<iothreadids/>" }, { TOP, "defaultiothread", "<defaultiothread/>" }, { TOP, "vcpus", "<vcpus/>" },
	{ TOP, "bootloader", "<bootloader>pygrub</bootloader>" }, { TOP, "bootloader_args", "<bootloader>pygrub</bootloader><bootloader_args>-q</bootloader_args>" },
	{ TOP, "sysinfo", "<sysinfo type='smbios'/>" }, { TOP, "throttlegroups", "<throttlegroups/>" },
	{ TOP, "on_poweroff", "<on_poweroff>preserve</on_poweroff>" }, { TOP, "on_reboot", "<on_reboot>destroy</on_reboot>" },
	{ TOP, "on_crash", "<on_crash>preserve</on_crash>" }, { TOP, "on_lockfailure", "<on_lockfailure>ignore</on_lockfailure>" },
	{ TOP, "suspend", "<pm><suspend-to-mem enabled='no'/></pm>" }, { TOP, "suspend", "<pm><suspend-to-disk enabled='no'/></pm>" },
	{ TOP, "seclabel", "<seclabel type='dynamic'/>" }, { TOP, "launchSecurity", "<launchSecurity type='sev'/>" },
	{ TOP, "keywrap", "<keywrap/>" }, { TOP, "perf", "<perf/>" }, { TOP, "idmap", "<idmap/>" }, { TOP, "cpu", "<cpu mode='maximum'/>" },
	{ OS, "arch", "" }, { OS, "machine", "" }, { OS, "firmware", "" },
	{ OS, "ramdisk", "<initrd>/r</initrd>" }, { OS, "cmdline", "<cmdline>c</cmdline>" }, { OS, "root", "<root>r</root>" },
	{ OS, "loader", "<loader>/l</loader>" }, { OS, "nvram", "<nvram>/n</nvram>" }, { OS, "template", "<nvram template='/t'>/n</nvram>" },
	{ OS, "bootmenu", "<bootmenu enable='yes'/>" }, { OS, "smbios", "<smbios mode='host'/>" }, { OS, "bios", "<bios useserial='yes'/>" },
	{ OS, "boot", "<boot dev='hd'/>" }, { OS, "dtb", "<dtb>/d</dtb>" }, { OS, "shim", "<shim>/s</shim>" }, { OS, "acpi", "<acpi><table type='slic'>/t</table></acpi>" },
	{ OS, "init", "<init>/sbin/init</init>" }, { OS, "firmware", "<firmware><feature enabled='yes' name='secure-boot'/></firmware>" },
	{ LOADER, "secure", " secure='yes'" }, { LOADER, "type", " type='pflash'" }, { LOADER, "stateless", " stateless='yes'" }, { LOADER, "format", " format='qcow2'" },
	{ FEATURES, "acpi", "<acpi state='off'/>" }, { FEATURES, "apic", "<apic state='off'/>" }, { FEATURES, "eoi", "<apic eoi='on'/>" }, { FEATURES, "pae", "<pae state='off'/>" },
	{ FEATURES, "hap", "<hap state='off'/>" }, { FEATURES, "viridian", "<viridian/>" }, { FEATURES, "e820_host", "<xen><e820_host state='on'/></xen>" },
	{ FEATURES, "passthrough", "<xen><passthrough state='on' mode='sync_pt'/></xen>" }, { FEATURES, "mode", "<hap state='off' mode='x'/>" },
	{ FEATURES, "hyperv", "<hyperv><relaxed state='on'/></hyperv>" }, { FEATURES, "kvm", "<kvm/>" }, { FEATURES, "pvspinlock", "<pvspinlock/>" },
	{ FEATURES, "pmu", "<pmu state='on'/>" }, { FEATURES, "vmport", "<vmport/>" }, { FEATURES, "smm", "<smm/>" }, { FEATURES, "ioapic", "<ioapic driver='kvm'/>" },
	{ FEATURES, "gic", "<gic/>" }, { FEATURES, "htm", "<htm/>" }, { FEATURES, "vmcoreinfo", "<vmcoreinfo/>" }, { FEATURES, "msrs", "<msrs unknown='ignore'/>" },
	{ FEATURES, "capabilities", "<capabilities/>" }, { FEATURES, "privnet", "<privnet/>" }, { FEATURES, "tcg", "<tcg/>" },
	{ CLOCK, "adjustment", " adjustment='3600'" }, { CLOCK, "basis", " basis='localtime'" }, { CLOCK, "timezone", " timezone='UTC'" }, { CLOCK, "start", " start='5'" },
	{ TOP, "offset", "<clock offset='localtime'/>" }, { TOP, "variable", "<clock offset='variable' basis='localtime'/>" }, { TOP, "timezone", "<clock offset='timezone'/>" },
	{ TIMER_TSC, "mode", " mode='native'" }, { TIMER_TSC, "present", " present='no'" }, { TIMER_TSC, "frequency", " frequency='1'" }, { TIMER_TSC, "track", " track='guest'" },
	{ TIMER_TSC, "tickpolicy", " tickpolicy='delay'" }, { TIMER_HPET, "present", " present='no'" }, { TIMER_HPET, "mode", " mode='native'" },
	{ TOP, "rtc", "<clock><timer name='rtc'/></clock>" }, { TOP, "pit", "<clock><timer name='pit'/></clock>" }, { TOP, "kvmclock", "<clock><timer name='kvmclock'/></clock>" },
	{ TOP, "catchup", "<clock><timer name='tsc'><catchup/></timer></clock>" },
	{ CPU, "match", " match='strict'" }, { CPU, "migratable", " migratable='off'" }, { CPU, "mode", " mode='host-model'" },
	{ CPU_IN, "topology", "<topology sockets='1'/>" }, { CPU_IN, "numa", "<numa/>" }, { CPU_IN, "cache", "<cache mode='emulate'/>" }, { CPU_IN, "maxphysaddr", "<maxphysaddr mode='passthrough'/>" },
	{ CPU_IN, "vendor", "<vendor>Intel</vendor>" }, { CPU_IN, "model", "<model>x86-64-v2</model>" }, { CPU_IN, "vendor_id", "<model vendor_id='x'>x86-64-v2</model>" },
	{ CPU_IN, "feature", "<feature policy='disable' name='aes'/>" },
	{ VCPU, "cpuset", " cpuset='0'" }, { VCPU, "current", " current='1'" }, { VCPU, "placement", " placement='elsewhere'" },
	{ MEMORY, "unit", " unit='b'" }, { MEMORY, "dumpCore", " dumpCore='off'" },
	{ CPUTUNE, "vcpupin", "<vcpupin vcpu='0' cpuset='0'/>" }, { CPUTUNE, "shares", "<shares>512</shares>" }, { CPUTUNE, "period", "<period>1000</period>" },
	{ CPUTUNE, "quota", "<quota>1000</quota>" }, { CPUTUNE, "global_period", "<global_period>1000</global_period>" }, { CPUTUNE, "global_quota", "<global_quota>1000</global_quota>" },
	{ CPUTUNE, "emulatorpin", "<emulatorpin cpuset='0'/>" }, { CPUTUNE, "iothreadpin", "<iothreadpin/>" }, { CPUTUNE, "emulator_period", "<emulator_period>1</emulator_period>" },
	{ CPUTUNE, "iothread_quota", "<iothread_quota>1</iothread_quota>" }, { CPUTUNE, "vcpusched", "<vcpusched/>" }, { CPUTUNE, "cachetune", "<cachetune/>" }, { CPUTUNE, "memorytune", "<memorytune/>" },
	{ NUMATUNE, "memory", "<memory mode='strict' nodeset='0'/>" }, { NUMATUNE, "mode", "<memory mode='interleave' nodeset='0'/>" },
	{ NUMATUNE, "preferred", "<memory mode='preferred' nodeset='0'/>" }, { NUMATUNE, "memnode", "<memnode cellid='0' mode='strict' nodeset='0'/>" },
	{ DEVICES, "emulator", "<emulator>/q</emulator>" }, { DEVICES, "parallel", "<parallel type='pty'/>" }, { DEVICES, "tpm", "<tpm model='tpm-tis'/>" }, { DEVICES, "rng", "<rng/>" },
	{ DEVICES, "vsock", "<vsock/>" }, { DEVICES, "watchdog", "<watchdog/>" }, { DEVICES, "panic", "<panic/>" }, { DEVICES, "memory", "<memory/>" }, { DEVICES, "iommu", "<iommu/>" },
	{ DEVICES, "redirdev", "<redirdev/>" }, { DEVICES, "redirfilter", "<redirfilter/>" }, { DEVICES, "smartcard", "<smartcard/>" }, { DEVICES, "shmem", "<shmem/>" }, { DEVICES, "nvram", "<nvram/>" },
	{ DEVICES, "hub", "<hub type='usb'/>" }, { DEVICES, "lease", "<lease/>" }, { DEVICES, "audio", "<audio id='1' type='none'/>" }, { DEVICES, "crypto", "<crypto/>" }, { DEVICES, "pstore", "<pstore/>" },
	{ DEVICES, "usb", "<controller type='usb'/>" }, { DEVICES, "floppy", "<disk device='floppy'><source file='/f'/><target dev='fda'/></disk>" },
	{ DEVICES, "network", "<disk type='network'><source protocol='rbd' name='x'/><target dev='xvda'/></disk>" }, { DEVICES, "volume", "<disk type='volume'><source pool='p' volume='v'/><target dev='xvda'/></disk>" },
	{ DEVICES, "network", "<interface type='network'><source network='default'/></interface>" }, { DEVICES, "user", "<interface type='user'/>" }, { DEVICES, "direct", "<interface type='direct'><source dev='eth0'/></interface>" },
	{ DEVICES, "hostdev", "<interface type='hostdev'/>" }, { DEVICES, "usb", "<hostdev mode='subsystem' type='usb'/>" }, { DEVICES, "mdev", "<hostdev mode='subsystem' type='mdev'/>" }, { DEVICES, "capabilities", "<hostdev mode='capabilities' type='pci'><source><address bus='0x03'/></source></hostdev>" },
	{ DEVICES, "evdev", "<input type='evdev'/>" }, { DEVICES, "rdp", "<graphics type='rdp'/>" }, { DEVICES, "desktop", "<graphics type='desktop'/>" }, { DEVICES, "egl-headless", "<graphics type='egl-headless'/>" },
	{ DISK, "model", " model='virtio'" }, { DISK, "snapshot", " snapshot='no'" }, { DISK, "rawio", " rawio='yes'" }, { DISK, "sgio", " sgio='filtered'" }, { DISK, "device", " device='cdrom'" }, { DISK, "lun", " device='lun'" },
	{ DISK_DRIVER, "cache", " cache='writeback'" }, { DISK_DRIVER, "io", " io='native'" }, { DISK_DRIVER, "discard", " discard='ignore'" }, { DISK_DRIVER, "discard", " discard='x'" },
	{ DISK_DRIVER, "queues", " queues='4'" }, { DISK_DRIVER, "iothread", " iothread='1'" }, { DISK_DRIVER, "error_policy", " error_policy='stop'" }, { DISK_DRIVER, "rerror_policy", " rerror_policy='stop'" },
	{ DISK_DRIVER, "detect_zeroes", " detect_zeroes='on'" }, { DISK_DRIVER, "copy_on_read", " copy_on_read='on'" }, { DISK_DRIVER, "ioeventfd", " ioeventfd='on'" },
	{ DISK_SOURCE, "startupPolicy", " startupPolicy='optional'" }, { DISK_TARGET, "bus", " bus='virtio'" }, { DISK_TARGET, "bus", " bus='ide'" }, { DISK_TARGET, "tray", " tray='open'" }, { DISK_TARGET, "removable", " removable='on'" },
	{ DISK_TARGET, "rotation_rate", " rotation_rate='1'" },
	{ DISK_IN, "readonly", "<readonly/>" }, { DISK_IN, "shareable", "<shareable/>" }, { DISK_IN, "transient", "<transient/>" }, { DISK_IN, "iotune", "<iotune/>" }, { DISK_IN, "geometry", "<geometry cyls='1'/>" },
	{ DISK_IN, "blockio", "<blockio/>" }, { DISK_IN, "serial", "<serial>x</serial>" }, { DISK_IN, "wwn", "<wwn>x</wwn>" }, { DISK_IN, "vendor", "<vendor>x</vendor>" }, { DISK_IN, "product", "<product>x</product>" },
	{ DISK_IN, "encryption", "<encryption/>" }, { DISK_IN, "auth", "<auth/>" }, { DISK_IN, "backingStore", "<backingStore/>" }, { DISK_IN, "mirror", "<mirror/>" }, { DISK_IN, "throttlefilters", "<throttlefilters/>" },
	{ DISK_IN, "script", "<script path='block-x'/>" }, { DISK_IN, "backenddomain", "<backenddomain name='d'/>" }, { DISK_IN, "source", "<source file='/b'/>" },
	{ NIC, "managed", " managed='no'" }, { NIC, "trustGuestRxFilters", " trustGuestRxFilters='yes'" }, { NIC_SOURCE, "portgroup", " portgroup='p'" }, { NIC_SOURCE, "mode", " mode='vepa'" },
	{ NIC_TARGET, "managed", " managed='no'" }, { NIC_MAC, "type", " type='static'" }, { NIC_MAC, "check", " check='no'" }, { NIC_IP, "prefix", " prefix='24'" }, { NIC_IP, "peer", " peer='10.0.0.2'" }, { NIC_MODEL, "vendor", " vendor='x'" },
	{ NIC_OUT, "peak", " peak='200'" }, { NIC_OUT, "burst", " burst='200'" },
	{ NIC_IN, "driver", "<driver name='vhost'/>" }, { NIC_IN, "link", "<link state='down'/>" }, { NIC_IN, "filterref", "<filterref filter='f'/>" }, { NIC_IN, "tune", "<tune/>" }, { NIC_IN, "virtualport", "<virtualport type='openvswitch'/>" },
	{ NIC_IN, "coalesce", "<coalesce/>" }, { NIC_IN, "port", "<port isolated='yes'/>" }, { NIC_IN, "route", "<route family='ipv4' address='0.0.0.0' gateway='10.0.0.1'/>" }, { NIC_IN, "rom", "<rom bar='off'/>" },
	{ NIC_IN, "guest", "<guest dev='eth0'/>" }, { NIC_IN, "teaming", "<teaming type='persistent'/>" }, { NIC_IN, "backend", "<backend tap='/dev/tap'/>" }, { NIC_IN, "ip", "<ip address='10.0.0.9'/>" },
	{ NIC_IN, "mtu", "<mtu size='1400'/>" }, { NIC_IN, "script", "<script path='vif-x'/>" }, { NIC_IN, "backenddomain", "<backenddomain name='d'/>" }, { NIC_IN, "bandwidth", "<bandwidth><inbound average='1'/></bandwidth>" },
	{ NIC_VLAN, "tag", "<tag id='6' nativeMode='tagged'/>" },
	{ CONSOLE_IN, "log", "<log file='/l'/>" }, { CONSOLE_IN, "target", "<target type='virtio' port='0'/>" }, { CONSOLE_IN, "port", "<target type='xen' port='1'/>" }, { CONSOLE_IN, "protocol", "<protocol type='telnet'/>" },
	{ SERIAL, "type", " type='tcp'" }, { SERIAL, "type", " type='file'" }, { SERIAL, "type", " type='unix'" }, { SERIAL_IN, "port", "<target port='1'/>" }, { SERIAL_IN, "log", "<log file='/l'/>" },
	{ CHANNEL_IN, "connect", " mode='connect'" }, { CHANNEL_IN, "seclabel", " seclabel='x'" },
	{ VNC, "port", " port='5901'" }, { VNC, "listen", " listen='0.0.0.0'" }, { VNC, "keymap", " keymap='de'" }, { VNC, "socket", " socket='/s'" }, { VNC, "passwd", " passwd='x'" }, { VNC, "passwdValidTo", " passwdValidTo='2030-01-01T00:00:00'" },
	{ VNC, "sharePolicy", " sharePolicy='ignore'" }, { VNC, "websocket", " websocket='5700'" }, { VNC, "powerControl", " powerControl='yes'" }, { VNC, "connected", " connected='keep'" }, { VNC, "autoport", " port='5902' autoport='no'" },
	{ VNC_IN, "listen", "<listen type='address' address='0.0.0.0'/>" }, { VNC_IN, "type", "<listen type='network' network='n'/>" }, { VNC_IN, "listen", "<listen type='address' address='10.0.0.1'/><listen type='address' address='10.0.0.2'/>" }, { VNC_IN, "audio", "<audio id='1'/>" },
	{ SPICE, "port", " port='5930'" }, { SPICE, "tlsPort", " tlsPort='5931'" }, { SPICE, "defaultMode", " defaultMode='secure'" }, { SPICE_IN, "channel", "<channel name='main' mode='secure'/>" }, { SPICE_IN, "image", "<image compression='off'/>" },
	{ SPICE_IN, "jpeg", "<jpeg compression='never'/>" }, { SPICE_IN, "zlib", "<zlib compression='never'/>" }, { SPICE_IN, "playback", "<playback compression='on'/>" }, { SPICE_IN, "streaming", "<streaming mode='all'/>" }, { SPICE_IN, "mouse", "<mouse mode='client'/>" },
	{ SPICE_IN, "clipboard", "<clipboard copypaste='yes'/>" }, { SPICE_IN, "filetransfer", "<filetransfer enable='no'/>" }, { SPICE_IN, "gl", "<gl enable='yes'/>" },
	{ SDL, "display", " display=':1'" }, { SDL, "xauth", " xauth='/x'" }, { SDL, "fullscreen", " fullscreen='yes'" },
	{ VIDEO, "driver", " driver='x'" }, { VIDEO_MODEL, "vram", " vram='8192'" }, { VIDEO_MODEL, "ram", " ram='8192'" }, { VIDEO_MODEL, "vgamem", " vgamem='8192'" }, { VIDEO_MODEL, "heads", " heads='2'" }, { VIDEO_MODEL, "primary", " primary='no'" }, { VIDEO_MODEL, "blob", " blob='on'" },
	{ INPUT, "bus", " bus='usb'" }, { INPUT, "bus", " bus='virtio'" }, { INPUT, "model", " model='x'" },
	{ CONTROLLER, "model", " model='virtio-scsi'" }, { CONTROLLER, "ports", " ports='4'" }, { CONTROLLER, "index", " index='1'" }, { XENBUS, "maxGrantFrames", " maxGrantFrames='40'" }, { XENBUS, "maxEventChannels", " maxEventChannels='1000'" },
	{ HOSTDEV, "managed", " managed='yes'" }, { HOSTDEV_IN, "rom", "<rom bar='off'/>" }, { HOSTDEV_IN, "boot", "<boot order='1'/>" }, { HOSTDEV_IN, "driver", "<driver name='vfio'/>" }, { HOSTDEV_IN, "teaming", "<teaming/>" },
	{ FILESYSTEM, "type", " type='template'" }, { FILESYSTEM, "accessmode", " accessmode='mapped'" }, { FILESYSTEM, "fmode", " fmode='644'" }, { FILESYSTEM, "multidevs", " multidevs='remap'" }, { FILESYSTEM_IN, "readonly", "<readonly/>" },
	{ FILESYSTEM_IN, "driver", "<driver type='path'/>" }, { FILESYSTEM_IN, "space_hard_limit", "<space_hard_limit>1</space_hard_limit>" },
	{ DEVICES, "sound", "<sound model='ac97'/>" }, { SOUND, "multichannel", " multichannel='yes'" }, { BALLOON, "autodeflate", " autodeflate='on'" }, { BALLOON, "freePageReporting", " freePageReporting='on'" },
};

/* What says what is so anyway. */
static const struct item same[] = {
	{ ROOT, "", " id='3'" }, { LOADER, "", " readonly='yes'" }, { LOADER, "", " secure='no'" }, { CPU, "", " mode='host-passthrough' check='none' migratable='on'" },
	{ VCPU, "", " placement='static'" }, { VCPU, "", " placement='auto'" }, /* as numa_nodes= chooses */
	{ TOP, "", "<clock offset='utc'/>" }, { CLOCK, "", " adjustment='reset'" }, { TIMER_TSC, "", " mode='auto'" },
	{ DISK, "", " device='disk'" }, { DISK_DRIVER, "", " cache='none'" }, { DISK_DRIVER, "", " discard='unmap'" }, { DISK_TARGET, "", " bus='xen'" }, { DISK_SOURCE, "", " index='1'" },
	{ DISK_IN, "", "<alias name='a'/><address type='drive' controller='0'/>" }, { NIC_IN, "", "<alias name='a'/>" }, { NIC_IP, "", " family='ipv4'" },
	{ CONSOLE, "", " tty='/dev/pts/1'" }, { CONSOLE_IN, "", "<source path='/dev/pts/1'/><target type='xen' port='0'/>" },
	{ SERIAL_IN, "", "<source path='/dev/pts/1'/><target type='isa-serial' port='0'><model name='isa-serial'/></target>" },
	{ CHANNEL_IN, "", " mode='bind'" }, { VNC, "", " port='-1' autoport='yes'" }, { VIDEO_MODEL, "", " heads='1' primary='yes'" }, { CONTROLLER, "", " index='0' model='lsilogic'" }, { XENBUS, "", " index='0'" },
	{ HOSTDEV, "", " managed='no'" }, { HOSTDEV_IN, "", "<driver name='xen'/>" }, { FILESYSTEM, "", " type='mount' accessmode='passthrough'" },
};

/* The text in the place of %s, if there is one. */
static size_t put_in(char *buf, size_t len, const char *place, const char *text)
{
	const char *at = strstr(place, "%s");

	return (size_t)(at ? snprintf(buf, len, "%.*s%s%s", (int)(at - place), place, text, at + 2) : snprintf(buf, len, "%s", place));
}

static void write_document(char *buf, size_t len, const struct item *item, const char *text, bool hvm)
{
	bool in_os = item->place == OS || item->place == LOADER, is_attr = in_os && !*item->text;
	const char *what = in_os ? text : "", *type = hvm ? "hvm" : "linux";
	size_t n = (size_t)snprintf(buf, len, HEAD, item->place == ROOT ? text : "");

	if (is_attr && *text) /* of <os> or of its <type> */
		n += (size_t)snprintf(buf + n, len - n, "<os%s><type%s>%s</type>", !strcmp(item->name, "firmware") ? " firmware='efi'" : "",
				      !strcmp(item->name, "arch") ? " arch='ppc64'" : !strcmp(item->name, "machine") ? " machine='q35'" : "", type);
	else
		n += (size_t)snprintf(buf + n, len - n, "<os><type>%s</type>", type);
	if (item->place == LOADER)
		n += (size_t)snprintf(buf + n, len - n, "<loader%s>/l</loader>", what);
	else if (!is_attr)
		n += (size_t)snprintf(buf + n, len - n, "%s", what);
	n += (size_t)snprintf(buf + n, len - n, "%s</os>\n", hvm ? "" : "<kernel>/k</kernel>");
	n += put_in(buf + n, len - n, places[item->place], text);
	snprintf(buf + n, len - n, "</domain>");
}

/* NULL: refused. The caller frees it. */
static char *read_as_text(const char *document, struct uvp_error *err)
{
	struct uvp_config *config = NULL;
	char *text = NULL;

	warnings[0] = '\0';
	if (uvp_config_parse("t", document, strlen(document), NULL, 0, collect, NULL, &config, err) < 0)
		return NULL;
	ck_assert_int_eq(uvp_config_write_xlcfg(config, &text, err), 0);
	uvp_config_free(config);
	return text;
}

/* Whether it could be seen with a guest of that kind: what it stands in is accepted. */
static bool check_item(const struct item *item, bool hvm, bool expect_same)
{
	struct uvp_error err = UVP_ERROR_INIT, base_err = UVP_ERROR_INIT;
	char document[4096], said[sizeof(warnings)], *before, *after;
	bool seen;

	write_document(document, sizeof(document), item, "", hvm);
	before = read_as_text(document, &base_err);
	memcpy(said, warnings, sizeof(said));
	write_document(document, sizeof(document), item, *item->text ? item->text : "x", hvm);
	after = read_as_text(document, &err);
	if (expect_same)
		complain_unless(before ? after && !strcmp(before, after) && !strcmp(warnings, said) : !strcmp(err.message, base_err.message),
			      "%s\nis not the same: %s%s\n%s\n%s\n\n", document, warnings, err.message, before ? before : "", after ? after : "");
	else if (!after)
		complain_unless(strstr(err.message, item->name) || !before, "%s\nis refused, but not as '%s': %s\n\n", document, item->name, err.message);
	else
		complain_unless(strstr(warnings, item->name) || !before || strcmp(before, after) != 0, "%s\n'%s' is ignored in silence: %s\n\n", document,
			      item->name, warnings);
	seen = before || (!after && strstr(err.message, item->name) && !strstr(base_err.message, item->name));
	free(before);
	free(after);
	return seen;
}

START_TEST(nothing_is_ignored_in_silence)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(items); i++) {
		bool hvm = check_item(&items[i], true, false), pv = check_item(&items[i], false, false);

		complain_unless(hvm || pv, "'%s': what '%s' stands in is refused\n\n", items[i].name, items[i].text);
	}
	ck_assert_int_eq(complaints, 0);
}
END_TEST

START_TEST(what_is_so_anyway_is_taken_without_a_word)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(same); i++) {
		check_item(&same[i], true, true);
		if (same[i].place != LOADER)
			check_item(&same[i], false, true);
	}
	ck_assert_int_eq(complaints, 0);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, no_schema, NULL);
	tcase_add_test(tc, nothing_is_ignored_in_silence);
	tcase_add_test(tc, what_is_so_anyway_is_taken_without_a_word);
}
UNIT_MAIN("xml_all", add_tests);
