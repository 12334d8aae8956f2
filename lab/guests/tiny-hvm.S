/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smallest HVM guest: a boot sector. It says on its serial port, and on the
 * screen, what it was booted from (LABEL; tests change the text in their own
 * copy of the image), which hypervisor CPUID names and whether there are tables
 * of ACPI ('A') and of interrupt controllers ('M'), and sleeps. A byte on the serial port wakes it: 'r'
 * resets the machine, any other is said in return.
 * With CD defined, this is a whole CD-ROM image with nothing in it but a boot
 * record (El Torito, no emulation) that leads to the same code.
 */
#define COM1	0x3f8
#define SECTOR	2048

	.code16
	.text
#ifdef CD
	.org	16 * SECTOR		/* a primary volume descriptor, empty but for its kind */
	.byte	1
	.ascii	"CD001"
	.byte	1
	.org	17 * SECTOR		/* the boot record: where the catalogue is */
	.byte	0
	.ascii	"CD001"
	.byte	1
	.asciz	"EL TORITO SPECIFICATION"
	.org	17 * SECTOR + 0x47
	.long	19
	.org	18 * SECTOR
	.byte	255
	.ascii	"CD001"
	.byte	1
	.org	19 * SECTOR		/* the catalogue: validation (its words add up to 0), default entry */
	.byte	1, 0, 0, 0
	.org	19 * SECTOR + 0x1c
	.word	0x55aa
	.byte	0x55, 0xaa
	.org	19 * SECTOR + 0x20
	.byte	0x88, 0
	.word	0			/* loaded at 0x7c00 */
	.byte	0, 0
	.word	4			/* sectors of 512 bytes */
	.long	20
	.org	20 * SECTOR
#endif
	.globl	start
start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7c00, %sp
	ljmp	$0, $(here - start + 0x7c00)
here:
	sti
	cld
	mov	$(init - start + 0x7c00), %si
	mov	$7, %cx
1:	lodsb				/* 115200 baud, 8N1: port, value */
	mov	%al, %dl
	mov	$(COM1 >> 8), %dh
	lodsb
	out	%al, %dx
	loop	1b
	mov	$(text - start + 0x7c00), %si
	call	print
	mov	$0x40000000, %eax
	cpuid
	mov	$(vendor - start + 0x7c00), %si
	mov	%ebx, (%si)
	mov	%ecx, 4(%si)
	mov	%edx, 8(%si)
	mov	$0x20445352, %eax	/* "RSD " */
	mov	$'A', %bl
	call	find
	mov	%bl, 13(%si)
	mov	$0x5f504d5f, %eax	/* "_MP_" */
	mov	$'M', %bl
	call	find
	mov	%bl, 14(%si)
	call	print

sleep:	hlt
	mov	$(COM1 + 5), %dx
	in	%dx, %al
	test	$1, %al
	jz	sleep
	mov	$COM1, %dx
	in	%dx, %al
	cmp	$'r', %al
	jne	3f
	mov	$0xfe, %al		/* the keyboard controller pulls the CPU's reset line */
	out	%al, $0x64
	jmp	sleep
3:	call	say
	jmp	sleep

/* si: text that ends in NUL */
print:	lodsb
	test	%al, %al
	jz	5f
	call	say
	jmp	print

/* eax: what a table begins with; bl becomes '-' unless there is one in the BIOS's last 64 KiB */
find:	mov	$0xf000, %dx
	mov	%dx, %es
	xor	%di, %di
6:	cmp	%eax, %es:(%di)
	je	5f
	add	$16, %di
	jnz	6b
	mov	$'-', %bl
5:	ret

/* al: to the serial port, when it has room, and to the screen */
say:	mov	%al, %bl
	mov	$(COM1 + 5), %dx
4:	in	%dx, %al
	test	$0x20, %al
	jz	4b
	mov	%bl, %al
	mov	$COM1, %dx
	out	%al, %dx
	mov	$0x0e, %ah
	mov	$7, %bx
	int	$0x10
	ret

init:	.byte	0xf9, 0x00, 0xfb, 0x80, 0xf8, 0x01, 0xf9, 0x00, 0xfb, 0x03, 0xfa, 0x07, 0xfc, 0x03
vendor:	.asciz	"............ ..\r\n"
text:	.ascii	"uvp-hvm: ready from "
#ifdef CD
label:	.asciz	"cdrom\r\n"
	.org	21 * SECTOR
	.org	32 * SECTOR - 1
	.byte	0
#else
label:	.asciz	"disk0\r\n"
	.org	510
	.word	0xaa55
	.org	1024 * 1024 - 1
	.byte	0
#endif
