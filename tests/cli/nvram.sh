#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx nvram on a file: entries in words, changes, and what is refused.
. "$(dirname "$0")/lib.sh"
cp "$top_srcdir/tests/fuzz/corpus/nvram/ovmf" "$tmp/vars.fd"

run nvram "$tmp/vars.fd" list
expect_status 0
expect_out <<'EOF'
NAME          BYTES  ATTRIBUTES       VALUE
Boot0000         62  nv,bs,rt         'UiApp' Fv(00000000-0000-0000-0000-000000000005)/FvFile(00000000-0000-0000-0000-000000000006), hidden
Boot0001         74  nv,bs,rt         'UEFI QEMU HARDDISK' PciRoot(0x0)/Pci(0x1,0x1)/Ata(Primary,Master,0)
Boot0002        140  nv,bs,rt         'debian' PciRoot(0x0)/Pci(0x1,0x1)/Ata(Primary,Master,0)/HD(1,GPT,12345678-1234-1234-1234-123456789abc,0x800,0x1000)/\EFI\BOOT\BOOTX64.EFI, inactive
BootOrder         6  nv,bs,rt         Boot0001 'UEFI QEMU HARDDISK', Boot0000 'UiApp', Boot0009, which is not there
MTC               4  nv,bs,rt         01000000
PK               16  nv,bs,rt,signed  00000000000000000000000000000000
PlatformLang      3  nv,bs,rt         "en"
Timeout           2  nv,bs,rt         5 s
EOF
run nvram "$tmp/vars.fd" get BootOrder
expect_out <<'EOF'
Boot0001 'UEFI QEMU HARDDISK', Boot0000 'UiApp', Boot0009, which is not there
EOF
run nvram "$tmp/vars.fd" set BootOrder Boot0002,Boot0001
expect_status 0
expect_out <<'EOF'
the guest has it when it starts next
EOF
run nvram "$tmp/vars.fd" get BootOrder
expect_out <<'EOF'
Boot0002 'debian', Boot0001 'UEFI QEMU HARDDISK'
EOF
run nvram -q "$tmp/vars.fd" delete Timeout
expect_status 0
expect_out </dev/null
run nvram "$tmp/vars.fd" get Timeout
expect_status 4
run nvram "$tmp/vars.fd" get MTC --guid eb704011-1402-11d3-8e77-00a0c969723b --json
expect_out_has '"data":"01000000"'
run nvram "$tmp/vars.fd" set PK hex:00
expect_status 7
expect_err_has "'PK' is signed"
run nvram "$tmp/vars.fd" set BootOrder Boot0007
expect_status 4
expect_err_has "there is no entry 'Boot0007'"
run nvram "$tmp/vars.fd" frob
expect_status 2
run nvram "$tmp/vars.fd" set BootOrder
expect_status 2
run nvram "$tmp/none.fd" list
expect_status 4
printf x >"$tmp/bad.fd"
run nvram "$tmp/bad.fd" list
expect_err_has 'it is no store of UEFI variables'
finish
