/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PVH guest that changes its memory at a set rate, and suspends when it is asked to. Its command line is letters with numbers:
 *   sN  works on N pages, from 2 MiB on, of which it writes 64 bytes at a time
 *   rN  so many pages in a second (0: none)
 *   b   burns the rest of its time, so that it is slower with less of a CPU; otherwise it sleeps
 *   nN  the N pages behind them hold noise;  tN: and the N behind those, text
 *   w   the pages that it works on hold noise, too, and the 64 bytes are noise
 *   i   uses BMI2's and ADX's instructions all the time, if CPUID names them at the beginning
 *   g   gives each page back to Xen and gets it again before it writes it; every second it says "again N refused N", and "lost"
 *       when a page does not have what was written to it last. At most 1024 pages
 * Every second it prints "tick SECONDS pages PAGES gap MS": how many pages it has written so far, and how long its loop stood still
 * at most since the line before, by Xen's wall clock, which goes on while the guest is between two hosts: with a minus, by how much it
 * went back.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define FIRST_PAGE 512 /* of 4 KiB */
#define SLICE_NS 5000000
#define GIVES_MAX 1024

enum { HYPERCALL_MEMORY_OP = 12, HYPERCALL_SCHED_OP = 29, HYPERCALL_EVENT_OP = 32, HYPERCALL_HVM_OP = 34 };
enum { XENMEM_DECREASE_RESERVATION = 1, XENMEM_POPULATE_PHYSMAP = 6, XENMEM_ADD_TO_PHYSMAP = 7 };
enum { SCHEDOP_SHUTDOWN = 2, SCHEDOP_POLL = 3, EVTCHNOP_SEND = 4, HVMOP_SET_PARAM = 0, HVMOP_GET_PARAM = 1 };
enum { PARAM_CALLBACK = 0, PARAM_STORE_PFN = 1, PARAM_STORE_EVTCHN = 2, PARAM_CONSOLE_PFN = 17, PARAM_CONSOLE_EVTCHN = 18 };
enum { REASON_SUSPEND = 2, REASON_CRASH = 3 };
enum { XS_READ = 2, XS_WATCH = 4, XS_WRITE = 11, XS_WATCH_EVENT = 15 };
#define DOMID_SELF 0x7ff0

struct console {
	u8 in[1024], out[2048];
	u32 in_cons, in_prod, out_cons, out_prod;
};

struct store {
	u8 req[1024], rsp[1024];
	u32 req_cons, req_prod, rsp_cons, rsp_prod;
};

struct message {
	u32 type, id, tx, len;
};

struct shared { /* of a 32-bit guest */
	struct {
		u8 events[32];
		u32 version, pad;
		u64 tsc, system_time;
		u32 mul;
		signed char shift;
		u8 flags[3];
	} vcpu[32];
	u32 events[64];
	volatile u32 wc_version, wc_sec, wc_nsec;
};

extern u8 gates[], stack[];
static u8 shared_page[4096] __attribute__((aligned(4096)));
static volatile struct shared *const shared = (void *)shared_page;
static volatile struct console *console;
static volatile struct store *store;
static u32 console_port, store_port;
static u32 set, rate, noise, text, wild, burn, uses, gives, has_bmi2, has_adx;
static u32 written[GIVES_MAX], n_again, n_refused; /* 0: that page is not there, or was never given back */
static u32 seed = 2463534242u;

__asm__(".section .note, \"a\", @note\n"
	".long 4, 4, 18\n"
	".asciz \"Xen\"\n"
	".long start\n"
	".text\n"
	".globl start\n"
	"start: mov $stack, %esp\n"
	"	push %ebx\n"
	"	call run\n"
	"undefined: call say_undefined\n"
	".bss\n"
	".balign 4096\n"
	"gates: .skip 4096\n"
	"	.skip 8192\n"
	"stack:\n"
	".text\n");

static long hypercall(u32 number, u32 op, void *argument)
{
	long r;

	__asm__ volatile("call *%1" : "=a"(r) : "r"(gates + number * 32), "b"(op), "c"(argument) : "memory");
	return r;
}

