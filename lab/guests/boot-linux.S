/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A boot sector for a disk that holds a bzImage from sector 1 on, and an
 * initramfs: it loads both by the BIOS, which for a SCSI disk means by DMA (a
 * kernel given to QEMU comes byte by byte through a port, for more than a minute
 * in the lab). At 496 are the first sector and the size of the initramfs, which
 * whoever makes the disk fills in; the command line is at 352.
 */
#define SETUP		0x1000		/* segments */
#define BUFFER		0x2000
#define KERNEL		0x100000
#define INITRD		0x7000000
#define CHUNK		64		/* sectors */

#define SETUP_SECTS	0x1f1		/* in the kernel's header */
#define SYSSIZE		0x1f4
#define TYPE_OF_LOADER	0x210
#define LOADFLAGS	0x211
#define RAMDISK_IMAGE	0x218
#define RAMDISK_SIZE	0x21c
#define HEAP_END_PTR	0x224
#define CMD_LINE_PTR	0x228

#define at(label)	(label - start + 0x7c00)

	.code16
	.text
	.globl	start
start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7c00, %sp
	ljmp	$0, $at(here)
here:
	sti
	cld
	mov	%dl, at(drive)

	movw	$SETUP, at(packet_segment)
	movw	$CHUNK, at(packet_count)
	movl	$1, at(packet_sector)
	call	read
	mov	$SETUP, %ax
	mov	%ax, %fs
	movzbl	%fs:SETUP_SECTS, %eax
	add	$2, %eax		/* after this sector and the kernel's own boot sector */
	mov	%fs:SYSSIZE, %ecx
	add	$31, %ecx
	shr	$5, %ecx		/* from 16 bytes to sectors */
	mov	$KERNEL, %edi
	call	load
	mov	at(initrd_sector), %eax
	mov	at(initrd_size), %ecx
	mov	%ecx, %fs:RAMDISK_SIZE
	add	$511, %ecx
	shr	$9, %ecx
	mov	$INITRD, %edi
	movl	%edi, %fs:RAMDISK_IMAGE
	call	load

	movb	$0xff, %fs:TYPE_OF_LOADER
	orb	$0x80, %fs:LOADFLAGS	/* there is a heap */
	movw	$0x8e00, %fs:HEAP_END_PTR
	movl	$at(cmdline), %fs:CMD_LINE_PTR
	cli
	mov	$SETUP, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %gs
	mov	%ax, %ss
	mov	$0x9000, %sp
	ljmp	$(SETUP + 0x20), $0

/* eax: first sector, ecx: how many, edi: where to */
load:
	mov	%eax, at(packet_sector)
	movw	$BUFFER, at(packet_segment)
1:	mov	$CHUNK, %eax
	cmp	%eax, %ecx
	ja	2f
	mov	%ecx, %eax
2:	mov	%ax, at(packet_count)
	pushal
	call	read
	mov	%edi, %eax
	mov	%ax, at(to_low)
	shr	$16, %eax
	mov	%al, at(to_middle)
	mov	%ah, at(to_high)
	mov	$(CHUNK * 256), %cx	/* words */
	mov	$at(move), %si
	mov	$0x87, %ah
	int	$0x15
	jc	failed
	popal
	add	%eax, at(packet_sector)
	sub	%eax, %ecx
	shl	$9, %eax
	add	%eax, %edi
	test	%ecx, %ecx
	jnz	1b
	ret

read:	mov	$0x42, %ah
	mov	at(drive), %dl
	mov	$at(packet), %si
	int	$0x13
	jc	failed
	ret

failed:	mov	$0x0e21, %ax		/* a '!' on the screen */
	int	$0x10
	hlt
	jmp	failed

	.balign	4
packet:	.byte	16, 0
packet_count:
	.word	0
	.word	0
packet_segment:
	.word	0
packet_sector:
	.quad	0
/* the table of descriptors for the BIOS's move: source and target are the third and the fourth */
move:	.quad	0, 0
	.word	0xffff, 0
	.byte	BUFFER >> 12, 0x93, 0, 0
	.word	0xffff
to_low:	.word	0
to_middle:
	.byte	0, 0x93, 0
to_high:
	.byte	0
	.quad	0, 0
drive:	.byte	0

	.org	352
cmdline:
	.asciz	"console=hvc0 quiet clearcpuid=4 lpj=4000000 cryptomgr.notests xen_legacy_crash"
	.org	496
initrd_sector:
	.long	0
initrd_size:
	.long	0
	.org	510
	.word	0xaa55
