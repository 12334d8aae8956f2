/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PVH guest that prints what CPUID tells it, on the Xen console: a line
 * "cpuid LEAF SUBLEAF EAX EBX ECX EDX" for each basic and each extended leaf,
 * six of them for those with subleaves, then "cpuid end"; then it sleeps.
 */
#define PHYS32_ENTRY		18

#define HYPERCALL_SCHED_OP	29
#define HYPERCALL_EVENT_OP	32
#define HYPERCALL_HVM_OP	34
#define SCHEDOP_YIELD		0
#define EVTCHNOP_SEND		4
#define HVMOP_GET_PARAM		1
#define PARAM_CONSOLE_PFN	17
#define PARAM_CONSOLE_EVTCHN	18
#define DOMID_SELF		0x7ff0

#define RING_OUT		1024	/* in struct xencons_interface */
#define RING_OUT_SIZE		2048
#define RING_OUT_CONS		3080
#define RING_OUT_PROD		3084

#define SUBLEAVES		6

	.section .note, "a", @note
	.long	4, 4, PHYS32_ENTRY
	.asciz	"Xen"
	.long	start

	.text
	.code32
	.globl	start
start:
	mov	$stack, %esp
	/* Xen fills in the page of hypercall gates when its address is
	 * written to a register that CPUID names. */
	mov	$0x40000002, %eax
	cpuid
	mov	%ebx, %ecx
	mov	$gates, %eax
	xor	%edx, %edx
	wrmsr

	mov	$PARAM_CONSOLE_PFN, %eax
	call	get_param
	shl	$12, %eax
	mov	%eax, ring
	mov	$PARAM_CONSOLE_EVTCHN, %eax
	call	get_param
	mov	%eax, port

	xor	%esi, %esi
	call	range
	mov	$0x80000000, %esi
	call	range
	mov	$end_text, %esi
	call	print
sleep:
	sti
	hlt
	jmp	sleep

/* esi: the first leaf, which tells the last */
range:
	mov	%esi, %eax
	xor	%ecx, %ecx
	cpuid
	mov	%eax, %ebp
1:	xor	%edi, %edi
2:	call	leaf
	inc	%edi
	/* 4, 7, 0xb and 0xd have subleaves */
	cmp	$4, %esi
	je	3f
	cmp	$7, %esi
	je	3f
	cmp	$0xb, %esi
	je	3f
	cmp	$0xd, %esi
	jne	4f
3:	cmp	$SUBLEAVES, %edi
	jb	2b
4:	inc	%esi
	cmp	%ebp, %esi
	jbe	1b
	ret

/* esi: the leaf, edi: the subleaf */
leaf:
	push	%esi
	mov	$start_text, %esi
	call	print
	pop	%esi
	mov	%esi, %eax
	call	number
	mov	%edi, %eax
	call	number
	mov	%esi, %eax
	mov	%edi, %ecx
	cpuid
	push	%edx
	push	%ecx
	push	%ebx
	call	number
	pop	%eax
	call	number
	pop	%eax
	call	number
	pop	%eax
	call	number
	push	%esi
	mov	$line_end, %esi
	call	print
	pop	%esi
	ret

/* eax: a number; prints a blank and eight digits */
number:
	push	%esi
	push	%ebx
	push	%eax
	mov	$' ', %al
	call	put
	pop	%ebx
	mov	$8, %esi
1:	rol	$4, %ebx
	mov	%bl, %al
	and	$15, %al
	add	$'0', %al
	cmp	$'9', %al
	jbe	2f
	add	$'a' - '0' - 10, %al
2:	call	put
	dec	%esi
	jnz	1b
	pop	%ebx
	pop	%esi
	ret

/* esi: text that ends in NUL */
print:
	lodsb
	test	%al, %al
	jz	1f
	call	put
	jmp	print
1:	mov	port, %eax
	push	%ebx
	push	%eax			/* struct evtchn_send: the port */
	mov	$EVTCHNOP_SEND, %ebx
	mov	%esp, %ecx
	call	gates + HYPERCALL_EVENT_OP * 32
	pop	%eax
	pop	%ebx
	ret

/* al: a character; waits for room */
put:
	pusha
	mov	ring, %edx
1:	mov	RING_OUT_PROD(%edx), %ecx
	sub	RING_OUT_CONS(%edx), %ecx
	cmp	$RING_OUT_SIZE, %ecx
	jb	2f
	push	%eax
	push	%edx
	pushl	port
	mov	$EVTCHNOP_SEND, %ebx
	mov	%esp, %ecx
	call	gates + HYPERCALL_EVENT_OP * 32
	mov	$SCHEDOP_YIELD, %ebx
	xor	%ecx, %ecx
	call	gates + HYPERCALL_SCHED_OP * 32
	pop	%ecx
	pop	%edx
	pop	%eax
	jmp	1b
2:	mov	RING_OUT_PROD(%edx), %ecx
	and	$RING_OUT_SIZE - 1, %ecx
	mov	%al, RING_OUT(%edx, %ecx)
	incl	RING_OUT_PROD(%edx)
	popa
	ret

/* eax: number of the parameter -> eax: its value */
get_param:
	movl	%eax, param + 4
	mov	$HVMOP_GET_PARAM, %ebx
	mov	$param, %ecx
	call	gates + HYPERCALL_HVM_OP * 32
	mov	param + 8, %eax
	ret

start_text:
	.asciz	"cpuid"
line_end:
	.asciz	"\r\n"
end_text:
	.asciz	"cpuid end\r\n"

	.balign	8
param:					/* struct xen_hvm_param */
	.word	DOMID_SELF, 0
	.long	0
	.quad	0
ring:
	.long	0
port:
	.long	0

	.bss
	.balign	4096
gates:
	.skip	4096
	.skip	256
stack:
