/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The features of a CPU as Xen numbers them: their names, where CPUID and MSRs tell them, and which of them need which
 * others. Pure. Numbers and names come from the hypervisor's public header, so that a new Xen brings its new ones. */
#ifndef UVPI_FEATURE_H
#define UVPI_FEATURE_H

#include <stdbool.h>
#include <stdint.h>

#define UVPI_FEATURE_WORDS 19
#define UVPI_FEATURES (UVPI_FEATURE_WORDS * 32)
#define UVPI_FEATURE_NAME 32 /* bytes */
#define UVPI_NO_SUBLEAF UINT32_MAX
#define UVPI_MSR_ARCH_CAPS 0x10au

enum uvpi_reg { UVPI_EAX, UVPI_EBX, UVPI_ECX, UVPI_EDX };

/* Where a word of a featureset is read; with an MSR, EAX and EDX are its halves. */
struct uvpi_feature_word {
	uint32_t leaf, subleaf;
	enum uvpi_reg reg;
	uint32_t msr; /* 0: a CPUID leaf */
};
extern const struct uvpi_feature_word uvpi_feature_words[UVPI_FEATURE_WORDS];

struct uvpi_featureset {
	uint32_t words[UVPI_FEATURE_WORDS];
};

/* "sse4_1": lower case, as Linux has it where it has it too. buf, or NULL for a bit without a name. */
const char *uvpi_feature_name(unsigned int bit, char buf[UVPI_FEATURE_NAME]);
/* The number of a feature, -1 if there is none of that name. '-' and '_' are the same, and older names, libvirt's and QEMU's
 * are understood too. */
int uvpi_feature_by_name(const char *name);
/* All names, for "did you mean"; ends in NULL. Made at the first call; not thread-safe. */
const char *const *uvpi_feature_all_names(void);

bool uvpi_featureset_has(const struct uvpi_featureset *set, unsigned int bit);
void uvpi_featureset_put(struct uvpi_featureset *set, unsigned int bit, bool value);
/* Take out whatever needs a feature that is not there, directly or over others. */
void uvpi_featureset_close(struct uvpi_featureset *set);
/* Put in whatever the feature needs, and the feature. */
void uvpi_featureset_add(struct uvpi_featureset *set, unsigned int bit);
/* Does the bit tell of a weakness, so that of two hosts the one that has it counts? */
bool uvpi_feature_is_weakness(unsigned int bit);
/* Does the bit say how the CPU, or its microcode, deals with leaks by speculation? */
bool uvpi_feature_is_mitigation(unsigned int bit);

#endif
