/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/defined.h"

#include <stdlib.h>
#include <string.h>

#include "config/write.h"
#include "core/error.h"
#include "migrate/wire.h"

int uvpi_defined_get(const uint8_t uuid[16], struct uvpi_defined *ret_defined, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	int r;

	*ret_defined = (struct uvpi_defined){ .there = uvpi_def_exists(uuid) };
	if (!ret_defined->there)
		return 0;
	r = uvpi_def_load(uuid, &ret_defined->definition, &config, err);
	if (r == 0 && ret_defined->definition.error.code) {
		if (err)
			*err = ret_defined->definition.error;
		r = -ret_defined->definition.error.code;
	}
	if (r == 0)
		r = uvpi_config_write_record(config, &ret_defined->text, err);
	ret_defined->autostart = ret_defined->definition.autostart;
	return r;
}

void uvpi_defined_offer(const struct uvpi_defined *defined, struct uvpi_wire_message *message)
{
	message->definition = defined->text;
	message->autostart = defined->autostart;
	message->order = defined->definition.order;
	message->delay_ms = defined->definition.delay_ms;
}

void uvpi_defined_done(struct uvpi_defined *defined)
{
	free(defined->text);
	defined->text = NULL;
}

int uvpi_defined_switch_off(struct uvpi_defined *defined, struct uvp_error *err)
{
	int r;

	if (!defined->autostart)
		return 0;
	r = uvp_definition_set_autostart(&defined->definition, false, 0, 0, err);
	defined->off = r == 0;
	return r;
}

void uvpi_defined_switch_on(struct uvpi_defined *defined)
{
	const struct uvp_definition *definition = &defined->definition;
	struct uvp_error why = UVP_ERROR_INIT;

	if (defined->off && uvp_definition_set_autostart(definition, true, definition->order, definition->delay_ms, &why) < 0)
		uvpi_debug("cannot switch autostart on again: %s", why.message);
	defined->off = false;
}

int uvpi_defined_keep(struct uvp_host *host, const char *text, bool autostart, uint32_t order, uint32_t delay_ms,
		      struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_definition definition;
	int r = uvp_config_parse("its definition", text, strlen(text), NULL, 0, NULL, NULL, &config, err);

	if (r == 0)
		r = uvp_definition_save(host, config, 0, &definition, err);
	if (r >= 0 && autostart)
		r = uvp_definition_set_autostart(&definition, true, order, delay_ms, err);
	return r < 0 ? r : 0;
}
