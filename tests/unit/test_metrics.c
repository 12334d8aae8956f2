/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exporter without a socket: requests, the text of a sample with 500 guests and names that break out, addresses. With
 * UVP_METRICS_DIR the texts are left there for other programs to read. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "hostd/conf.h"
#include "hostd/http.h"
#include "hostd/listen.h"
#include "hostd/openmetrics.h"
#include "tests/unit/unit.h"

#define GUESTS 500

static struct hostd_http_request request;

static int read_text(const char *text)
{
	request = (struct hostd_http_request){ 0 };
	return hostd_http_read(text, strlen(text), &request);
}

START_TEST(http_requests_that_are_understood)
{
	ck_assert_int_eq(read_text("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAccept: text/plain;q=0.5,\tApplication/OpenMetrics-Text;version=1.0.0 ;q=0.8\r\n\r\n"), 200);
	ck_assert_str_eq(request.path, "/metrics");
	ck_assert(request.openmetrics && !request.head);
	ck_assert_int_eq(read_text("HEAD / HTTP/1.0\n\n"), 200);
	ck_assert(request.head && !request.openmetrics);
	ck_assert_int_eq(read_text("GET /metrics HTTP/1.1\r\naccept: application/openmetrics-text; q=0.0, */*\r\nContent-Length: 0\r\n\r\nGET"), 200);
	ck_assert(!request.openmetrics);
}
END_TEST

START_TEST(http_requests_that_come_in_pieces)
{
	static const char text[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

	for (size_t len = 0; len < sizeof(text) - 1; len++)
		ck_assert_int_eq(hostd_http_read(text, len, &request), 0);
	ck_assert_int_eq(hostd_http_read(text, sizeof(text) - 1, &request), 200);
}
END_TEST

START_TEST(http_requests_that_are_refused)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "POST /metrics HTTP/1.1\r\n\r\n", 405 },
		{ "GET metrics HTTP/1.1\r\n\r\n", 400 },
		{ "GET  HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1 \r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\n\r\n", 505 },
		{ "GET /\r\n\r\n", 400 },
		{ "\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nA: b\r\n goes on\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nA : b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413 },
		{ "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 413 },
		{ "GET /0123456789012345678901234567890123456789012345678901234567890123 HTTP/1.1\r\n\r\n", 404 },
	};
	static char longest[HOSTD_HTTP_MAX];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++)
		ck_assert_msg(read_text(cases[i].text) == cases[i].status, "%s gives %d", cases[i].text, read_text(cases[i].text));
	ck_assert_int_eq(hostd_http_read("GET\0", 4, &request), 400);
	memset(longest, 'a', sizeof(longest));
	ck_assert_int_eq(hostd_http_read(longest, sizeof(longest) - 1, &request), 0);
	ck_assert_int_eq(hostd_http_read(longest, sizeof(longest), &request), 431);
}
END_TEST

START_TEST(http_heads_fit)
{
	char buf[512], type[99];

	memset(type, 't', sizeof(type) - 1);
	type[sizeof(type) - 1] = '\0';
	ck_assert_uint_lt(hostd_http_head(405, type, SIZE_MAX, buf, sizeof(buf)), sizeof(buf));
	ck_assert(strstr(buf, "\r\nAllow: GET, HEAD\r\n") && strstr(buf, "close\r\n\r\n"));
}
END_TEST

/* ---- the text ---- */

static char names[GUESTS + 1][32];
static struct uvp_domain_info infos[GUESTS + 1];
static struct uvp_stats_device devices[2 * GUESTS];
static struct uvp_stats_cpu cpus[3] = {
	{ .cpu = 0, .online = true, .idle_ns = 1234567890123 }, { .cpu = 1 }, { .cpu = 2, .online = true, .idle_ns = 5 },
};
static struct uvp_stats_node nodes[2] = { { 0, 1 << 30, 77 }, { 1, 1 << 30, 0 } };
static struct uvp_stats stats = {
	.total_memory = UINT64_C(1) << 42, .free_memory = 3, .n_cpus = 3, .cpus = cpus, .devices = devices, .n_nodes = 2, .nodes = nodes, .spread_ns = 21000,
	.domains = { .domains = infos },
};
static const struct hostd_sample sample = { .stats = &stats, .wall_ns = INT64_C(1790000000000000007), .taken = 9, .failures = 2, .xen_ns = 5000000007 };
static const struct hostd_self self = { .store_up = 1 };

