/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the 'xlx cpu' commands have policies from, and how they print sets of features. */
#ifndef XLX_CPU_SOURCE_H
#define XLX_CPU_SOURCE_H

#include "cpu/policy.h"
#include "xlx/cmd.h"

/* A file: what has a '/' in it or ends in ".json". */
bool cpu_is_file(const char *text);
/* What this host, or the one domain, has. free() it; 0, or an exit status after the error was printed. */
int cpu_of_host(struct uvpi_policies **ret_policies);
int cpu_of_domain(const char *name, struct uvpi_policies **ret_policies);
int cpu_of_file(const char *path, struct uvpi_policies **ret_policies);
/* A file; "localhost", which is this host; or another host, which ssh asks. */
int cpu_of_source(const char *text, struct uvpi_policies **ret_policies);

/* Names, several a line, each line indented. Returns how many. */
int cpu_print_features(const struct uvpi_featureset *set, const char *indent);
/* "AuthenticAMD family 25 model 1 stepping 1, AMD EPYC ..." */
void cpu_processor_text(const struct uvpi_policy *policy, char *buf, size_t size);

#endif
