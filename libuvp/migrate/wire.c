/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message is a head as that of uvp-stream(5)'s records, and items: what it is, how long it is, and its bytes. */
#include "migrate/wire.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/cleanup.h"
#include "core/error.h"

/* What a remote shell prints is told from this by its first byte. */
const uint8_t uvpi_wire_preamble[UVPI_WIRE_PREAMBLE] = { 0x8e, 'U', 'V', 'P', 'M', '\r', '\n', 0x1a };

enum item {
	VERSION = 1, /* number: the version that is spoken */
	OLDEST,      /* number: the oldest that is understood */
	PROGRAM,     /* text */
	HOST,        /* text: its name */
	CONFIG,      /* text, as in the stream */
	POLICY,      /* text: uvp-cpu-policy(5) */
	DOMAIN,      /* as in the stream */
	TOKEN,       /* 16 bytes */
	FLAGS,       /* number: UVP_MIGRATE_... */
	DISK,        /* size (8), inode (8), kind (4), in the order of the configuration */
	REFUSAL,     /* code (4), message and hint: two texts */
	WARNING,     /* text */
	STATE,       /* number: enum uvpi_wire_state */
	DEFINITION,  /* text: the configuration that is kept for the next boot */
	AUTOSTART,   /* order (4), delay in ms (4) */
	UUID,        /* 16 bytes */
	RAN,         /* number: for so many ms already */
	CONNECTIONS, /* number: how many, or which, of at most UVPI_WIRE_CONNECTIONS */
	SECRET,      /* 16 bytes */
	ITEMS
};
#define OPTIONAL 0x80000000u /* whoever does not know it passes it over */
#define ITEM_HEAD 8
#define BIT(item) (1u << (item))

/* What each must have, and what it may have besides. */
static const struct {
	uint32_t must, may;
} shapes[] = {
	[UVPI_WIRE_HELLO - UVPI_WIRE_HELLO] = { BIT(VERSION) | BIT(OLDEST) | BIT(PROGRAM) | BIT(HOST), 0 },
	[UVPI_WIRE_OFFER - UVPI_WIRE_HELLO] = { BIT(CONFIG) | BIT(POLICY) | BIT(DOMAIN) | BIT(TOKEN) | BIT(FLAGS),
						BIT(DISK) | BIT(DEFINITION) | BIT(AUTOSTART) | BIT(CONNECTIONS) },
	[UVPI_WIRE_VERDICT - UVPI_WIRE_HELLO] = { 0, BIT(REFUSAL) | BIT(WARNING) | BIT(CONNECTIONS) | BIT(SECRET) },
	[UVPI_WIRE_BUILT - UVPI_WIRE_HELLO] = { 0, 0 },
	[UVPI_WIRE_READY - UVPI_WIRE_HELLO] = { 0, 0 },
	[UVPI_WIRE_GO - UVPI_WIRE_HELLO] = { 0, 0 },
	[UVPI_WIRE_RUNNING - UVPI_WIRE_HELLO] = { 0, BIT(WARNING) | BIT(RAN) },
	[UVPI_WIRE_DONE - UVPI_WIRE_HELLO] = { 0, 0 },
	[UVPI_WIRE_ABORT - UVPI_WIRE_HELLO] = { BIT(REFUSAL), 0 },
	[UVPI_WIRE_ASK - UVPI_WIRE_HELLO] = { BIT(TOKEN), BIT(UUID) },
	[UVPI_WIRE_ANSWER - UVPI_WIRE_HELLO] = { BIT(STATE), BIT(FLAGS) },
	[UVPI_WIRE_KEEP - UVPI_WIRE_HELLO] = { BIT(DEFINITION) | BIT(UUID) | BIT(FLAGS), BIT(AUTOSTART) | BIT(DISK) },
	[UVPI_WIRE_JOIN - UVPI_WIRE_HELLO] = { BIT(TOKEN) | BIT(SECRET) | BIT(CONNECTIONS), 0 },
	[UVPI_WIRE_JOINED - UVPI_WIRE_HELLO] = { 0, 0 },
};

static int wrong(struct uvp_error *err, const char *what)
{
	return uvpi_fail(err, UVP_E_PROTOCOL, 0, "what came over the connection is not in order: %s", what);
}

int uvpi_wire_get_head(const uint8_t buf[UVPI_WIRE_HEAD], uint32_t sequence, struct uvpi_wire_head *ret_head,
		       struct uvp_error *err)
{
	struct uvpi_wire_head head = { uvpi_get_le32(buf), uvpi_get_le32(buf + 8), uvpi_get_le32(buf + 12) };