static void fill(size_t guests)
{
	stats.domains.n = guests + 1;
	stats.n_devices = 2 * guests;
	for (uint32_t i = 0; i <= guests; i++) {
		snprintf(names[i], sizeof(names[i]), i ? "guest%u" : "Domain-0", i);
		infos[i] = (struct uvp_domain_info){
			.id = i, .name = names[i], .type = UVP_TYPE_PV, .vcpus = 2, .cpu_time_ns = i * UINT64_C(1000000001),
			.memory_bytes = 128 << 20, .max_memory_bytes = 256 << 20, .target_bytes = 64 << 20, .most_bytes = 512 << 20,
		};
		if (!i)
			continue;
		devices[2 * i - 2] = (struct uvp_stats_device){ .domid = i, .disk = true, .name = "xvda", .reads = 7, .read_bytes = UINT64_MAX };
		devices[2 * i - 1] = (struct uvp_stats_device){ .domid = i, .reads = 8, .write_bytes = 9 };
		snprintf(devices[2 * i - 1].name, sizeof(devices[0].name), "vif%u.0", i);
	}
}

static char *text_of(bool openmetrics)
{
	size_t len;
	char *text = hostd_openmetrics(&sample, &self, openmetrics, &len);

	ck_assert(text && strlen(text) == len);
	return text;
}

static void leave(const char *name, const char *text)
{
	const char *dir = getenv("UVP_METRICS_DIR");
	char path[4096];
	FILE *file;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

#define HAS(text, what) ck_assert_msg(strstr(text, what) != NULL, "there is no %s", what)

START_TEST(text_of_500_guests)
{
	_cleanup_free_ char *plain = NULL, *openmetrics = NULL;
	size_t samples = 0;

	fill(GUESTS);
	infos[3].name = "a\"b\\c\nd\xff\x1b[31m\xc3\xa9";
	infos[4].name = NULL;
	infos[5].state = UVP_STATE_SHUT_DOWN;
	infos[5].reason = UVP_REASON_CRASH;
	infos[6].target_bytes = infos[6].most_bytes = 0; /* nobody knows */
	infos[6].max_memory_bytes = 0; /* it moves */
	devices[2 * GUESTS - 1].domid = 70000; /* its domain has ended */
	plain = text_of(false);
	openmetrics = text_of(true);
	HAS(plain, "# TYPE xlx_domain_cpu_seconds_total counter\n");
	HAS(plain, "# TYPE xlx_build_info gauge\n");
	ck_assert(!strstr(plain, "# EOF") && !strstr(plain, "# UNIT"));
	HAS(openmetrics, "# TYPE xlx_domain_cpu_seconds counter\n# UNIT xlx_domain_cpu_seconds seconds\n# HELP xlx_domain_cpu_seconds ");
	HAS(openmetrics, "# TYPE xlx_domain info\n");
	ck_assert_str_eq(openmetrics + strlen(openmetrics) - 6, "# EOF\n");
	HAS(plain, "xlx_cpu_idle_seconds_total{cpu=\"0\"} 1234.567890123\n");
	HAS(plain, "xlx_cpu_idle_seconds_total{cpu=\"2\"} 0.000000005\n");
	ck_assert(!strstr(plain, "cpu=\"1\""));
	HAS(plain, "xlx_sample_timestamp_seconds 1790000000.000000007\n");
	HAS(plain, "\nxlx_host_cpus 2\n");
	HAS(plain, "\nxlx_host_xen_cpu_seconds_total 5.000000007\n");
	HAS(plain, "\nxlx_sample_spread_seconds 0.000021000\n");
	HAS(plain, "\nxlx_node_memory_free_bytes{node=\"0\"} 77\n");
	HAS(plain, "xlx_domain_memory_target_bytes{name=\"guest2\",uuid=\"00000000-0000-0000-0000-000000000000\",domid=\"2\"} 67108864\n");
	HAS(plain, "xlx_domain_cpu_seconds_total{name=\"guest2\",uuid=\"00000000-0000-0000-0000-000000000000\",domid=\"2\"} 2.000000002\n");
	HAS(plain, "name=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xef\xbf\xbd[31m\xc3\xa9\",uuid");
	HAS(plain, "{name=\"\",uuid=");
	HAS(plain, "domid=\"5\",state=\"shut-down\",reason=\"crash\"} 1\n");
	HAS(plain, "domid=\"2\",device=\"xvda\"} 18446744073709551615\n");
	ck_assert(!strstr(plain, "70000"));
	HAS(plain, "xlx_domain_memory_static_max_bytes{name=\"guest5\"");
	HAS(plain, "xlx_domain_memory_max_bytes{name=\"guest5\"");
	ck_assert(!strstr(plain, "_memory_max_bytes{name=\"guest6\""));
	ck_assert(!strstr(plain, "_target_bytes{name=\"guest6\"") && !strstr(plain, "_static_max_bytes{name=\"guest6\""));
	for (const char *line = strchr(plain, '\n'); line; line = strchr(line + 1, '\n'))
		samples += line[1] != '#';
	ck_assert_uint_gt(samples, GUESTS * 14);
	leave("text", plain);
	leave("openmetrics", openmetrics);
}
END_TEST

START_TEST(text_without_guests)
{
	_cleanup_free_ char *text = NULL;

	fill(0);
	text = text_of(true);
	HAS(text, "# TYPE xlx_domain_disk_reads counter\n");
	HAS(text, "\nxlx_host_domains 1\n");
	leave("empty", text);
}
END_TEST

/* ---- addresses ---- */

static int parse(const char *text, struct hostd_address *ret)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r = hostd_listen_parse(text, "metrics_listen", ret, &err);

	ck_assert((r < 0) == (err.message[0] != '\0'));
	return r;
}

