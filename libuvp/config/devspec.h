/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and network interfaces as xl's specifications describe them: text in, plain struct out. What can be said is
 * more than what this release attaches; uvpi_disk_unsupported() and uvpi_vif_unsupported() tell which is which. */
#ifndef UVPI_CONFIG_DEVSPEC_H
#define UVPI_CONFIG_DEVSPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

enum uvpi_disk_format {
	UVPI_DISK_RAW = 0,
	UVPI_DISK_QCOW,
	UVPI_DISK_QCOW2,
	UVPI_DISK_VHD,
	UVPI_DISK_QED,
	UVPI_DISK_VHDX,
	UVPI_DISK_VMDK,
	UVPI_DISK_VDI,
	UVPI_DISK_EMPTY
};

enum uvpi_disk_backend { UVPI_DISK_AUTO = 0, UVPI_DISK_PHY, UVPI_DISK_QDISK, UVPI_DISK_STANDALONE, UVPI_DISK_TAP };

struct uvpi_disk {
	char *target;  /* NULL: an empty drive */
	char *backend; /* domain that serves it; NULL: domain 0 */
	char *script;
	char vdev[32]; /* "xvda" */
	uint32_t devid;
	enum uvpi_disk_format format;
	enum uvpi_disk_backend backendtype;
	bool readonly, shared; /* shared: "w!", whoever else uses it */
	bool cdrom, direct_io_safe, no_discard, untrusted, virtio, colo;
};

/* Does backend= mean domain 0? NULL: it says nothing. */
bool uvpi_backend_is_here(const char *backend);
/* Is it a number, of a domain other than 0? It means that domain for now only. */
bool uvpi_backend_is_id(const char *backend);

/* The whole text must be a specification. *ret_disk is for uvpi_disk_done(). */
int uvpi_disk_parse(const char *text, struct uvpi_disk *ret_disk, struct uvp_error *err);
void uvpi_disk_done(struct uvpi_disk *disk);
/* A specification that says the same. The caller frees it; NULL when out of memory. */
char *uvpi_disk_text(const struct uvpi_disk *disk);
/* Does QEMU serve it, rather than the kernel alone? */
bool uvpi_disk_needs_qemu(const struct uvpi_disk *disk);
/* Fill err (UNSUPPORTED) when this release cannot attach it. */
int uvpi_disk_unsupported(const struct uvpi_disk *disk, struct uvp_error *err);

/* What back ends have as their target is its path, or (QEMU's) FORMAT:PATH: the path. */
const char *uvpi_params_path(const char *params);

/* The number that front ends know a virtual device by: "xvda" 51712, "xvda1" 51713, "hdc" 5632, "51728" itself. */
int uvpi_vdev_number(const char *vdev, uint32_t *ret_devid, struct uvp_error *err);
/* And back: the name for people, "xvdb1"; the number itself where there is none. */
void uvpi_vdev_name(uint32_t devid, char *buf, int len);

/* An address, or those that begin alike. */
struct uvpi_net {
	uint8_t address[16];
	bool v6;
	uint8_t prefix; /* bits */
};
#define UVPI_NETS_MAX 32

/* VLANs first to last. */
struct uvpi_vlans {
	uint16_t first, last;
};
#define UVPI_TRUNK_MAX 32

struct uvpi_vif {
	char *bridge; /* NULL: UVPI_DEFAULT_BRIDGE */
	char *vifname; /* of the interface in domain 0; NULL: vifDOMID.DEVID */
	char *script, *backend, *ip, *gatewaydev, *model;
	bool has_mac, has_devid, ioemu, untrusted;
	bool pv_only; /* type=vif: no emulated twin for an HVM guest */
	uint8_t mac[6];
	uint32_t devid;
	uint32_t mtu; /* 0: the bridge's */
	uint32_t rate_bytes, rate_us; /* bytes within each interval; 0: no limit */
	struct uvpi_net nets[UVPI_NETS_MAX]; /* what ip= says, where it is not for a script */
	int n_nets;
	uint32_t vlan; /* of frames without a tag; 0: the bridge's */
	struct uvpi_vlans trunk[UVPI_TRUNK_MAX]; /* of frames with one */
	int n_trunk;
};

#define UVPI_DEFAULT_BRIDGE "xenbr0"

int uvpi_vif_parse(const char *text, struct uvpi_vif *ret_vif, struct uvp_error *err);
void uvpi_vif_done(struct uvpi_vif *vif);
/* Do both say the same address, on one network as far as that can be known? */
bool uvpi_vif_clashes(const struct uvpi_vif *a, const struct uvpi_vif *b);
#define UVPI_MAC_TEXT 18
const char *uvpi_mac_text(const uint8_t mac[6], char buf[UVPI_MAC_TEXT]);
/* Who does the host's part of it: script= is NULL, or names one of xl's own or the operator's. */
enum uvpi_vif_port { UVPI_PORT_BRIDGE, UVPI_PORT_OVS, UVPI_PORT_SCRIPT };
enum uvpi_vif_port uvpi_vif_port(const struct uvpi_vif *vif);
/* The keys of a specification that libvirt's <interface> can say, in the order in which they are written. */
enum uvpi_vif_key {
	UVPI_VIF_MAC,
	UVPI_VIF_BRIDGE,
	UVPI_VIF_SCRIPT,
	UVPI_VIF_VIFNAME,
	UVPI_VIF_TYPE,
	UVPI_VIF_MODEL,
	UVPI_VIF_IP,
	UVPI_VIF_MTU,
	UVPI_VIF_BACKEND,
	UVPI_VIF_VLAN,
	UVPI_VIF_TRUNK,
	UVPI_VIF_RATE,
	UVPI_VIF_N_KEYS
};
extern const char *const uvpi_vif_keys[UVPI_VIF_N_KEYS];
/* The same specification with those keys first, in that order. The caller frees it; NULL when out of memory. */
char *uvpi_vif_order(const char *text);
int uvpi_vif_unsupported(const struct uvpi_vif *vif, struct uvp_error *err);

/* Disks and vifs of a configuration, from its lists of specifications: two with one number are refused. The lists
 * are written anew, so that one device has one text. On failure *ret_key is "disk" or "vif". */
struct uvp_config;
int uvpi_devspecs_fill(struct uvp_config *config, const char **ret_key, struct uvp_error *err);

#endif
