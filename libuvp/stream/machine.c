/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/machine.h"

#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "dm/state.h"
#include "domain/domain.h"
#include "qmp/client.h"
#include "stream/frame.h"

int uvpi_machine_open(struct uvpi_machine *machine, struct uvp_domain *domain, const struct uvp_config *config,
		      const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_op until = uvpi_op_until(op, uvpi_now_ms() + QMP_PATIENCE_MS);
	int r;

	*machine = (struct uvpi_machine){ .domid = domain->domid };
	if (config->type != UVPI_TYPE_HVM)
		return 0;
	r = uvp_qmp_open_domain(domain, &until, &machine->qmp, err);
	if (r == -UVP_E_NOT_FOUND)
		uvpi_dm_hint_ended(err);
	return r;
}

void uvpi_machine_close(struct uvpi_machine *machine)
{
	uvp_qmp_close(machine->qmp);
	machine->qmp = NULL;
}

int uvpi_machine_hold(struct uvpi_machine *machine, struct uvp_error *err)
{
	return machine->qmp ? uvpi_dm_hold(machine->qmp, true, err) : 0;
}

int uvpi_machine_log_dirty(struct uvpi_machine *machine, bool on, struct uvp_error *err)
{
	return machine->qmp ? uvpi_dm_log_dirty(machine->qmp, on, err) : 0;
}

int uvpi_machine_record(struct uvpi_machine *machine, uint8_t **ret_body, uint32_t *ret_len, struct uvp_error *err)
{
	struct uvpi_dm_state state = { 0 };
	struct uvpi_stream_machine head = { 0 };
	uint8_t *body = NULL;
	int r;

	*ret_body = NULL;
	*ret_len = 0;
	if (!machine->qmp)
		return 0;
	r = uvpi_dm_save(machine->qmp, machine->domid, &state, err);
	if (r < 0)
		return r;
	body = malloc(UVPI_STREAM_MACHINE_LEN + state.len);
	if (body) {
		head.flags = state.fw_cfg ? UVPI_STREAM_FW_CFG : 0;
		memcpy(head.version, state.version, sizeof(head.version));
		uvpi_stream_put_machine(body, &head);
		memcpy(body + UVPI_STREAM_MACHINE_LEN, state.data, state.len);
		*ret_body = body;
		*ret_len = UVPI_STREAM_MACHINE_LEN + state.len;
	} else {
		r = uvpi_no_memory(err);
	}
	free(state.data);
	return r;
}
