/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tls/word.h"

#include <stdio.h>
#include <string.h>

#include "migrate/known.h"

static const struct {
	const char *word, *text;
} verdicts[TLS_VERDICTS] = {
	[TLS_YES] = { "yes", "its certificate is known" },
	[TLS_UNKNOWN] = { "unknown", "its certificate is not one of those in /etc/uvp/tls/peers" },
	[TLS_EXPIRED] = { "expired", "its certificate has expired" },
	[TLS_TOO_EARLY] = { "early", "its certificate is not valid yet: one of the clocks is wrong" },
	[TLS_NONE] = { "none", "it showed no certificate" },
	[TLS_SLOW] = { "slow", "it did not complete the greeting in time" },
	[TLS_BROKEN] = { "broken", "it does not speak TLS 1.3, or hung up" },
	[TLS_OURS] = { "ours", "this host's key or its list of hosts cannot be read: see /etc/uvp/tls; 'xlx migrate-setup --renew HOST' makes a new key" },
	[TLS_RIGHTS] = { "rights", "uvp-tls could not give up its rights, or not begin TLS, and did not speak with it" },
};

size_t tls_word_write(enum tls_verdict verdict, const char *name, char buf[TLS_WORD_MAX])
{
	if (verdict == TLS_YES)
		return (size_t)snprintf(buf, TLS_WORD_MAX, "yes %.63s\n", name);
	return (size_t)snprintf(buf, TLS_WORD_MAX, "no %s\n", verdicts[verdict].word);
}

int tls_word_read(const char *bytes, size_t len, enum tls_verdict *ret_verdict, char ret_name[TLS_NAME])
{
	const char *end = memchr(bytes, '\n', len < TLS_WORD_MAX ? len : TLS_WORD_MAX);
	char line[TLS_WORD_MAX];

	if (!end)
		return len < TLS_WORD_MAX ? 0 : -1;
	memcpy(line, bytes, (size_t)(end - bytes));
	line[end - bytes] = '\0';
	if (strlen(line) != (size_t)(end - bytes))
		return -1;
	if (!strncmp(line, "yes ", 4) && uvpi_known_name_is_good(line + 4)) {
		*ret_verdict = TLS_YES;
		memcpy(ret_name, line + 4, strlen(line + 4) + 1);
		return 1;
	}
	for (int i = TLS_YES + 1; i < TLS_VERDICTS; i++) {
		if (strncmp(line, "no ", 3) != 0 || strcmp(line + 3, verdicts[i].word) != 0)
			continue;
		*ret_verdict = (enum tls_verdict)i;
		ret_name[0] = '\0';
		return 1;
	}
	return -1;
}

const char *tls_verdict_text(enum tls_verdict verdict)
{
	return verdicts[verdict].text;
}
