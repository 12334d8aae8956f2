/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smallest program for UEFI: it says on the firmware's console what it was
 * booted from (LABEL; tests change the text in their own copy), and waits for
 * keys: 'r' resets the machine, any other does nothing. If LABEL begins with '!'
 * it gives up instead, as a loader that finds no system does, and the firmware
 * goes on to what is next in its order. An image for UEFI is one of Windows
 * (PE32+): a header, and one section with everything in it, which runs wherever
 * it is loaded.
 */
#define FILE_ALIGN	0x200
#define PAGE		0x1000

/* in the system's table, and in those that it leads to */
#define CON_IN		0x30
#define CON_OUT		0x40
#define RUNTIME		0x58
#define BOOT		0x60
#define READ_KEY	0x08		/* of CON_IN */
#define KEY_EVENT	0x10
#define OUTPUT_STRING	0x08		/* of CON_OUT */
#define RESET_SYSTEM	0x68		/* of RUNTIME */
#define WAIT_FOR_EVENT	0x60		/* of BOOT */
#define SET_WATCHDOG	0x100
#define NOT_FOUND	0x800000000000000e

	.text
header:
	.ascii	"MZ"
	.org	0x3c
	.long	pe - header
pe:	.asciz	"PE\0"
	.word	0x8664, 1		/* x86-64, one section */
	.long	0, 0, 0
	.word	section - optional, 0x22	/* a program; may be anywhere */
optional:
	.word	0x20b, 0		/* PE32+ */
	.long	end - start, 0, 0
	.long	PAGE, PAGE		/* where it begins, where its code is */
	.quad	0
	.long	PAGE, FILE_ALIGN
	.word	0, 0, 0, 0, 0, 0
	.long	0, 2 * PAGE, FILE_ALIGN, 0	/* sizes: of all of it in memory, of the header */
	.word	10, 0			/* a program for UEFI */
	.quad	0, 0, 0, 0
	.long	0, 6
	.quad	0, 0, 0, 0, 0, 0
section:
	.ascii	".text\0\0\0"
	.long	end - start, PAGE, end - start, FILE_ALIGN, 0, 0
	.word	0, 0
	.long	0xe0000020		/* code that may be written */

	.org	FILE_ALIGN
start:					/* rcx: this image, rdx: the system's table */
	push	%rbx
	sub	$64, %rsp		/* what is called may use 32 bytes here; aligned to 16 */
	mov	%rdx, %rbx

	xor	%ecx, %ecx		/* the firmware would reset the machine after five minutes */
	xor	%edx, %edx
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	mov	BOOT(%rbx), %rax
	call	*SET_WATCHDOG(%rax)

	lea	text(%rip), %rsi
	lea	wide(%rip), %rdi
	xor	%eax, %eax
1:	lodsb
	stosw
	test	%al, %al
	jnz	1b
	mov	CON_OUT(%rbx), %rcx
	lea	wide(%rip), %rdx
	call	*OUTPUT_STRING(%rcx)
	movabs	$NOT_FOUND, %rax
	cmpb	$'!', label(%rip)
	je	3f

2:	mov	CON_IN(%rbx), %rax
	mov	KEY_EVENT(%rax), %rax
	mov	%rax, 40(%rsp)
	mov	$1, %ecx
	lea	40(%rsp), %rdx
	lea	48(%rsp), %r8
	mov	BOOT(%rbx), %rax
	call	*WAIT_FOR_EVENT(%rax)
	mov	CON_IN(%rbx), %rcx
	lea	56(%rsp), %rdx
	call	*READ_KEY(%rcx)
	test	%rax, %rax
	jnz	2b
	cmpw	$'r', 58(%rsp)
	jne	2b
	xor	%ecx, %ecx		/* as if it had been switched on */
	xor	%edx, %edx
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	mov	RUNTIME(%rbx), %rax
	call	*RESET_SYSTEM(%rax)
	jmp	2b
3:	add	$64, %rsp
	pop	%rbx
	ret

text:	.ascii	"uvp-efi: ready from "
label:	.asciz	"disk0\r\n"
	.balign	2
wide:	.fill	64, 2, 0
	.balign	FILE_ALIGN
end:
