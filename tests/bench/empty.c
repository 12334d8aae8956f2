/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that does nothing, without any library: what it costs to start and end one. */
void _start(void);
void _start(void)
{
	__asm__ volatile("syscall" : : "a"(60), "D"(0));
	__builtin_unreachable();
}
