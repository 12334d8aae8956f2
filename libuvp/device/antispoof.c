/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The protocol is that of linux/netfilter/nf_tables.h: one transaction of table, chain and rules, each rule a list of
 * expressions that load, mask and compare bytes of a frame. */
#include "device/antispoof.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"

#define TABLE "uvp"
#define ANSWER_MS 10000
#define MESSAGE_MAX 65536

/* A transaction in the making: messages, attributes, and attributes in them. */
struct writer {
	char buf[MESSAGE_MAX];
	size_t len, message;
	uint32_t seq;
	const char *chain;
	bool full;
};

static void put(struct writer *w, const void *data, size_t len)
{
	size_t room = NLMSG_ALIGN(len);

	if (w->len + room > sizeof(w->buf)) {
		w->full = true;
		return;
	}
	memset(w->buf + w->len, 0, room);
	if (len)
		memcpy(w->buf + w->len, data, len);
	w->len += room;
}

static void end_message(struct writer *w)
{
	struct nlmsghdr header;

	memcpy(&header, w->buf + w->message, sizeof(header));
	header.nlmsg_len = (uint32_t)(w->len - w->message);
	memcpy(w->buf + w->message, &header, sizeof(header));
}

static void begin_message(struct writer *w, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr header = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++w->seq };
	struct nfgenmsg info = { .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(res_id) };

	w->message = w->len;
	put(w, &header, sizeof(header));
	put(w, &info, sizeof(info));
}

static void begin_nft(struct writer *w, uint16_t type, uint16_t flags)
{
	begin_message(w, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), NLM_F_CREATE | NLM_F_ACK | flags,
		      NFPROTO_NETDEV, 0);
}

static size_t begin_nest(struct writer *w, uint16_t type)
{
	struct nlattr attr = { .nla_type = (uint16_t)(type | NLA_F_NESTED) };
	size_t at = w->len;

	put(w, &attr, sizeof(attr));
	return at;
}

static void end_nest(struct writer *w, size_t at)
{
	uint16_t len = (uint16_t)(w->len - at);

	if (!w->full)
		memcpy(w->buf + at, &len, sizeof(len)); /* nla_len stands first */
}

static void put_attr(struct writer *w, uint16_t type, const void *data, size_t len)
{
	struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };

	put(w, &attr, sizeof(attr));
	put(w, data, len);
}

static void put_text(struct writer *w, uint16_t type, const char *text)
{
	put_attr(w, type, text, strlen(text) + 1);
}

static void put_u32(struct writer *w, uint16_t type, uint32_t value)
{
	value = htonl(value);
	put_attr(w, type, &value, sizeof(value));
}

/* ---- expressions ---- */

struct place {
	size_t element, data;
};

static struct place begin_expr(struct writer *w, const char *name)
{
	struct place place = { .element = begin_nest(w, NFTA_LIST_ELEM) };

	put_text(w, NFTA_EXPR_NAME, name);
	place.data = begin_nest(w, NFTA_EXPR_DATA);
	return place;
}

static void end_expr(struct writer *w, struct place place)
{
	end_nest(w, place.data);
	end_nest(w, place.element);
}

static void put_value(struct writer *w, uint16_t type, const void *value, size_t len)
{
	size_t nest = begin_nest(w, type);

	put_attr(w, NFTA_DATA_VALUE, value, len);
	end_nest(w, nest);
}

static void load(struct writer *w, enum nft_payload_bases base, uint32_t offset, uint32_t len)
{
	struct place e = begin_expr(w, "payload");

	put_u32(w, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(w, NFTA_PAYLOAD_BASE, base);
	put_u32(w, NFTA_PAYLOAD_OFFSET, offset);
	put_u32(w, NFTA_PAYLOAD_LEN, len);
	end_expr(w, e);
}

static void compare(struct writer *w, enum nft_cmp_ops op, const void *value, size_t len)
{
	struct place e = begin_expr(w, "cmp");

	put_u32(w, NFTA_CMP_SREG, NFT_REG_1);
	put_u32(w, NFTA_CMP_OP, op);
	put_value(w, NFTA_CMP_DATA, value, len);
	end_expr(w, e);
}

static void mask(struct writer *w, const void *bits, size_t len)
{
	static const uint8_t zero[16];
	struct place e = begin_expr(w, "bitwise");

	put_u32(w, NFTA_BITWISE_SREG, NFT_REG_1);
	put_u32(w, NFTA_BITWISE_DREG, NFT_REG_1);
	put_u32(w, NFTA_BITWISE_LEN, (uint32_t)len);
	put_value(w, NFTA_BITWISE_MASK, bits, len);
	put_value(w, NFTA_BITWISE_XOR, zero, len);
	end_expr(w, e);
}

static void is_protocol(struct writer *w, uint16_t protocol)
{
	struct place e = begin_expr(w, "meta");

	put_u32(w, NFTA_META_DREG, NFT_REG_1);
	put_u32(w, NFTA_META_KEY, NFT_META_PROTOCOL);
	end_expr(w, e);
	protocol = htons(protocol);
	compare(w, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

static void is_bytes(struct writer *w, enum nft_payload_bases base, uint32_t offset, const void *value, size_t len)
{
	load(w, base, offset, (uint32_t)len);
	compare(w, NFT_CMP_EQ, value, len);
}

static void verdict(struct writer *w, uint32_t code)
{
	struct place e = begin_expr(w, "immediate");
	size_t data, nest;

	put_u32(w, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = begin_nest(w, NFTA_IMMEDIATE_DATA);
	nest = begin_nest(w, NFTA_DATA_VERDICT);
	put_u32(w, NFTA_VERDICT_CODE, code);
	end_nest(w, nest);
	end_nest(w, data);
	end_expr(w, e);
}

/* ---- rules ---- */

static size_t begin_rule(struct writer *w)
{
	begin_nft(w, NFT_MSG_NEWRULE, NLM_F_APPEND);
	put_text(w, NFTA_RULE_TABLE, TABLE);
	put_text(w, NFTA_RULE_CHAIN, w->chain);
	return begin_nest(w, NFTA_RULE_EXPRESSIONS);
}

static void end_rule(struct writer *w, size_t nest, uint32_t code)
{
	verdict(w, code);
	end_nest(w, nest);
	end_message(w);
}

static void drop_other_macs(struct writer *w, const uint8_t mac[6])
{
	size_t rule = begin_rule(w);

	load(w, NFT_PAYLOAD_LL_HEADER, ETH_ALEN, ETH_ALEN);
	compare(w, NFT_CMP_NEQ, mac, ETH_ALEN);
	end_rule(w, rule, NF_DROP);
}

static void is_within(struct writer *w, uint32_t offset, const struct uvpi_net *net)
{
	size_t len = net->v6 ? 16 : 4;
	uint8_t bits[16] = { 0 }, address[16];

	for (size_t i = 0; i < len * 8; i++)
		if (i < net->prefix)
			bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (size_t i = 0; i < len; i++)
		address[i] = net->address[i] & bits[i];
	load(w, NFT_PAYLOAD_NETWORK_HEADER, offset, (uint32_t)len);
	mask(w, bits, len);
	compare(w, NFT_CMP_EQ, address, len);
}

static void accept_net(struct writer *w, const struct uvpi_net *net)
{
	size_t rule = begin_rule(w);

	is_protocol(w, net->v6 ? ETH_P_IPV6 : ETH_P_IP);
	is_within(w, net->v6 ? 8 : 12, net);
	end_rule(w, rule, NF_ACCEPT);
}

/* ARP in which the sender tells of itself, by both addresses. */
static void accept_arp(struct writer *w, const uint8_t mac[6], const struct uvpi_net *net)
{
	size_t rule = begin_rule(w);

	is_protocol(w, ETH_P_ARP);
	is_bytes(w, NFT_PAYLOAD_NETWORK_HEADER, 8, mac, ETH_ALEN);
	is_within(w, 14, net);
	end_rule(w, rule, NF_ACCEPT);
}

/* From nobody, UDP port 68 to 67: asking for an address that it may have. */
static void accept_dhcp(struct writer *w)
{
	static const uint8_t nobody[4], udp = 17, ports[4] = { 0, 68, 0, 67 };
	size_t rule = begin_rule(w);

	is_protocol(w, ETH_P_IP);
	is_bytes(w, NFT_PAYLOAD_NETWORK_HEADER, 12, nobody, sizeof(nobody));
	is_bytes(w, NFT_PAYLOAD_NETWORK_HEADER, 9, &udp, sizeof(udp));
	is_bytes(w, NFT_PAYLOAD_TRANSPORT_HEADER, 0, ports, sizeof(ports));
	end_rule(w, rule, NF_ACCEPT);
}

static void put_rules(struct writer *w, const uint8_t mac[6], const struct uvpi_net *nets, int n)
{
	/* ARP probes are sent from 0.0.0.0; IPv6 is not of use without link-local addresses. */
	static const struct uvpi_net unspecified = { .prefix = 32 }, unspecified6 = { .v6 = true, .prefix = 128 };
	static const struct uvpi_net link_local = { .v6 = true, .prefix = 10, .address = { 0xfe, 0x80 } };
	bool v4 = false, v6 = false;

	drop_other_macs(w, mac);
	for (int i = 0; i < n; i++) {
		accept_net(w, &nets[i]);
		if (!nets[i].v6)
			accept_arp(w, mac, &nets[i]);
		v4 |= !nets[i].v6;
		v6 |= nets[i].v6;
	}
	if (v4) {
		accept_arp(w, mac, &unspecified);
		accept_dhcp(w);
	}
	if (v6) {
		accept_net(w, &link_local);
		accept_net(w, &unspecified6);
	}
}

static void put_table_and_chain(struct writer *w, const char *ifname)
{
	size_t hook;

	begin_nft(w, NFT_MSG_NEWTABLE, 0);
	put_text(w, NFTA_TABLE_NAME, TABLE);
	end_message(w);
	begin_nft(w, NFT_MSG_NEWCHAIN, NLM_F_EXCL);
	put_text(w, NFTA_CHAIN_TABLE, TABLE);
	put_text(w, NFTA_CHAIN_NAME, w->chain);
	hook = begin_nest(w, NFTA_CHAIN_HOOK);
	put_u32(w, NFTA_HOOK_HOOKNUM, NF_NETDEV_INGRESS);
	put_u32(w, NFTA_HOOK_PRIORITY, 0);
	put_text(w, NFTA_HOOK_DEV, ifname);
	end_nest(w, hook);
	put_u32(w, NFTA_CHAIN_POLICY, NF_DROP);
	put_text(w, NFTA_CHAIN_TYPE, "filter");
	end_message(w);
}

/* ---- the kernel ---- */

/* Read until `n` acknowledgements came, or one is an error. Returns an errno. */
static int read_acks(int fd, uint32_t n)
{
	while (n) {
		struct pollfd p = { fd, POLLIN, 0 };
		char buf[16384];
		ssize_t len;

		if (poll(&p, 1, ANSWER_MS) <= 0)
			return ETIMEDOUT;
		len = recv(fd, buf, sizeof(buf), 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno;
		for (size_t at = 0; at + NLMSG_HDRLEN + sizeof(int) <= (size_t)len && n;) {
			struct nlmsghdr header;
			int error;

			memcpy(&header, buf + at, sizeof(header));
			memcpy(&error, buf + at + NLMSG_HDRLEN, sizeof(error));
			if (header.nlmsg_type == NLMSG_ERROR) {
				if (error)
					return -error;
				n--;
			}
			if (header.nlmsg_len < sizeof(header))
				return EPROTO;
			at += NLMSG_ALIGN(header.nlmsg_len);
		}
	}
	return 0;
}

/* Send what was written, and wait for its acknowledgements. Returns an errno. */
static int ask(const struct writer *w, uint32_t n_acks)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	return fd < 0 || send(fd, w->buf, w->len, 0) < 0 ? errno : read_acks(fd, n_acks);
}

int uvpi_antispoof_check(struct uvp_error *err)
{
	_cleanup_free_ struct writer *w = calloc(1, sizeof(*w));
	int error;

	if (!w)
		return uvpi_no_memory(err);
	begin_message(w, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_ACK, AF_UNSPEC, 0);
	end_message(w);
	error = ask(w, 1);
	if (!error)
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, error, "ip= needs nftables, which this kernel does not offer: %s", strerror(error));
	uvpi_hint(err, "modprobe nf_tables, or leave ip= out");
	return -UVP_E_UNSUPPORTED;
}

int uvpi_antispoof_set(const char *ifname, const uint8_t mac[6], const struct uvpi_net *nets, int n,
		       struct uvp_error *err)
{
	_cleanup_free_ struct writer *w = calloc(1, sizeof(*w));
	int error;

	if (!w)
		return uvpi_no_memory(err);
	w->chain = ifname;
	begin_message(w, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end_message(w);
	put_table_and_chain(w, ifname);
	put_rules(w, mac, nets, n);
	begin_message(w, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end_message(w);
	if (w->full)
		return uvpi_fail(err, UVP_E_NO_SPACE, 0, "ip= has too many addresses");
	/* All but the two that embrace the transaction are answered. */
	error = ask(w, w->seq - 2);
	return error ? uvpi_fail_errno(err, error, "cannot set up the address filter of '%s'", ifname) : 0;
}
