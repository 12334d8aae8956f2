/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/pvdev.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/keys.h"
#include "config/model.h"
#include "config/spec.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "core/num.h"

/* ---- parameters of one specification ---- */

/* Texts are copied; what is not there stays as it is. */
static int get_text(const char *spec, const char *name, char **ret_text, struct uvp_error *err)
{
	char *text = uvpi_spec_get(spec, name);

	if (!text)
		return 0;
	free(*ret_text);
	*ret_text = text;
	if (*text)
		return 0;
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s: it is empty", name);
}

static int get_bool(const char *spec, const char *name, bool *ret_value, struct uvp_error *err)
{
	_cleanup_free_ char *text = uvpi_spec_get(spec, name);

	return text ? uvpi_parse_bool(text, name, ret_value, err) : 0;
}

static int get_number(const char *spec, const char *name, uint32_t max, uint32_t *ret_value, struct uvp_error *err)
{
	_cleanup_free_ char *text = uvpi_spec_get(spec, name);

	return text ? uvpi_parse_u32(text, name, 0, max, ret_value, err) : 0;
}

static int check_backend(const char *spec, struct uvp_error *err)
{
	_cleanup_free_ char *backend = uvpi_spec_get(spec, "backend");

	if (uvpi_backend_is_here(backend))
		return 0;
	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			 "it is served by a QEMU in domain 0; only disks and network interfaces have back ends in other domains");
}

/* ---- screen ---- */

static int refuse_sdl(bool sdl, struct uvp_error *err)
{
	if (!sdl)
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "sdl: QEMU runs apart from anybody's desktop, and has no window to draw in");
	uvpi_hint(err, "use vnc=1; 'xlx info' tells where the screen is");
	return -UVP_E_UNSUPPORTED;
}

static int check_listen(struct uvpi_vnc *vnc, struct uvp_error *err)
{
	if (!vnc->listen || strncmp(vnc->listen, "unix:", 5) != 0 || vnc->listen[5] == '/')
		return 0;
	return uvpi_fail(err, UVP_E_INVALID, 0, "vnclisten: '%.80s' is no absolute path behind 'unix:'", vnc->listen);
}

static int read_vfb(struct uvpi_pvdevs *devs, const char *spec, struct uvp_error *err)
{
	struct uvpi_vnc *vnc = &devs->vnc;
	uint32_t display = UINT32_MAX;
	bool sdl = false;
	int r;

	if (devs->has_screen)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "a guest has one screen at most");
	devs->has_screen = true;
	vnc->on = vnc->unused = true;
	r = get_bool(spec, "sdl", &sdl, err);
	if (r == 0)
		r = refuse_sdl(sdl, err);
	if (r == 0)
		r = get_bool(spec, "vnc", &vnc->on, err);
	if (r == 0)
		r = get_bool(spec, "vncunused", &vnc->unused, err);
	if (r == 0)
		r = get_number(spec, "vncdisplay", 59635, &display, err);
	if (r == 0)
		r = get_text(spec, "vnclisten", &vnc->listen, err);
	if (r == 0)
		r = get_text(spec, "vncpasswd", &vnc->password, err);
	if (r == 0)
		r = get_text(spec, "vncpasswd_file", &vnc->password_file, err);
	if (r == 0)
		r = get_text(spec, "keymap", &devs->keymap, err);
	if (display != UINT32_MAX)
		vnc->display = display;
	return r < 0 ? r : check_listen(vnc, err);
}

/* What xl has outside of vfb=, for a PV guest without one. */
static int read_top_level(const struct uvp_config *config, struct uvpi_pvdevs *devs, const char **ret_key,
			  struct uvp_error *err)
{
	static const char *const keys[] = { "vnc",	  "sdl",      "vncunused",	"vncdisplay",
					    "vnclisten", "vncpasswd", "vncpasswd_file", "keymap" };
	struct uvpi_vnc *vnc = &devs->vnc;
	bool sdl = false;
	int r = 0;

	vnc->unused = true;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys) && r == 0; i++) {
		const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, keys[i]);
		char **texts[] = { &vnc->listen, &vnc->password, &vnc->password_file, &devs->keymap };
		_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_STRING };

		if (!extra || (i > 1 && !vnc->on))
			continue;
		*ret_key = keys[i];
		r = xlcfg_parse_value(keys[i], 1, extra->value, strlen(extra->value), &value, err);
		if (r < 0)
			break;
		if (i < 3)
			r = uvpi_parse_bool(value.text, "it", i == 0 ? &vnc->on : i == 1 ? &sdl : &vnc->unused, err);
		else if (i == 3)
			r = uvpi_parse_i64(value.text, "it", 0, 59635, &vnc->display, err);
		else if (*value.text && !(*texts[i - 4] = strdup(value.text)))
			r = uvpi_no_memory(err);
	}
	devs->has_screen = vnc->on;
	if (r == 0)
		r = refuse_sdl(sdl, err);
	return r < 0 ? r : check_listen(vnc, err);
}

/* ---- keyboards and pointers ---- */

static int check_vkb(const char *spec, struct uvp_error *err)
{
	static const char *const always[] = { "feature-abs-pointer", "feature-raw-pointer" };
	_cleanup_free_ char *type = uvpi_spec_get(spec, "backend-type");
	bool touch = false, on = true;
	int r = get_bool(spec, "feature-multi-touch", &touch, err);

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(always) && r == 0; i++) {
		r = get_bool(spec, always[i], &on, err);
		if (r == 0 && !on)
			r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s=0: QEMU offers it to every guest", always[i]);
	}
	if (r == 0 && touch)
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			      "feature-multi-touch: QEMU serves keyboards and pointers, but no touch screens; that takes "
			      "the back end displ_be, which Debian does not have");
	if (r == 0 && type && !strcmp(type, "linux"))
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			      "backend-type=linux: that back end is the program displ_be, which is neither part of Xen nor "
			      "of Debian; backend-type=qemu works");
	return r;
}

int uvpi_vkb_parse(const char *text, struct uvpi_vkb *ret_vkb, struct uvp_error *err)
{
	struct uvpi_vkb vkb = { 0 };
	int r = uvpi_spec_vkb(text, err);

	if (r == 0)
		r = check_vkb(text, err);
	if (r == 0)
		r = check_backend(text, err);
	if (r == 0)
		r = get_text(text, "unique-id", &vkb.unique_id, err);
	if (r == 0)
		r = get_bool(text, "feature-disable-keyboard", &vkb.no_keyboard, err);
	if (r == 0)
		r = get_bool(text, "feature-disable-pointer", &vkb.no_pointer, err);
	if (r == 0)
		r = get_number(text, "width", 65535, &vkb.width, err);
	if (r == 0)
		r = get_number(text, "height", 65535, &vkb.height, err);
	if (r < 0)
		uvpi_vkb_done(&vkb);
	else
		*ret_vkb = vkb;
	return r;
}

void uvpi_vkb_done(struct uvpi_vkb *vkb)
{
	free(vkb->unique_id);
	vkb->unique_id = NULL;
}

static int read_vkb(struct uvpi_pvdevs *devs, const char *spec, struct uvp_error *err)
{
	struct uvpi_vkb *vkb = &devs->vkbs[devs->n_vkbs];
	int r = devs->n_vkbs == UVPI_PVDEVS_MAX ? uvpi_fail(err, UVP_E_INVALID, 0, "more than %d", UVPI_PVDEVS_MAX) :
						  uvpi_vkb_parse(spec, vkb, err);

	if (r == 0)
		vkb->devid = (uint32_t)devs->n_vkbs++;
	return r;
}

/* ---- folders ---- */

/* QEMU has these under the same names, in a root folder of its own with its own /dev. */
static int check_share(const struct uvpi_pvdevs *devs, const struct uvpi_folder *share, struct uvp_error *err)
{
	static const char *const not[] = { "/dev", "/proc", "/sys", NULL };

	if (*share->path != '/')
		return uvpi_fail(err, UVP_E_INVALID, 0, "path: '%.80s' is not absolute", share->path);
	if (!share->path[1])
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "path: the host's whole root folder is not shared");
	for (int i = 0; not[i]; i++)
		if (!strncmp(share->path, not[i], strlen(not[i])) && strchr("/", share->path[strlen(not[i])]))
			return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "path: what is in '%s' is not shared", not[i]);
	if (strlen(share->tag) > 31)
		return uvpi_fail(err, UVP_E_INVALID, 0, "tag: '%.40s' has more than 31 characters", share->tag);
	for (int i = 0; i < devs->n_shares; i++)
		if (!strcmp(devs->shares[i].tag, share->tag))
			return uvpi_fail(err, UVP_E_INVALID, 0, "two folders have the tag '%s'", share->tag);
	return 0;
}

