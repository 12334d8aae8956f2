/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The least that xlx's operations can cost: the same hypercalls and the same requests to xenstored from a bare loop in one
 * process, without names, checks, files or records, on connections that are open. Prints lines `OPERATION MICROSECONDS`,
 * for a PVH guest of 4 MiB from the kernel that the first argument names, as often as the second, a digit, says. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenguest.h>
#include <xen/hvm/e820.h>
#include <xen/io/xs_wire.h>

#include "build/acpi.h"
#include "build/layout.h"

#define KIB 4096
#define LISTED 1024
#define CONFIG "name=\"floor\"\ntype=\"pvh\"\nkernel=\"/guests/tiny-pvh\"\nmemory=4\nvcpus=1\n"

static xc_interface *xc;
static int store_fd;
static void *kernel;
static size_t kernel_len;
static char batch[8192];
static size_t batch_len;
static int batched;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void must(int r, const char *what)
{
	if (r < 0)
		die(what);
}

/* ---- xenstored ---- */

static void connect_store(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket" };

	store_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (store_fd < 0 || connect(store_fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("xenstored");
}

static void request(uint32_t type, const void *body, size_t len)
{
	struct xsd_sockmsg head = { .type = type, .req_id = (uint32_t)batched, .len = (uint32_t)len };

	if (batch_len + sizeof(head) + len > sizeof(batch))
		die("a batch is too small");
	memcpy(batch + batch_len, &head, sizeof(head));
	memcpy(batch + batch_len + sizeof(head), body, len);
	batch_len += sizeof(head) + len;
	batched++;
}

/* A path with its NUL; what follows it in fmt after another NUL is the value, as %c with 0 makes one. */
static void ask(uint32_t type, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void ask(uint32_t type, const char *fmt, ...)
{
	char body[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(body, sizeof(body), fmt, ap);
	va_end(ap);
	request(type, body, (size_t)len + (type != XS_WRITE));
}

static void run_batch(void)
{
	char answers[8192];
	size_t have = 0, at = 0;
	struct xsd_sockmsg head;

	if (write(store_fd, batch, batch_len) != (ssize_t)batch_len)
		die("xenstored");
	while (batched) {
		ssize_t n = read(store_fd, answers + have, sizeof(answers) - have);

		if (n <= 0)
			die("xenstored");
		have += (size_t)n;
		while (batched && have - at >= sizeof(head)) {
			memcpy(&head, answers + at, sizeof(head));
			if (have - at < sizeof(head) + head.len)
				break;
			at += sizeof(head) + head.len;
			batched--;
		}
	}
	batch_len = 0;
}

/* ---- operations ---- */

static const char *uuid_text(uint32_t domid)
{
	static char text[40];

	snprintf(text, sizeof(text), "f1000000-0000-4000-8000-%012" PRIx32, domid);
	return text;
}

static uint32_t make_empty(void)
{
	struct xen_domctl_createdomain create = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = XEN_DOMCTL_GRANT_version(2), .arch.emulation_flags = XEN_X86_EMU_LAPIC,
		.handle = { 0xf1 },
	};
	xc_physinfo_t phys = { 0 };
	uint32_t domid = 0;

	must(xc_physinfo(xc, &phys), "physinfo");
	must(xc_domain_create(xc, &domid, &create), "create");
	must(xc_domain_max_vcpus(xc, domid, 1), "vcpus");
	must(xc_domain_setmaxmem(xc, domid, KIB + 1024), "maxmem");
	must(xc_hvm_param_set(xc, domid, HVM_PARAM_TIMER_MODE, 1), "timer mode");
	must(xc_set_paging_mempool_size(xc, domid, uvpi_paging_kib(1, KIB, true) * 1024), "paging pool");
	must(xc_cpuid_apply_policy(xc, domid, false, NULL, 0, true, false, false, NULL, NULL), "cpuid");
	return domid;
}

static struct xc_dom_image *build(uint32_t domid, int store_port, int console_port)
{
	static uint8_t acpi[UVPI_ACPI_SIZE];
	static struct e820entry e820[UVPI_PVH_RANGES_MAX];
	struct uvpi_pvh_layout layout;
	struct xc_dom_image *dom = xc_dom_allocate(xc, NULL, NULL);

	if (!dom)
		die("memory");
	dom->container_type = XC_DOM_HVM_CONTAINER;
	dom->claim_enabled = 1;
	dom->max_vcpus = 1;
	must(xc_dom_boot_xen_init(dom, xc, domid), "xen");
	dom->xenstore_evtchn = (unsigned int)store_port;
	dom->console_evtchn = (unsigned int)console_port;
	must(xc_dom_kernel_mem(dom, kernel, kernel_len), "kernel");
	must(xc_dom_parse_image(dom), "parse");
	must(xc_dom_mem_init(dom, 1), "memory");
	dom->total_pages = dom->target_pages = KIB / 4;
	uvpi_pvh_layout(KIB * 1024, UVPI_ACPI_SIZE, false, &layout);
	dom->mmio_start = layout.mmio_start;
	dom->mmio_size = layout.mmio_size;
	dom->lowmem_end = layout.lowmem_end;
	dom->highmem_end = layout.highmem_end;
	must(xc_dom_boot_mem_init(dom), "filling");
	uvpi_acpi_build(acpi, UVPI_ACPI_BASE, 1, 1);
	dom->acpi_modules[0] = (struct xc_hvm_firmware_module){ acpi, UVPI_ACPI_SIZE, UVPI_ACPI_BASE };
	for (uint32_t i = 0; i < layout.n_ranges; i++)
		e820[i] = (struct e820entry){ layout.ranges[i].addr, layout.ranges[i].size, layout.ranges[i].type };
	must(xc_domain_set_memory_map(xc, domid, e820, layout.n_ranges), "memory map");
	dom->e820 = e820;
	dom->e820_entries = layout.n_ranges;
	must(xc_dom_build_image(dom), "image");
	must(xc_dom_boot_image(dom), "boot");
	must(xc_dom_gnttab_init(dom), "grants");
	return dom;
}

static void put_nodes(uint32_t domid, uint64_t frame, int port, const char *uuid)
{
	static const char *const guest[] = { "control/platform-feature-xs_reset_watches", "data", "attr", "error" };

	ask(XS_WRITE, "/uvp/domain/%u/uuid%c%s", domid, 0, uuid);
	ask(XS_WRITE, "/uvp/domain/%u/config/0%c" CONFIG, domid, 0);
	ask(XS_MKDIR, "/local/domain/%u", domid);
	ask(XS_SET_PERMS, "/local/domain/%u%cn%u", domid, 0, domid);
	for (size_t i = 0; i < 4; i++)
		ask(XS_WRITE, "/local/domain/%u/%s%c%s", domid, guest[i], 0, i ? "" : "1");
	ask(XS_SET_PERMS, "/local/domain/%u%cn0%cr%u", domid, 0, 0, domid);
	ask(XS_WRITE, "/local/domain/%u/vm%c/vm/%s", domid, 0, uuid);
	ask(XS_WRITE, "/local/domain/%u/name%cfloor", domid, 0);
	ask(XS_WRITE, "/local/domain/%u/domid%c%u", domid, 0, domid);
	ask(XS_WRITE, "/local/domain/%u/memory/static-max%c%d", domid, 0, KIB);
	ask(XS_WRITE, "/local/domain/%u/memory/target%c%d", domid, 0, KIB);
	ask(XS_WRITE, "/local/domain/%u/cpu/0/availability%conline", domid, 0);
	ask(XS_WRITE, "/local/domain/%u/console/limit%c1048576", domid, 0);
	ask(XS_WRITE, "/local/domain/%u/console/port%c%d", domid, 0, port);
	ask(XS_WRITE, "/local/domain/%u/console/ring-ref%c%" PRIu64, domid, 0, frame);
	ask(XS_WRITE, "/vm/%s/start_time%c1", uuid, 0);
	ask(XS_WRITE, "/libxl/%u/type%cpvh", domid, 0);
	run_batch();
}

static uint32_t create(void)
{
	uint32_t domid = make_empty();
	int store_port = xc_evtchn_alloc_unbound(xc, domid, 0), console_port = xc_evtchn_alloc_unbound(xc, domid, 0);
	struct xc_dom_image *dom = build(domid, store_port, console_port);

	put_nodes(domid, dom->console_pfn, console_port, uuid_text(domid));
	ask(XS_INTRODUCE, "%u%c%" PRIu64 "%c%d", domid, 0, (uint64_t)dom->xenstore_pfn, 0, store_port);
	run_batch();
	xc_dom_release(dom);
	must(xc_domain_unpause(xc, domid), "unpause");
	return domid;
}

static void list(void)
{
	static xc_domaininfo_t infos[LISTED];

	must(xc_domain_getinfolist(xc, 0, LISTED, infos), "list");
}

/* As every command that is given a name makes sure of it. */
static void look(uint32_t domid)
{
	xc_domaininfo_t info;

	must(xc_domain_getinfolist(xc, domid, 1, &info), "look");
	ask(XS_READ, "/local/domain/%u/name", domid);
	run_batch();
}

static void pause_by_name(uint32_t domid)
{
	look(domid);
	must(xc_domain_pause(xc, domid), "pause");
}

static void destroy(uint32_t domid)
{
	const char *uuid = uuid_text(domid);
	xc_domaininfo_t info;

	look(domid);
	must(xc_domain_pause(xc, domid), "pause");
	ask(XS_READ, "/local/domain/%u/vm", domid);
	ask(XS_READ, "/uvp/domain/%u/uuid", domid);
	run_batch();
	ask(XS_DIRECTORY, "/local/domain/0/backend");
	ask(XS_DIRECTORY, "/uvp/device");
	ask(XS_DIRECTORY, "/libxl/%u/device", domid);
	ask(XS_DIRECTORY, "/local/domain/%u/device", domid);
	ask(XS_DIRECTORY, "/uvp/domain/%u/device", domid);
	run_batch();
	ask(XS_RM, "/vm/%s", uuid);
	ask(XS_RM, "/libxl/%u", domid);
	ask(XS_RM, "/local/domain/0/device-model/%u", domid);
	ask(XS_RM, "/local/domain/%u", domid);
	ask(XS_RM, "/uvp/domain/%u", domid);
	run_batch();
	while (xc_domain_destroy(xc, domid) < 0)
		if (errno != EAGAIN)
			die("destroy");
	xc_domain_getinfolist(xc, domid, 1, &info);
}

/* ---- measuring ---- */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t told(const char *what, int64_t since)
{
	printf("%s %" PRId64 "\n", what, now_us() - since);
	sleep(1); /* what daemons have still to do is nobody's cost */
	return now_us();
}

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, times = argc == 3 ? argv[2][0] - (int)48 : 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die("usage: floor KERNEL TIMES");
	kernel_len = (size_t)st.st_size;
	kernel = mmap(NULL, kernel_len, PROT_READ, MAP_PRIVATE, fd, 0);
	xc = xc_interface_open(NULL, NULL, 0);
	if (kernel == MAP_FAILED || !xc)
		die("Xen");
	connect_store();
	for (int i = 0; i < times; i++) {
		int64_t since = now_us();
		uint32_t domid = create();

		since = told("create", since);
		list();
		since = told("list", since);
		pause_by_name(domid);
		since = told("pause-by-name", since);
		must(xc_domain_unpause(xc, domid), "unpause");
		since = told("unpause", since);
		destroy(domid);
		told("destroy", since);
	}
	return 0;
}
