/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smallest 64-bit PV guest; it does what tiny-pvh.S does: the letters of
 * its command line first ('g' greets, 'p' 'r' 'u' 'c' 'w' 'k' end it), then sleep.
 * It never lets an event through, so it needs no callback and stays idle.
 */
#define NOTE_ENTRY		1
#define NOTE_HYPERCALL_PAGE	2
#define NOTE_VIRT_BASE		3
#define NOTE_XEN_VERSION	5
#define NOTE_GUEST_OS		6
#define NOTE_LOADER		8
#define NOTE_PAE_MODE		9

#define VIRT_BASE		0xffffffff80000000
#define MACHINE_TO_PHYS		0xffff800000000000

#define START_CONSOLE_MFN	72	/* in struct start_info */
#define START_CONSOLE_EVTCHN	80
#define START_CMDLINE		128

#define HYPERCALL_SCHED_OP	29
#define HYPERCALL_EVENT_OP	32
#define SCHEDOP_SHUTDOWN	2
#define SCHEDOP_POLL		3
#define EVTCHNOP_SEND		4

#define RING_OUT		1024	/* in struct xencons_interface */
#define RING_OUT_PROD		3084

	.macro	note type, kind:vararg
	.balign	4
	.long	4, 2f - 1f, \type
	.asciz	"Xen"
1:	\kind
2:
	.endm

	.section .note, "a", @note
	note	NOTE_GUEST_OS, .asciz "uvp-tiny"
	note	NOTE_XEN_VERSION, .asciz "xen-3.0"
	note	NOTE_LOADER, .asciz "generic"
	note	NOTE_PAE_MODE, .asciz "yes"
	note	NOTE_VIRT_BASE, .quad VIRT_BASE
	note	NOTE_ENTRY, .quad start
	note	NOTE_HYPERCALL_PAGE, .quad gates

	.text
	.globl	start
start:
	mov	$stack, %rsp
	mov	%rsi, %rbp		/* struct start_info */
	lea	START_CMDLINE(%rbp), %r12

next:
	movzbl	(%r12), %eax
	inc	%r12
	cmp	$'g', %al
	je	greet
	mov	$reasons, %rdi
	mov	$reasons_end - reasons, %ecx
	repne scasb
	jne	sleep
	lea	-1(%rdi), %rax
	sub	$reasons, %rax
	push	%rax			/* struct sched_shutdown: the reason */
	mov	$SCHEDOP_SHUTDOWN, %edi
	mov	%rsp, %rsi
	call	gates + HYPERCALL_SCHED_OP * 32
	pop	%rax
	jmp	next			/* only a suspended guest comes here */

	/* The console's page is given as a machine frame; Xen's table says
	 * which of our own pages that is, and those are all mapped. */
greet:
	mov	$MACHINE_TO_PHYS, %rax
	mov	START_CONSOLE_MFN(%rbp), %rdx
	mov	(%rax, %rdx, 8), %rdx
	shl	$12, %rdx
	mov	$VIRT_BASE, %rax
	add	%rax, %rdx
	mov	$greeting, %rsi
	mov	$greeting_end - greeting, %ecx
	lea	RING_OUT(%rdx), %rdi
	rep movsb
	movl	$greeting_end - greeting, RING_OUT_PROD(%rdx)
	mov	START_CONSOLE_EVTCHN(%rbp), %eax
	push	%rax			/* struct evtchn_send: the port */
	mov	$EVTCHNOP_SEND, %edi
	mov	%rsp, %rsi
	call	gates + HYPERCALL_EVENT_OP * 32
	pop	%rax
	jmp	next

	/* Wait for none of our event channels, for ever. Unlike SCHEDOP_block
	 * this leaves events masked: nothing is delivered. */
sleep:
	mov	$SCHEDOP_POLL, %edi
	mov	$nothing, %rsi
	call	gates + HYPERCALL_SCHED_OP * 32
	jmp	sleep

	.balign	8
nothing:				/* struct sched_poll */
	.quad	0, 0, 0
/* the place of a letter is the number of its reason */
reasons:
	.ascii	"prucwk"
reasons_end:
greeting:
	.ascii	"uvp-tiny: ready\r\n"
greeting_end:

	.bss
	.balign	4096
gates:
	.skip	4096
	.skip	1024
stack:
