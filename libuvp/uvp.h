/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything libuvp offers. Programs that care about compile time include the parts they use. */
#ifndef UVP_H
#define UVP_H

#include <uvp/boot.h>
#include <uvp/config.h>
#include <uvp/console.h>
#include <uvp/cpu.h>
#include <uvp/define.h>
#include <uvp/device.h>
#include <uvp/domain.h>
#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/list.h>
#include <uvp/memory.h>
#include <uvp/migrate.h>
#include <uvp/pci.h>
#include <uvp/progress.h>
#include <uvp/qmp.h>
#include <uvp/stats.h>
#include <uvp/stream.h>

#endif