static u32 divide(u64 n, u32 by, u32 *ret_rest)
{
	u32 high = (u32)(n >> 32), low = (u32)n, rest = high % by, quotient;

	/* what does not fit into 32 bits is of no interest */
	__asm__("divl %4" : "=a"(quotient), "=d"(rest) : "a"(low), "d"(rest), "r"(by));
	if (ret_rest)
		*ret_rest = rest;
	return quotient;
}

static u64 now_ns(void)
{
	u32 version;
	u64 ns;

	do {
		u64 delta, tsc;
		u32 lo, hi;

		version = shared->vcpu[0].version;
		__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
		tsc = (u64)hi << 32 | lo;
		delta = tsc - shared->vcpu[0].tsc;
		if (shared->vcpu[0].shift < 0)
			delta >>= -shared->vcpu[0].shift;
		else
			delta <<= shared->vcpu[0].shift;
		ns = shared->vcpu[0].system_time + (((u64)(u32)delta * shared->vcpu[0].mul) >> 32) +
		     (delta >> 32) * shared->vcpu[0].mul;
	} while ((version & 1) || version != shared->vcpu[0].version);
	return ns;
}

static u64 wall_ns(void)
{
	return (u64)shared->wc_sec * 1000000000 + shared->wc_nsec + now_ns();
}

static void notify(u32 port)
{
	hypercall(HYPERCALL_EVENT_OP, EVTCHNOP_SEND, &port);
}

static void sleep_until(u64 ns)
{
	struct {
		void *ports;
		u32 n_ports;
		u64 timeout;
	} poll = { 0, 0, ns };

	hypercall(HYPERCALL_SCHED_OP, SCHEDOP_POLL, &poll);
}

/* What does not fit is lost: nobody reads it. */
static void print(const char *words)
{
	for (; *words && console->out_prod - console->out_cons < 2048; words++) {
		console->out[console->out_prod & 2047] = (u8)*words;
		__asm__ volatile("" ::: "memory");
		console->out_prod++;
	}
	notify(console_port);
}

static void print_number(u32 n)
{
	char digits[12];
	int at = 11;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	print(digits + at);
}

void say_undefined(void)
{
	u32 reason = REASON_CRASH;

	print("an instruction that was there is not there any more\r\n");
	hypercall(HYPERCALL_SCHED_OP, SCHEDOP_SHUTDOWN, &reason);
	for (;;)
		;
}

static u32 parameter(u32 op, u32 which, u64 value)
{
	struct {
		unsigned short domid, pad;
		u32 index;
		u64 value;
	} param = { DOMID_SELF, 0, which, value };

	hypercall(HYPERCALL_HVM_OP, op, &param);
	return (u32)param.value;
}

/* ---- xenstore ---- */

static void put(const void *data, u32 len)
{
	for (u32 i = 0; i < len; i++)
		store->req[(store->req_prod + i) & 1023] = ((const u8 *)data)[i];
	__asm__ volatile("" ::: "memory");
	store->req_prod += len;
}

static void get(void *data, u32 len)
{
	while (store->rsp_prod - store->rsp_cons < len)
		sleep_until(now_ns() + 1000000);
	for (u32 i = 0; i < len; i++) {
		u8 byte = store->rsp[(store->rsp_cons + i) & 1023];

		if (data)
			((u8 *)data)[i] = byte;
	}
	__asm__ volatile("" ::: "memory");
	store->rsp_cons += len;
}

/* The first byte of the answer. */
static u8 ask(u32 type, const char *what, u32 len)
{
	struct message message = { type, 1, 0, len };

	put(&message, sizeof(message));
	put(what, len);
	notify(store_port);
	for (;;) {
		u8 first = 0;

		get(&message, sizeof(message));
		if (message.len)
			get(&first, 1);
		for (u32 i = 1; i < message.len; i++)
			get(0, 1);
		notify(store_port);
		if (message.type != XS_WATCH_EVENT)
			return first;
	}
}

/* ---- the host ---- */