static int read_share(struct uvpi_pvdevs *devs, const char *spec, struct uvp_error *err)
{
	struct uvpi_folder *share = &devs->shares[devs->n_shares];
	int r = check_backend(spec, err);

	if (devs->n_shares == UVPI_PVDEVS_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d", UVPI_PVDEVS_MAX);
	if (r == 0)
		r = get_text(spec, "tag", &share->tag, err);
	if (r == 0)
		r = get_text(spec, "path", &share->path, err);
	if (r == 0)
		r = check_share(devs, share, err);
	if (r < 0) {
		free(share->tag);
		free(share->path);
		*share = (struct uvpi_folder){ 0 };
		return r;
	}
	share->devid = (uint32_t)devs->n_shares++;
	return 0;
}

/* ---- channels ---- */

static int check_channel(const struct uvpi_pvdevs *devs, const struct uvpi_channel *channel, struct uvp_error *err)
{
	if (channel->path && *channel->path != '/')
		return uvpi_fail(err, UVP_E_INVALID, 0, "path: '%.80s' is not absolute", channel->path);
	for (int i = 0; i < devs->n_channels; i++) {
		if (!strcmp(devs->channels[i].name, channel->name))
			return uvpi_fail(err, UVP_E_INVALID, 0, "two channels have the name '%.60s'", channel->name);
		if (channel->path && devs->channels[i].path && !strcmp(devs->channels[i].path, channel->path))
			return uvpi_fail(err, UVP_E_INVALID, 0, "two channels have the path '%.100s'", channel->path);
	}
	return 0;
}

static int read_channel(struct uvpi_pvdevs *devs, const char *spec, struct uvp_error *err)
{
	struct uvpi_channel *channel = &devs->channels[devs->n_channels];
	_cleanup_free_ char *connection = uvpi_spec_get(spec, "connection");
	int r = check_backend(spec, err);

	if (devs->n_channels == UVPI_CHANNELS_MAX)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "a guest has %d channels at most", UVPI_CHANNELS_MAX);
	if (r == 0)
		r = get_text(spec, "name", &channel->name, err);
	if (r == 0 && connection && !strcasecmp(connection, "socket"))
		r = get_text(spec, "path", &channel->path, err);
	if (r == 0)
		r = check_channel(devs, channel, err);
	if (r < 0) {
		free(channel->name);
		free(channel->path);
		*channel = (struct uvpi_channel){ 0 };
		return r;
	}
	channel->devid = (uint32_t)++devs->n_channels;
	return 0;
}

/* ---- all of it ---- */

static int read_list(const struct uvp_config *config, const char *key, struct uvpi_pvdevs *devs,
		     int (*read)(struct uvpi_pvdevs *devs, const char *spec, struct uvp_error *err),
		     struct uvp_error *err)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, key);
	_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_STRING };
	int r = extra ? xlcfg_parse_value(key, 1, extra->value, strlen(extra->value), &value, err) : 0;

	for (int i = 0; r == 0 && extra && value.kind == XLCFG_LIST && i < value.n_items; i++)
		r = value.items[i].kind == XLCFG_LIST ?
			    uvpi_fail(err, UVP_E_INVALID, 0, "a list where a string is expected") :
			    read(devs, value.items[i].text, err);
	return r;
}

static int read_arg(struct uvpi_pvdevs *devs, const char *text, struct uvp_error *err)
{
	struct uvpi_hvm_list *list = &devs->args;

	if (list->n == UVPI_HVM_LIST_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d entries", UVPI_HVM_LIST_MAX);
	list->items[list->n] = strdup(text);
	return list->items[list->n] ? (list->n++, 0) : uvpi_no_memory(err);
}

static int read_qemu(const struct uvp_config *config, struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, "device_model_override");
	_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_STRING };
	int r = extra ? xlcfg_parse_value(extra->key, 1, extra->value, strlen(extra->value), &value, err) : 0;

	if (r < 0 || !extra || !*value.text)
		return r;
	devs->qemu = strdup(value.text);
	return devs->qemu ? 0 : uvpi_no_memory(err);
}

static int read_screen(const struct uvp_config *config, struct uvpi_pvdevs *devs, const char **ret_key,
		       struct uvp_error *err)
{
	struct uvpi_vkb *vkb = &devs->vkbs[0];
	int r;

	*ret_key = "vfb";
	r = read_list(config, "vfb", devs, read_vfb, err);
	if (r == 0 && !devs->has_screen && config->type == UVPI_TYPE_PV)
		r = read_top_level(config, devs, ret_key, err);
	/* A screen without a keyboard is of use to nobody: xl adds one, too. */
	if (r == 0 && devs->has_screen)
		vkb->devid = (uint32_t)devs->n_vkbs++;
	return r;
}

int uvpi_pvdevs_fill(const struct uvp_config *config, struct uvpi_pvdevs *ret_devs, const char **ret_key,
		     struct uvp_error *err)
{
	static const struct {
		const char *key;
		int (*read)(struct uvpi_pvdevs *devs, const char *spec, struct uvp_error *err);
	} lists[] = { { "vkb", read_vkb },
		      { "p9", read_share },
		      { "channel", read_channel },
		      { "device_model_args", read_arg },
		      { "device_model_args_pv", read_arg } };
	struct uvpi_pvdevs devs = { .vnc.display = -1 };
	int r = read_screen(config, &devs, ret_key, err);

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(lists) && r == 0; i++) {
		*ret_key = lists[i].key;
		r = read_list(config, lists[i].key, &devs, lists[i].read, err);
	}
	if (r == 0) {
		*ret_key = "device_model_override";
		r = read_qemu(config, &devs, err);
	}
	if (r < 0) {
		uvpi_prefix(err, "%s", *ret_key);
		uvpi_pvdevs_done(&devs);
		return r;
	}
	*ret_devs = devs;
	return 0;
}

void uvpi_pvdevs_done(struct uvpi_pvdevs *devs)
{
	char **strings[] = { &devs->vnc.listen, &devs->vnc.password, &devs->vnc.password_file, &devs->keymap, &devs->qemu };

	if (devs->vnc.password)
		explicit_bzero(devs->vnc.password, strlen(devs->vnc.password));
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(strings); i++) {
		free(*strings[i]);
		*strings[i] = NULL;
	}
	for (int i = 0; i < devs->n_vkbs; i++)
		uvpi_vkb_done(&devs->vkbs[i]);
	for (int i = 0; i < devs->n_shares; i++) {
		free(devs->shares[i].tag);
		free(devs->shares[i].path);
	}
	for (int i = 0; i < devs->n_channels; i++) {
		free(devs->channels[i].name);
		free(devs->channels[i].path);
	}
	for (int i = 0; i < devs->args.n; i++)
		free(devs->args.items[i]);
	*devs = (struct uvpi_pvdevs){ 0 };
}

bool uvpi_pvdevs_any(const struct uvpi_pvdevs *devs)
{
	return devs->has_screen || devs->n_vkbs || devs->n_shares || devs->n_channels;
}

bool uvpi_pvdevs_honours(const struct uvpi_pvdevs *devs, const char *key)
{
	static const char *const devices[] = { "vfb",	     "vkb",	   "p9",	"channel",	  "vnc",
					       "vnclisten", "vncdisplay", "vncunused", "vncpasswd", "vncpasswd_file",
					       "keymap" };
	static const char *const qemu[] = { "device_model_override", "device_model_args", "device_model_args_pv" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(devices); i++)
		if (!strcmp(devices[i], key))
			return true;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(qemu); i++)
		if (!strcmp(qemu[i], key))
			return uvpi_pvdevs_any(devs);
	return false;
}