	if (uvpi_get_le32(buf + 20) != uvpi_stream_crc(buf, 20))
		return wrong(err, "the head of a message has changed");
	if (uvpi_get_le32(buf + 16) != sequence)
		return wrong(err, "a message is missing or out of its place");
	if (head.len > UVPI_WIRE_BODY_MAX)
		return wrong(err, "a message is larger than any can be");
	if (head.type < UVPI_WIRE_HELLO || head.type >= UVPI_WIRE_TYPES || uvpi_get_le32(buf + 4))
		return wrong(err, "there is no such message");
	*ret_head = head;
	return 0;
}

/* ---- reading ---- */

/* A text has its NUL with it, and no other. It will be shown to somebody, unless it is one for a parser. */
static const char *text_of(uint8_t *data, uint32_t len, bool shown)
{
	if (!len || memchr(data, 0, len) != data + len - 1)
		return NULL;
	for (uint32_t i = 0; shown && i < len - 1; i++)
		if (data[i] < ' ' || data[i] > '~')
			data[i] = '?';
	return (const char *)data;
}

static bool take_refusal(uint8_t *data, uint32_t len, struct uvpi_wire_message *m)
{
	struct uvp_error *refusal = &m->refusals[m->n_refusals];
	const char *message, *hint;
	uint8_t *end;
	uint32_t code;

	if (len < 6 || m->n_refusals == UVP_MIGRATE_REFUSALS)
		return false;
	code = uvpi_get_le32(data);
	end = memchr(data + 4, 0, len - 4);
	if (!end || !code || code > UVP_E_INTERNAL)
		return false;
	message = text_of(data + 4, (uint32_t)(end + 1 - (data + 4)), true);
	hint = text_of(end + 1, (uint32_t)(data + len - (end + 1)), true);
	if (!message || !hint || !*message || strlen(message) >= sizeof(refusal->message) || strlen(hint) >= sizeof(refusal->hint))
		return false;
	*refusal = (struct uvp_error){ .code = (int32_t)code };
	memcpy(refusal->message, message, strlen(message) + 1);
	memcpy(refusal->hint, hint, strlen(hint) + 1);
	m->n_refusals++;
	return true;
}

static bool take_warning(uint8_t *data, uint32_t len, struct uvpi_wire_message *m)
{
	const char *text = text_of(data, len, true);

	if (!text || len > sizeof(m->warnings[0]) || m->n_warnings == UVP_MIGRATE_REFUSALS)
		return false;
	memcpy(m->warnings[m->n_warnings++], text, len);
	return true;
}

static bool take_disk(const uint8_t *data, uint32_t len, struct uvpi_wire_message *m)
{
	if (len != 20 || m->n_disks == UVPI_WIRE_DISKS)
		return false;
	m->disks[m->n_disks++] = (struct uvpi_wire_disk){ uvpi_get_le64(data), uvpi_get_le64(data + 8), uvpi_get_le32(data + 16) };
	return true;
}

static bool take_number(const uint8_t *data, uint32_t len, uint32_t *ret_number)
{
	if (len != 4)
		return false;
	*ret_number = uvpi_get_le32(data);
	return true;
}

static bool take_connections(const uint8_t *data, uint32_t len, struct uvpi_wire_message *m)
{
	return take_number(data, len, &m->connections) && m->connections && m->connections <= UVPI_WIRE_CONNECTIONS;
}

static bool take_text(uint8_t *data, uint32_t len, bool shown, const char **ret_text)
{
	*ret_text = text_of(data, len, shown);
	return *ret_text != NULL;
}

static bool take_autostart(const uint8_t *data, uint32_t len, struct uvpi_wire_message *m)
{
	if (len != 8)
		return false;
	m->autostart = true;
	m->order = uvpi_get_le32(data);
	m->delay_ms = uvpi_get_le32(data + 4);
	return true;
}

static bool take_uuid(const uint8_t *data, uint32_t len, struct uvpi_wire_message *m)
{
	if (len != sizeof(m->uuid))
		return false;
	m->has_uuid = true;
	memcpy(m->uuid, data, sizeof(m->uuid));
	return true;
}

