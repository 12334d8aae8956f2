/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smallest PVH guest: it sleeps. Each letter of its command line is done
 * first, in order: 'g' greets on the Xen console; 'p' powers off, 'r' reboots,
 * 'u' suspends, 'c' crashes, 'w' says that the watchdog fired, 'k' asks for a
 * soft reset. Anything else, as well as the end, leads to sleep.
 * It needs no memory but the page it is in, and no device.
 */
#define PHYS32_ENTRY		18

#define HVM_CMDLINE_PADDR	24	/* in struct hvm_start_info */

#define HYPERCALL_SCHED_OP	29
#define HYPERCALL_EVENT_OP	32
#define HYPERCALL_HVM_OP	34
#define SCHEDOP_SHUTDOWN	2
#define EVTCHNOP_SEND		4
#define HVMOP_GET_PARAM		1
#define PARAM_CONSOLE_PFN	17
#define PARAM_CONSOLE_EVTCHN	18
#define DOMID_SELF		0x7ff0

#define RING_OUT		1024	/* in struct xencons_interface */
#define RING_OUT_PROD		3084

	.section .note, "a", @note
	.long	4, 4, PHYS32_ENTRY
	.asciz	"Xen"
	.long	start

	.text
	.code32
	.globl	start
start:
	mov	HVM_CMDLINE_PADDR(%ebx), %esi
	test	%esi, %esi
	jz	sleep
	cmpb	$0, (%esi)
	jz	sleep

	/* Xen fills in the page of hypercall gates when its address is
	 * written to a register that CPUID names. */
	mov	$stack, %esp
	mov	$0x40000002, %eax
	cpuid
	mov	%ebx, %ecx
	mov	$gates, %eax
	xor	%edx, %edx
	wrmsr

next:
	lodsb
	cmp	$'g', %al
	je	greet
	mov	$reasons, %edi
	mov	$reasons_end - reasons, %ecx
	repne scasb
	jne	sleep
	lea	-1(%edi), %edi
	sub	$reasons, %edi
	push	%edi			/* struct sched_shutdown: the reason */
	mov	$SCHEDOP_SHUTDOWN, %ebx
	mov	%esp, %ecx
	call	gates + HYPERCALL_SCHED_OP * 32
	pop	%edi
	jmp	next			/* only a suspended guest comes here */

greet:
	mov	$PARAM_CONSOLE_PFN, %eax
	call	get_param
	shl	$12, %eax
	mov	%eax, %edx
	push	%esi
	mov	$greeting, %esi
	mov	$greeting_end - greeting, %ecx
	lea	RING_OUT(%edx), %edi
	rep movsb
	pop	%esi
	movl	$greeting_end - greeting, RING_OUT_PROD(%edx)
	mov	$PARAM_CONSOLE_EVTCHN, %eax
	call	get_param
	push	%eax			/* struct evtchn_send: the port */
	mov	$EVTCHNOP_SEND, %ebx
	mov	%esp, %ecx
	call	gates + HYPERCALL_EVENT_OP * 32
	pop	%eax
	jmp	next

/* eax: number of the parameter -> eax: its value */
get_param:
	movl	%eax, param + 4
	mov	$HVMOP_GET_PARAM, %ebx
	mov	$param, %ecx
	call	gates + HYPERCALL_HVM_OP * 32
	mov	param + 8, %eax
	ret

sleep:
	sti
	hlt
	jmp	sleep

/* the place of a letter is the number of its reason */
reasons:
	.ascii	"prucwk"
reasons_end:
greeting:
	.ascii	"uvp-tiny: ready\r\n"
greeting_end:

	.balign	8
param:					/* struct xen_hvm_param */
	.word	DOMID_SELF, 0
	.long	0
	.quad	0

	.bss
	.balign	4096
gates:
	.skip	4096
	.skip	256
stack:
