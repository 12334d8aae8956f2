/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A boot sector that starts tiny-busy, which follows it on the disk, in an HVM guest as it is started in a PVH one: at 1 MiB, and
 * with a command line. ENTRY is where it begins.
 */
#define SECTORS	64
#define LOADED	0x10000
#define TO	0x100000
#define AT(x)	((x) - start + 0x7c00)

	.code16
	.text
	.globl	start
start:
	cli
	cld
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7c00, %sp
	ljmp	$0, $AT(here)
here:
	mov	$AT(packet), %si
	mov	$0x42, %ah		/* dl is the disk */
	sti
	int	$0x13
	cli
	mov	$0xff, %al		/* no interrupt, ever */
	out	%al, $0x21
	out	%al, $0xa1
	lgdtl	AT(gdtr)
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$8, $AT(flat)

	.code32
flat:
	mov	$16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	xor	%eax, %eax		/* what the firmware left there */
	mov	$TO, %edi
	mov	$0x40000, %ecx
	rep stosl
	mov	$LOADED, %esi
	mov	$TO, %edi
	mov	$SECTORS * 128, %ecx
	rep movsl
	mov	$AT(info), %ebx
	mov	$ENTRY, %eax
	jmp	*%eax

	.balign	8
packet:	.byte	16, 0
	.word	SECTORS, 0, LOADED >> 4
	.quad	1
gdt:	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:	.word	gdtr - gdt - 1
	.long	AT(gdt)
info:	.long	0, 0, 0, 0, 0, 0, AT(words)	/* struct hvm_start_info */
words:	.asciz	"s16 r50 i"
	.org	510
	.word	0xaa55
