/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx: the command line of libuvp. */
#include <stdio.h>

int main(void)
{
	puts("xlx");
	return 0;
}