/* At the beginning, and on another host. */
static void set_up(void)
{
	struct {
		unsigned short domid, size;
		u32 space, index, gpfn;
	} map = { DOMID_SELF, 0, 0, 0, (u32)shared_page >> 12 };
	u32 a = 0x40000002, b, c, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	__asm__ volatile("wrmsr" ::"c"(b), "a"((u32)gates), "d"(0) : "memory");
	hypercall(HYPERCALL_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &map);
	/* a vector, which never comes because interrupts are off: it tells others that there are drivers */
	parameter(HVMOP_SET_PARAM, PARAM_CALLBACK, 2ull << 56 | 0xf3);
	console = (void *)(parameter(HVMOP_GET_PARAM, PARAM_CONSOLE_PFN, 0) << 12);
	console_port = parameter(HVMOP_GET_PARAM, PARAM_CONSOLE_EVTCHN, 0);
	store = (void *)(parameter(HVMOP_GET_PARAM, PARAM_STORE_PFN, 0) << 12);
	store_port = parameter(HVMOP_GET_PARAM, PARAM_STORE_EVTCHN, 0);
	ask(XS_WATCH, "control/shutdown\0t", 19);
}

/* An exception is fatal; that for an instruction that does not exist is told. */
static void set_up_traps(void)
{
	static u64 gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff }, idt[32];
	extern u8 undefined[];
	struct {
		unsigned short limit;
		u32 base;
	} __attribute__((packed)) gdtr = { sizeof(gdt) - 1, (u32)gdt }, idtr = { sizeof(idt) - 1, (u32)idt };
	u32 at = (u32)undefined;

	idt[6] = (at & 0xffff) | 8 << 16 | (u64)((at & 0xffff0000) | 0x8e00) << 32;
	__asm__ volatile("lgdt %0\n	lidt %1\n	ljmp $8, $1f\n1:	mov %2, %%ds\n	mov %2, %%es\n	mov %2, %%ss"
			 :: "m"(gdtr), "m"(idtr), "r"(16) : "memory");
}

static void look_for_instructions(void)
{
	u32 a = 7, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	has_bmi2 = b >> 8 & 1;
	has_adx = b >> 19 & 1;
	print("bmi2 ");
	print_number(has_bmi2);
	print(" adx ");
	print_number(has_adx);
	print("\r\n");
}

static void use_instructions(void)
{
	u32 a = 0x1234, b = 0xff00ff, c;

	if (has_bmi2)
		__asm__ volatile("pdep %2, %1, %0" : "=r"(c) : "r"(a), "r"(b));
	if (has_adx)
		__asm__ volatile("adcx %1, %0" : "+r"(a) : "r"(b) : "cc");
}

static void look_whether_to_suspend(void)
{
	u32 reason = REASON_SUSPEND;
	struct message event;

	if (store->rsp_prod == store->rsp_cons)
		return;
	/* all of it, of which perhaps only the head is there yet */
	get(&event, sizeof(event));
	for (u32 i = 0; i < event.len; i++)
		get(0, 1);
	notify(store_port);
	/* the watch fires for what is written here, too */
	if (ask(XS_READ, "control/shutdown", 17) != 's')
		return;
	ask(XS_WRITE, "control/shutdown", 17);
	if (hypercall(HYPERCALL_SCHED_OP, SCHEDOP_SHUTDOWN, &reason) == 0)
		set_up();
}

/* ---- work ---- */

static u32 random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static void fill(u32 page, u32 n, int with_text)
{
	static const char words[16][9] = { "the     ", "of      ", "guest   ", "host    ", "memory  ", "and     ", "server  ", "error   ",
					   "connect ", "value   ", "return  ", "int     ", "struct  ", "=       ", "while   ", "page    " };

	for (u32 *at = (u32 *)(page << 12), *end = at + n * 1024; at < end; at++) {
		if (!with_text) {
			*at = random();
		} else {
			u32 word = random();

			/* a word of which little is known in advance, and one that is common */
			at[0] = ((const u32 *)words[word >> 28])[0];
			at[1] = (word & 0x300) ? 0x20202020 : 0x30303030 + (word & 0x09070905);
			at++;
		}
	}
}

static void write_page(u32 count)
{
	u32 *at = (u32 *)((FIRST_PAGE + count % set) << 12);

	at += (count * 16) & 1008;
	for (int i = 0; i < 16; i++)
		at[i] = wild ? random() : count;
}

static int change_reservation(u32 op, u32 page)
{
	struct {
		u32 *pages, n, order, flags;
		unsigned short domid;
	} reservation = { &page, 1, 0, 0, DOMID_SELF };

	return (int)hypercall(HYPERCALL_MEMORY_OP, op, &reservation) == 1;
}

/* One that it cannot have again is tried again when its turn comes. */
static void give_and_get(u32 count)
{
	u32 n = count % set, page = FIRST_PAGE + n;
	u32 *at = (u32 *)(page << 12);

	if (written[n] || count < set)
		change_reservation(XENMEM_DECREASE_RESERVATION, page);
	written[n] = 0;
	if (!change_reservation(XENMEM_POPULATE_PHYSMAP, page)) {
		n_refused++;
		return;
	}
	n_again++;
	for (int i = 0; i < 1024; i++)
		at[i] = count + 1;
	written[n] = count + 1;
}

static void look_for_lost(void)
{
	for (u32 n = 0; n < set; n++)
		if (written[n] && *(u32 *)((FIRST_PAGE + n) << 12) != written[n])
			print("lost\r\n");
	print("again ");
	print_number(n_again);
	print(" refused ");
	print_number(n_refused);
	print("\r\n");
}

static u32 spin(u32 loops)
{
	u32 x = loops;

	while (loops--)
		__asm__ volatile("" : "+r"(x));
	return x;
}

/* How many loops for a page, so that one CPU does just so many in a second */
static u32 calibrate(void)
{
	u64 most = 0;

	for (int i = 0; i < 5; i++) {
		u64 began = now_ns(), took;
		u32 loops = 2000000;

		spin(loops);
		took = now_ns() - began;
		/* the fastest one was not interrupted */
		if (divide((u64)loops << 10, (u32)(took >> 10) + 1, 0) > most)
			most = divide((u64)loops << 10, (u32)(took >> 10) + 1, 0);
	}
	/* loops in 2^20 ns */
	return divide(most * 954, rate, 0);
}

static void read_words(const char *at)
{
	while (*at) {
		char letter = *at++;
		u32 n = 0;

		while (*at >= '0' && *at <= '9')
			n = n * 10 + (u32)(*at++ - '0');
		switch (letter) {
		case 's': set = n; break;
		case 'r': rate = n; break;
		case 'b': burn = 1; break;
		case 'w': wild = 1; break;
		case 'n': noise = n; break;
		case 't': text = n; break;
		case 'i': uses = 1; break;
		case 'g': gives = 1; break;
		}
	}
}

static void work(void)
{
	u32 loops = burn && rate ? calibrate() : 0, count = 0, seconds = 0, gap = 0, behind = 0;
	u64 last = wall_ns(), next_tick = last + 1000000000, credit = 0;

	for (;;) {
		u64 now = wall_ns(), took = now - last, far;

		if (uses)
			use_instructions();
		/* on another host, whose clock may be behind */
		behind = (took >> 63) ? 1 : behind;
		far = (took >> 63) ? -took : took;
		if ((took >> 63) || (!behind && divide(far, 1000000, 0) > gap))
			gap = divide(far, 1000000, 0);
		took = (took >> 63) ? 0 : took;
		last = now;
		if (now >= next_tick || next_tick - now > 2000000000) {
			next_tick = now + 1000000000;
			print("tick ");
			print_number(++seconds);
			print(" pages ");
			print_number(count);
			print(behind ? " gap -" : " gap ");
			print_number(gap);
			print("\r\n");
			gap = behind = 0;
			if (gives)
				look_for_lost();
		}
		look_whether_to_suspend();
		if (loops) {
			write_page(count++);
			spin(loops);
			continue;
		}
		/* nothing is made up for that was missed in longer than a second */
		credit += (took > 1000000000 ? 1000000000 : took) * rate;
		for (; credit >= 1000000000; credit -= 1000000000, count++)
			gives ? give_and_get(count) : write_page(count);
		sleep_until(now_ns() + SLICE_NS);
	}
}

void run(const u32 *start_info)
{
	set_up();
	set_up_traps();
	if (start_info[6])
		read_words((const char *)start_info[6]);
	if (!set)
		set = 1;
	if (gives && set > GIVES_MAX)
		set = GIVES_MAX;
	look_for_instructions();
	if (wild)
		fill(FIRST_PAGE, set, 0);
	fill(FIRST_PAGE + set, noise, 0);
	fill(FIRST_PAGE + set + noise, text, 1);
	print("uvp-busy: ready\r\n");
	work();
}