static bool take(enum item item, uint8_t *data, uint32_t len, struct uvpi_wire_message *m)
{
	switch (item) {
	case VERSION:
		return take_number(data, len, &m->version);
	case OLDEST:
		return take_number(data, len, &m->oldest);
	case FLAGS:
		return take_number(data, len, &m->flags);
	case STATE:
		return take_number(data, len, &m->state) && (m->state == UVPI_WIRE_TAKEN || m->state == UVPI_WIRE_OFF);
	case PROGRAM:
		return take_text(data, len, true, &m->program);
	case HOST:
		return take_text(data, len, true, &m->host);
	case CONFIG:
		return take_text(data, len, false, &m->config);
	case POLICY:
		return take_text(data, len, false, &m->policy);
	case DOMAIN:
		m->has_domain = true;
		return uvpi_stream_get_domain(data, len, &m->domain, NULL) == 0;
	case TOKEN:
		m->token = data;
		return len == UVPI_WIRE_TOKEN;
	case DISK:
		return take_disk(data, len, m);
	case REFUSAL:
		return take_refusal(data, len, m);
	case WARNING:
		return take_warning(data, len, m);
	case DEFINITION:
		return take_text(data, len, false, &m->definition);
	case AUTOSTART:
		return take_autostart(data, len, m);
	case RAN:
		return take_number(data, len, &m->ran_ms);
	case UUID:
		return take_uuid(data, len, m);
	case CONNECTIONS:
		return take_connections(data, len, m);
	case SECRET:
		m->secret = data;
		return len == UVPI_WIRE_SECRET;
	default:
		return false;
	}
}

int uvpi_wire_decode(uint32_t type, uint8_t *body, uint32_t len, struct uvpi_wire_message *ret_message, struct uvp_error *err)
{
	const uint32_t many = BIT(DISK) | BIT(REFUSAL) | BIT(WARNING);
	struct uvpi_wire_message *m = ret_message;
	uint32_t seen = 0, must, may;

	memset(m, 0, sizeof(*m));
	if (type < UVPI_WIRE_HELLO || type >= UVPI_WIRE_TYPES)
		return wrong(err, "there is no such message");
	m->type = type;
	must = shapes[type - UVPI_WIRE_HELLO].must;
	may = shapes[type - UVPI_WIRE_HELLO].may | must;
	for (uint32_t at = 0, n; at < len; at += ITEM_HEAD + n) {
		uint32_t item;

		if (len - at < ITEM_HEAD)
			return wrong(err, "an item is cut off");
		item = uvpi_get_le32(body + at);
		n = uvpi_get_le32(body + at + 4);
		if (n > len - at - ITEM_HEAD)
			return wrong(err, "an item is cut off");
		if (item & OPTIONAL)
			continue;
		if (!item || item >= ITEMS || !(may & BIT(item)))
			return wrong(err, "an item is in a message where it does not belong");
		if (seen & BIT(item) & ~many)
			return wrong(err, "an item comes twice");
		seen |= BIT(item);
		if (!take(item, body + at + ITEM_HEAD, n, m))
			return wrong(err, "what an item holds cannot be");
	}
	if ((seen & must) != must)
		return wrong(err, "an item is missing");
	return 0;
}

/* ---- writing ---- */

struct out {
	uint8_t *buf;
	size_t len, size;
	bool failed;
};

/* Room for so many bytes more, or NULL. */
static uint8_t *room(struct out *out, size_t n)
{
	uint8_t *p;

	if (out->failed || out->len + n > UVPI_WIRE_HEAD + (size_t)UVPI_WIRE_BODY_MAX) {
		out->failed = true;
		return NULL;
	}
	if (out->len + n > out->size) {
		size_t size = (out->len + n) * 2;

		p = realloc(out->buf, size);
		if (!p) {
			out->failed = true;
			return NULL;
		}
		out->buf = p;
		out->size = size;
	}
	p = out->buf + out->len;
	out->len += n;
	return p;
}

static uint8_t *put_item(struct out *out, enum item item, size_t len)
{
	uint8_t *p = room(out, ITEM_HEAD + len);

	if (!p)
		return NULL;
	uvpi_put_le32(p, item);
	uvpi_put_le32(p + 4, (uint32_t)len);
	return p + ITEM_HEAD;
}

static void put_number(struct out *out, enum item item, uint32_t number)
{
	uint8_t *p = put_item(out, item, 4);

	if (p)
		uvpi_put_le32(p, number);
}

/* Without a text there is no item, and whoever must have it refuses the message. */
static void put_text(struct out *out, enum item item, const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;
	uint8_t *p = text ? put_item(out, item, len) : NULL;

	if (p)
		memcpy(p, text, len);
}

