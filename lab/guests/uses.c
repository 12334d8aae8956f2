/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program of the Linux guests, without libc: "uses bmi2 adx" uses the instructions of the sets that it is told, all the time, and
 * prints "uses N" every second. Where they are not there it is killed by the kernel. What there is says /proc/cpuinfo: of a PV guest
 * the instruction CPUID itself may tell what the host has.
 */
typedef unsigned long u64;

enum { SYS_WRITE = 1, SYS_NANOSLEEP = 35 };

__asm__(".globl _start\n"
	"_start: mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call run\n");

static long call(long number, long a, const void *b, long c)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}

static void say(u64 n)
{
	char line[32] = "uses ";
	char digits[20];
	int len = 5, i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		line[len++] = digits[--i];
	line[len++] = '\n';
	call(SYS_WRITE, 1, line, len);
}

void run(u64 *stack)
{
	static const u64 pause[2] = { 0, 10000000 };
	char **words = (char **)(stack + 1);
	int bmi2 = 0, adx = 0;
	u64 a = 0x1234, b = 0xff00ff, c;

	for (u64 i = 1; i < stack[0]; i++) {
		bmi2 |= words[i][0] == 'b';
		adx |= words[i][0] == 'a';
	}
	for (u64 n = 0;; n++) {
		if (bmi2)
			__asm__ volatile("pdep %2, %1, %0" : "=r"(c) : "r"(a), "r"(b));
		if (adx)
			__asm__ volatile("adcx %1, %0" : "+r"(a) : "r"(b) : "cc");
		if (n % 100 == 0)
			say(n / 100);
		call(SYS_NANOSLEEP, (long)pause, 0, 0);
	}
}
