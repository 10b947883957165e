#!/bin/bash
# The configuration of mkCDrec 1.2 as it was delivered: every variable with its default, as the original had it.
# . $BASEDIR/scripts/make_common.sh

VERBOSE=n
USECOLOR="y"
BOOTARCH=x86
HEAVY_VERIFY=y
RAMDISK_SIZE=128

ISOFS_DIR=/var/tmp/backup
CDREC_ISO_DIR=/var/tmp/isodir

# kernel
LINUX_KERNEL=""
#LINUX_KERNEL="/boot/vmlinuz-2.6.32-5-686"
LINUX_VERSION=""
ELILO_DIR=/boot/efi/efi/redhat
KERNEL_APPEND="ramdisk_blocksize=1024 selinux=0"

CMP_PROG=gzip; CMP_PROG_OPT="-9cv"
#CMP_PROG=bzip2; CMP_PROG_OPT="-9cv"
#CMP_PROG=lzop; CMP_PROG_OPT="-9cv"
CIPHER=none
ENC_PROG_PASSWD_FILE=$HOME/.secret
PreExec=""
PostExec=""

PROMPT_BOOT_FLOPPY=0
INITRD_FS=ramfs
ROOT_FS=ramfs
INITRDSIZE=16384
BACKUP_LOOP=0
BOOT_FLOPPY_DENSITY=ED	# HD, H1722, ED
CHECK_BAD_BLOCKS=""
ADD_PERL=false

TAPE_DEV=/dev/nst0
MT=/bin/mt
TapeDensity=0x25
REMOTE_COMMAND=ssh

EXCLUDE_LIST="
/var/spool/squid/*
/tmp/*
/var/tmp/*
/proc/*
"
#ONLY_INCLUDE_LISTED_FS=1
#INCLUDE_FS_LIST="/ /usr"

MKISOFS=`which mkisofs 2>/dev/null`
ISOVFY=$(which isovfy 2>/dev/null)
ISOLINUX=/usr/lib/syslinux/isolinux.bin
MEMDISK=/usr/lib/syslinux/memdisk
SYSLINUXPATH=`type -p syslinux`
FORCE_SYSLINUX="false"
BURNCDR=n
DVD_Drive=0
CDRECORD=cdrecord
CDRECORDOPT="-v -eject"
SCSIDEVICE="0,0,0"
WRITERSPEED=4
BLANK_CDRW=y
CD_EJECT=y
if [ "${DVD_Drive}" = "1" ]; then
	MAXCDSIZE=4350000
else
	MAXCDSIZE=670000
fi
SERIAL=""
BAUDRATE=9600
FORCE_DHCP_SUPPORT=Y
FIXED_SIZE=""

INITRD_MODULES="loop"
SCSI_MODULES="@scsi_mod sd_mod sr_mod \
 sg st"
NETWORK_MODULES="e100 e1000 tg3"
USB_MODULES="usbcore ehci-hcd"
OTHER_MODULES="isofs"
EXCLUDE_MODULES=""
MKDIR_LIST="bin sbin"
ETC_FILES="hosts passwd shadow group services"
BINARIES="bash ls /sbin/fdisk"
LINKS="sh:bash"
MAN_PAGES="fdisk.8"
INIT_FLAVOR=dialog
TSM_RESTORE=
TSM_ROOT_DIR=/opt/tivoli/tsm
TSM_FILES="bin/dsmc"
DP_RESTORE=y
DP_ROOT_DIR=/opt/omni
DP_FILES=""
DP_DATALIST_NAME=""
NSR_RESTORE=
NSR_ROOT_DIR=
NSR_FILES=
BACULA_RESTORE=
BACULA_DIR=
AUTODR=n
Disable_SELinux_during_backup=true
DEBUG=""
MKCDREC_MODULES="functions network ssh udevd"
LOCALFS=/mnt/local
TMP_DIR=/tmp
LOG=mkcdrec.log
DEVFS=0

# sourced last
if [ -f /etc/mkcdrec.conf ]; then
	. /etc/mkcdrec.conf
fi