static void put_refusal(struct out *out, const struct uvp_error *refusal)
{
	size_t message = strlen(refusal->message) + 1, hint = strlen(refusal->hint) + 1;
	uint8_t *p = put_item(out, REFUSAL, 4 + message + hint);

	if (!p)
		return;
	uvpi_put_le32(p, (uint32_t)refusal->code);
	memcpy(p + 4, refusal->message, message);
	memcpy(p + 4 + message, refusal->hint, hint);
}

static void put_disk(struct out *out, const struct uvpi_wire_disk *disk)
{
	uint8_t *p = put_item(out, DISK, 20);

	if (!p)
		return;
	uvpi_put_le64(p, disk->size);
	uvpi_put_le64(p + 8, disk->inode);
	uvpi_put_le32(p + 16, disk->kind);
}

static void put_bytes(struct out *out, enum item item, const void *data, size_t len)
{
	uint8_t *p = put_item(out, item, len);

	if (p)
		memcpy(p, data, len);
}

static void put_definition(struct out *out, const struct uvpi_wire_message *m)
{
	uint8_t *p;

	put_text(out, DEFINITION, m->definition);
	p = m->autostart ? put_item(out, AUTOSTART, 8) : NULL;
	if (!p)
		return;
	uvpi_put_le32(p, m->order);
	uvpi_put_le32(p + 4, m->delay_ms);
}

static void put_all(struct out *out, const struct uvpi_wire_message *m)
{
	uint32_t items = shapes[m->type - UVPI_WIRE_HELLO].must | (m->type == UVPI_WIRE_ANSWER ? BIT(FLAGS) : 0);
	uint32_t any = items | shapes[m->type - UVPI_WIRE_HELLO].may;
	uint8_t domain[UVPI_STREAM_DOMAIN_LEN];

	if (items & BIT(VERSION))
		put_number(out, VERSION, m->version);
	if (items & BIT(OLDEST))
		put_number(out, OLDEST, m->oldest);
	if (items & BIT(PROGRAM))
		put_text(out, PROGRAM, m->program);
	if (items & BIT(HOST))
		put_text(out, HOST, m->host);
	if (items & BIT(TOKEN))
		put_bytes(out, TOKEN, m->token, UVPI_WIRE_TOKEN);
	if (items & BIT(FLAGS))
		put_number(out, FLAGS, m->flags);
	if (items & BIT(STATE))
		put_number(out, STATE, m->state);
	if (m->connections && any & BIT(CONNECTIONS))
		put_number(out, CONNECTIONS, m->connections);
	if (m->secret && any & BIT(SECRET))
		put_bytes(out, SECRET, m->secret, UVPI_WIRE_SECRET);
	if (m->ran_ms && m->type == UVPI_WIRE_RUNNING)
		put_number(out, RAN, m->ran_ms);
	if (items & BIT(DOMAIN)) {
		uvpi_stream_put_domain(domain, &m->domain);
		put_bytes(out, DOMAIN, domain, sizeof(domain));
	}
	if (items & BIT(CONFIG))
		put_text(out, CONFIG, m->config);
	if (items & BIT(POLICY))
		put_text(out, POLICY, m->policy);
	if (m->definition && (m->type == UVPI_WIRE_OFFER || m->type == UVPI_WIRE_KEEP))
		put_definition(out, m);
	if (m->has_uuid && (m->type == UVPI_WIRE_ASK || m->type == UVPI_WIRE_KEEP))
		put_bytes(out, UUID, m->uuid, sizeof(m->uuid));
	for (int i = 0; i < m->n_disks; i++)
		put_disk(out, &m->disks[i]);
	for (int i = 0; i < m->n_refusals; i++)
		put_refusal(out, &m->refusals[i]);
	for (int i = 0; i < m->n_warnings; i++)
		put_text(out, WARNING, m->warnings[i]);
}

int uvpi_wire_encode(const struct uvpi_wire_message *message, uint32_t sequence, uint8_t **ret_buf, size_t *ret_len,
		     struct uvp_error *err)
{
	struct out out = { NULL };

	room(&out, UVPI_WIRE_HEAD);
	put_all(&out, message);
	if (out.failed) {
		free(out.buf);
		return uvpi_no_memory(err);
	}
	uvpi_stream_put_record(out.buf, message->type, sequence, out.buf + UVPI_WIRE_HEAD, (uint32_t)(out.len - UVPI_WIRE_HEAD));
	*ret_buf = out.buf;
	*ret_len = out.len;
	return 0;
}