START_TEST(addresses)
{
	static const char *const wrong[] = { "", "9709", ":9709", "localhost", "localhost:", "localhost:0", "localhost:65536", "localhost:x",
					     "example.org:80", "[::1]", "run/uvp.sock", "1.2.3:x:4" };
	struct hostd_address address;
	char path[256];

	ck_assert(parse("off", &address) == 0 && !address.len);
	ck_assert(parse("localhost:9709", &address) == 0);
	ck_assert_uint_eq(ntohl(((struct sockaddr_in *)&address.sa)->sin_addr.s_addr), INADDR_LOOPBACK);
	ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&address.sa)->sin_port), 9709);
	ck_assert(parse("[::1]:1", &address) == 0 && address.sa.ss_family == AF_INET6);
	ck_assert(parse("/run/uvp/metrics", &address) == 0 && address.sa.ss_family == AF_UNIX);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(wrong); i++)
		ck_assert_msg(parse(wrong[i], &address) == -UVP_E_INVALID, "'%s' passes", wrong[i]);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(parse(path, &address), -UVP_E_INVALID);
}
END_TEST

START_TEST(settings)
{
	struct hostd_conf conf;
	struct uvp_error err = UVP_ERROR_INIT;

	hostd_conf_init(&conf);
	ck_assert_str_eq(conf.metrics_listen, "localhost:9709");
	ck_assert_int_eq(hostd_conf_set(&conf, "metrics_listen = off", &err), 0);
	ck_assert_str_eq(conf.metrics_listen, "off");
	ck_assert_int_eq(hostd_conf_set(&conf, "metrics_listen = here", &err), -UVP_E_INVALID);
	ck_assert_msg(strstr(err.message, "metrics_listen is 'here'") != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_socket_of_an_earlier_life_is_replaced_and_files_are_not)
{
	char folder[] = "/tmp/uvp-metrics-XXXXXX", path[64];
	struct hostd_address address;
	struct uvp_error err = UVP_ERROR_INIT;
	struct stat status;
	int first, second;

	ck_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/socket", folder);
	ck_assert(parse(path, &address) == 0 && hostd_listen_open(&address, &first, &err) == 0);
	ck_assert(hostd_listen_open(&address, &second, &err) == 0);
	close(first);
	hostd_listen_close(&address, second);
	ck_assert(lstat(path, &status) < 0 && errno == ENOENT);
	fclose(fopen(path, "we"));
	ck_assert_int_lt(hostd_listen_open(&address, &second, &err), 0);
	ck_assert_int_eq(err.sys_errno, EADDRINUSE);
	unlink(path);
	rmdir(folder);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, http_requests_that_are_understood);
	tcase_add_test(tcase, http_requests_that_come_in_pieces);
	tcase_add_test(tcase, http_requests_that_are_refused);
	tcase_add_test(tcase, http_heads_fit);
	tcase_add_test(tcase, text_of_500_guests);
	tcase_add_test(tcase, text_without_guests);
	tcase_add_test(tcase, addresses);
	tcase_add_test(tcase, settings);
	tcase_add_test(tcase, a_socket_of_an_earlier_life_is_replaced_and_files_are_not);
}

UNIT_MAIN("metrics", add_tests);
