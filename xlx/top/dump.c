/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/dump.h"

#include <stdio.h>

#include "core/cleanup.h"
#include "xlx/cmd.h"
#include "xlx/top/frame.h"

int top_dump_frame(const struct top_frame *frame)
{
	_cleanup_free_ char *text = top_frame_text(frame);

	if (!text)
		return XLX_EXIT_FAILED;
	fputs(text, stdout);
	return 0;
}
