/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of libxc's stream, docs/specs/libxc-migration-stream.pandoc of Xen's source. */
#ifndef UVPI_STREAM_XENFORMAT_H
#define UVPI_STREAM_XENFORMAT_H

#define UVPI_XEN_IMAGE_HEADER 24
#define UVPI_XEN_DOMAIN_HEADER 16
#define UVPI_XEN_RECORD 8

enum {
	UVPI_XEN_END = 0,
	UVPI_XEN_PAGE_DATA = 1,
	UVPI_XEN_TSC_INFO = 8,
	UVPI_XEN_HVM_CONTEXT = 9,
	UVPI_XEN_HVM_PARAMS = 10,
	UVPI_XEN_STATIC_DATA_END = 16,
	UVPI_XEN_CPUID_POLICY = 17,
	UVPI_XEN_MSR_POLICY = 18,
};

#endif
