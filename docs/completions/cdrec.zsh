#compdef cdrec
# zsh completion of cdrec; made by "cdrec completion zsh".
_cdrec_test() {
  _arguments -S '--out[where the set would be written]:value:_files -/' \
    '--label[label that the set would have]:value: ' \
    '--kernel[kernel of the rescue system (default\: the running one)]:value: ' \
    '*--exclude[leave out\: /x drops x, /x/* keeps x empty]:value:_files' \
    '*--exclude-mount[a file system that does not belong to the machine]:value:_files -/' \
    '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--fix[install what is missing, after asking]' \
    '--yes[with --fix\: do not ask]' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]'
}
_cdrec_config() {
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(
      'init:write a configuration with every key explained; all of them keep their defaults'
      'show:print what is configured'
      'check:say everything that is wrong with a configuration\: line, column, and what should stand there'
      'import:carry over Config.sh of mkCDrec or local.conf of ReaR\: it is read, not run, and every line is accounted for'
    )
    _describe command commands
  else
    local word=${words[2]}
    shift words; (( CURRENT-- ))
    case $word in
      init) _cdrec_config_init ;;
      show) _cdrec_config_show ;;
      check) _cdrec_config_check ;;
      import) _cdrec_config_import ;;
    esac
  fi
}
_cdrec_config_init() {
  _arguments -S '--out[where to, - for standard output]:value:_files' \
    '--overwrite[replace the file that is there]' \
    '--help[help of this command]'
}
_cdrec_config_show() {
  _arguments -S '--effective[every key with the value that holds, and where it comes from]' \
    '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]'
}
_cdrec_config_check() {
  _arguments -S '--json[result as JSON on standard output]' \
    '--help[help of this command]' \
    ':file:_files'
}
_cdrec_config_import() {
  _arguments -S '--from[mkcdrec or rear (default\: found out by its variables)]:value:(mkcdrec rear)' \
    '--out[where the configuration goes, - for standard output]:value:_files' \
    '--overwrite[replace the file that is there]' \
    '--json[account of every line as JSON on standard output]' \
    '--help[help of this command]' \
    ':file:_files'
}
_cdrec_build() {
  _arguments -S '--mode[rescue\: no backups; iso\: volumes; path\: rescue ISO and archives in a directory; tape\: rescue ISO in --out, archives on tape; repository\: rescue ISO in --out, archives with backup.engine]:value:(rescue iso path tape repository)' \
    '--output[iso\: ISO volumes; pxe\: a tree for a TFTP or HTTP server (rescue system only); floppy\: the image of a boot floppy; tree\: the rescue root as a directory, to be changed]:value:(iso pxe floppy tree)' \
    '--to[with --output pxe\: add this machine to the tree of a boot server for many, known by MAC address, serial number (iPXE) or host name (iPXE)]:value:_files -/' \
    '--generic[with --to\: the rescue system for any machine of the repository, which starts where no machine of its own is known]' \
    '--tree[take the rescue root from this directory, which --output tree made]:value:_files -/' \
    '--out[where the set is written (default\: output.directory)]:value:_files -/' \
    '--volume-size[cd, dvd, dvd-dl, bd, bd-dl, bytes, or 700M, 4.5G...]:value:(cd dvd dvd-dl bd bd-dl)' \
    '--label[label of the set (default\: CDrec-YYYY.MM.DD)]:value: ' \
    '--kernel[kernel of the rescue system (default\: the running one)]:value: ' \
    '*--tape[drive for --mode tape\: /dev/nst0, or HOST\:/dev/nst0 by SSH; one after another]:value:_files' \
    '--burn[burn every volume when it is complete, read it back, ask for the next disc; no ISO files are kept]:value:_files' \
    '--erase[blank rewritable discs without a question]' \
    '--init-repository[with --mode repository\: make the repository if it is not there yet]' \
    '--no-medium[with --mode repository\: only send the backups; the rescue medium that there is finds them]' \
    '--same-disk[let --mode path write to a disk that is itself backed up]' \
    '--passphrase[encrypt the archives with a passphrase that is asked for (backup.encrypt\: with public keys)]' \
    '*--exclude[leave out\: /x drops x, /x/* keeps x empty]:value:_files' \
    '*--exclude-mount[a file system that does not belong to the machine]:value:_files -/' \
    '--dry-run[list the archives, their sizes, and what is left out and why; write nothing]' \
    '--overwrite[replace volumes of the same name; with --tape, overwrite tapes that hold data]' \
    '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]'
}
_cdrec_verify() {
  _arguments -S '*--tape[the set is on tape\: /dev/nst0, or HOST\:/dev/nst0 by SSH]:value:_files' \
    '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--host[machine of the repository (default\: that of the medium, or of the configuration)]:value: ' \
    '--snapshot[state in the repository\: latest (default), set (that of the medium), a label, a set id, or the newest up to a date (2026-11-28)]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--json[result as JSON on standard output]' \
    '--rehearsal[check the report of a rehearsal\: its signature (--key), and that it speaks of these very volumes]:value:_files -/' \
    '--key[public Ed25519 key (PEM) of who signed the report]:value:_files' \
    '--help[help of this command]' \
    '*:volumes:_files'
}
_cdrec_inspect() {
  _arguments -S '--json[set.json of the last volume (or what was found out of other images) on standard output]' \
    '--content[also read all files and compare them with the checksums that the image carries]' \
    '--notes[also list breaches that common writers make and no known reader minds]' \
    '--help[help of this command]' \
    '*:volumes:_files'
}
_cdrec_plan() {
  _arguments -S '*--tape[the set is on tape\: /dev/nst0, or HOST\:/dev/nst0 by SSH]:value:_files' \
    '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--host[machine of the repository (default\: that of the medium, or of the configuration)]:value: ' \
    '--snapshot[state in the repository\: latest (default), set (that of the medium), a label, a set id, or the newest up to a date (2026-11-28)]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--grow[use all of larger disks\: partitions, volumes and their file systems grow in proportion (smaller disks are always made do with, down to what is used)]' \
    '*--fixed[keeps its size\: a mount point, GROUP/VOLUME, or a device; default\: restore.fixed of the configuration]:value: ' \
    '*--weight[share of what is gained on larger disks; without a weight nothing else grows]:value: ' \
    '*--empty[file system that comes back without its files, and needs no room for them\: they stay in the set (restore-fs), and volumes that hold nothing else may be missing]:value: ' \
    '*--table[partition table of the new disk\: gpt or mbr; default\: the kind it had, GPT where a disk that grows is too large for an MBR]:value:(gpt mbr)' \
    '--firmware[how the restored system is to start\: bios or uefi; default\: as this machine was started. A system that started by BIOS alone gets an EFI system partition for uefi, on a GPT, and then starts by both]:value:(bios uefi)' \
    '*--nic[which network card takes the place of which\: its old name, and the name or MAC address of the one that is here; found by itself where it is clear (the same address or slot, or one of each); none\: the network of the restored system stays as it is]:value: ' \
    '--json[the plan as JSON on standard output]' \
    '*--disk[which disk takes the place of which; just a target if the machine had one disk; several go onto one where they name the same]:value:_files' \
    '*--without[disk of the machine that nothing takes the place of\: arrays run degraded]:value:_files' \
    '--help[help of this command]' \
    '*:volumes:_files'
}
_cdrec_restore() {
  _arguments -S '*--tape[the set is on tape\: /dev/nst0, or HOST\:/dev/nst0 by SSH]:value:_files' \
    '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--host[machine of the repository (default\: that of the medium, or of the configuration)]:value: ' \
    '--snapshot[state in the repository\: latest (default), set (that of the medium), a label, a set id, or the newest up to a date (2026-11-28)]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--grow[use all of larger disks\: partitions, volumes and their file systems grow in proportion (smaller disks are always made do with, down to what is used)]' \
    '*--fixed[keeps its size\: a mount point, GROUP/VOLUME, or a device; default\: restore.fixed of the configuration]:value: ' \
    '*--weight[share of what is gained on larger disks; without a weight nothing else grows]:value: ' \
    '*--empty[file system that comes back without its files, and needs no room for them\: they stay in the set (restore-fs), and volumes that hold nothing else may be missing]:value: ' \
    '*--table[partition table of the new disk\: gpt or mbr; default\: the kind it had, GPT where a disk that grows is too large for an MBR]:value:(gpt mbr)' \
    '--firmware[how the restored system is to start\: bios or uefi; default\: as this machine was started. A system that started by BIOS alone gets an EFI system partition for uefi, on a GPT, and then starts by both]:value:(bios uefi)' \
    '*--nic[which network card takes the place of which\: its old name, and the name or MAC address of the one that is here; found by itself where it is clear (the same address or slot, or one of each); none\: the network of the restored system stays as it is]:value: ' \
    '--json[the plan as JSON on standard output]' \
    '*--disk[which disk takes the place of which; just a target if the machine had one disk; several go onto one where they name the same]:value:_files' \
    '*--without[disk of the machine that nothing takes the place of\: arrays run degraded]:value:_files' \
    '--yes[do not ask; only for plans that are not ambiguous]' \
    '--auto[like --yes, after a visible countdown]' \
    '--dry-run[only show the plan]' \
    '--step[ask before every step\: do it, or leave it out]' \
    '*--skip[leave a step of the plan out, by its number or id]:value: ' \
    '--from[begin with this step\: those before it were done by hand]:value: ' \
    '--restart[begin anew, although an interrupted restore of this set is on the disk]' \
    '*--luks-key[file with the passphrase of encrypted volumes, or of the one named; default\: ask]:value:_files' \
    '--check[compare every restored file with its archive at the end]' \
    '--hook[command (bash) that is run when all is restored, before --check, with the restored system mounted at $CDREC_ROOT]:value:_files' \
    '--skip-verify[do not read the archives before the first write]' \
    '--journal[where finished steps are noted]:value:_files' \
    '--work[where file systems are mounted meanwhile]:value:_files -/' \
    '--help[help of this command]' \
    '*:volumes:_files'
}
_cdrec_clone_dsk() {
  _arguments -S '*--tape[the set is on tape\: /dev/nst0, or HOST\:/dev/nst0 by SSH]:value:_files' \
    '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--host[machine of the repository (default\: that of the medium, or of the configuration)]:value: ' \
    '--snapshot[state in the repository\: latest (default), set (that of the medium), a label, a set id, or the newest up to a date (2026-11-28)]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--grow[use all of larger disks\: partitions, volumes and their file systems grow in proportion (smaller disks are always made do with, down to what is used)]' \
    '*--fixed[keeps its size\: a mount point, GROUP/VOLUME, or a device; default\: restore.fixed of the configuration]:value: ' \
    '*--weight[share of what is gained on larger disks; without a weight nothing else grows]:value: ' \
    '*--empty[file system that comes back without its files, and needs no room for them\: they stay in the set (restore-fs), and volumes that hold nothing else may be missing]:value: ' \
    '*--table[partition table of the new disk\: gpt or mbr; default\: the kind it had, GPT where a disk that grows is too large for an MBR]:value:(gpt mbr)' \
    '--firmware[how the restored system is to start\: bios or uefi; default\: as this machine was started. A system that started by BIOS alone gets an EFI system partition for uefi, on a GPT, and then starts by both]:value:(bios uefi)' \
    '*--nic[which network card takes the place of which\: its old name, and the name or MAC address of the one that is here; found by itself where it is clear (the same address or slot, or one of each); none\: the network of the restored system stays as it is]:value: ' \
    '--json[the plan as JSON on standard output]' \
    '--yes[do not ask; only for plans that are not ambiguous]' \
    '--auto[like --yes, after a visible countdown]' \
    '--dry-run[only show the plan]' \
    '--step[ask before every step\: do it, or leave it out]' \
    '*--skip[leave a step of the plan out, by its number or id]:value: ' \
    '--from[begin with this step\: those before it were done by hand]:value: ' \
    '--restart[begin anew, although an interrupted restore of this set is on the disk]' \
    '*--luks-key[file with the passphrase of encrypted volumes, or of the one named; default\: ask]:value:_files' \
    '--check[compare every restored file with its archive at the end]' \
    '--hook[command (bash) that is run when all is restored, before --check, with the restored system mounted at $CDREC_ROOT]:value:_files' \
    '--skip-verify[do not read the archives before the first write]' \
    '--journal[where finished steps are noted]:value:_files' \
    '--work[where file systems are mounted meanwhile]:value:_files -/' \
    '--help[help of this command]' \
    ':source:_files' \
    ':target:_files' \
    '*:volumes:_files'
}
_cdrec_restore_fs() {
  _arguments -S '--list[list the files (with --fs or --path\: only those)]' \
    '--find[list files by name ("fstab", "*.conf") or path ("/etc/**"); * and ? match no slash, ** does]:value: ' \
    '*--path[take this file, or directory with all below]:value: ' \
    '--fs[take this whole file system]:value: ' \
    '--to[where it is unpacked\: files keep their path below a directory; a file system becomes what an empty directory or a device holds]:value:_files' \
    '--mkfs[make a new file system on the device first, of this type (another one than it was, if you like)]:value:(ext4 xfs btrfs ext3 ext2 f2fs jfs reiserfs vfat exfat)' \
    '--yes[do not ask before a device is overwritten]' \
    '*--tape[the set is on tape\: /dev/nst0, or HOST\:/dev/nst0 by SSH]:value:_files' \
    '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--host[machine of the repository (default\: that of the medium, or of the configuration)]:value: ' \
    '--snapshot[state in the repository\: latest (default), set (that of the medium), a label, a set id, or the newest up to a date (2026-11-28)]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--help[help of this command]' \
    '*:volumes:_files'
}
_cdrec_rehearse() {
  _arguments -S '*--disk[size of a blank disk, in the order of the survey; default\: as they were. Another disk of the machine instead of a size\: both go onto one]:value: ' \
    '--smaller[all disks smaller by so much]:value: ' \
    '--firmware[bios, uefi or secure-boot (default\: as the machine started)]:value:(bios uefi secure-boot)' \
    '--bus[how the disks are attached\: virtio, virtio-scsi, ahci, nvme]:value:(virtio virtio-scsi ahci nvme)' \
    '--memory[memory of the virtual machine (default\: up to 2G)]:value: ' \
    '--report[where rehearsal.json and rehearsal.html go (default\: LABEL-rehearsal beside volume 1)]:value:_files -/' \
    '--sign[sign rehearsal.json with this Ed25519 key (PEM)]:value:_files' \
    '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--luks-key[file with a passphrase of the encrypted volumes, when their headers are in the set (default\: one of the rehearsal'\''s own)]:value:_files' \
    '--keep[keep the restored disks and the logs]' \
    '--work[directory for the disks (default\: a new one in /var/tmp)]:value:_files -/' \
    '--patience[give a guest up that takes longer for a stage]:value: ' \
    '--inject[commands (bash) that are run with the restored system at $CDREC_ROOT before it starts\: to see a rehearsal fail]:value:_files' \
    '--json[rehearsal.json on standard output]' \
    '--help[help of this command]' \
    '*:volumes:_files'
}
_cdrec_status() {
  _arguments -S '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--max-age[a set older than this needs attention\: 12h, 30d, 6w]:value: ' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]' \
    '*:volumes:_files'
}
_cdrec_refresh() {
  _arguments -S '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--max-age[a set older than this is made anew\: 12h, 30d, 6w]:value: ' \
    '--keep[how many dated sets of this machine stay]:value: ' \
    '--no-rehearse[do not rehearse the new set]' \
    '--help[help of this command]'
}
_cdrec_install_timer() {
  _arguments -S '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--max-age[a set older than this is made anew\: 12h, 30d, 6w]:value: ' \
    '--keep[how many dated sets of this machine stay]:value: ' \
    '--no-rehearse[do not rehearse the new set]' \
    '--calendar[when, as systemd.time(7) says it]:value: ' \
    '--force[replace units that are there]' \
    '--help[help of this command]'
}
_cdrec_fleet() {
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(
      'list:list the machines of a repository and their sets'
      'status:age, size, rehearsal verdict and drift of every machine, as a table, JSON or a page'
      'report:on a machine\: tell the repository whether it has changed since its newest set'
      'restore:bring a machine of the repository back, here\: like restore, without its medium'
    )
    _describe command commands
  else
    local word=${words[2]}
    shift words; (( CURRENT-- ))
    case $word in
      list) _cdrec_fleet_list ;;
      status) _cdrec_fleet_status ;;
      report) _cdrec_fleet_report ;;
      restore) _cdrec_fleet_restore ;;
    esac
  fi
}
_cdrec_fleet_list() {
  _arguments -S '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--host[all sets of this machine]:value: ' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]'
}
_cdrec_fleet_status() {
  _arguments -S '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--max-age[a set older than this needs attention\: 12h, 30d, 6w]:value: ' \
    '--html[write a page that needs nothing else\: search, sort]:value:_files' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]'
}
_cdrec_fleet_report() {
  _arguments -S '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--config[configuration file (default\: /etc/cdrec/cdrec.toml, if it exists)]:value:_files' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]'
}
_cdrec_fleet_restore() {
  _arguments -S '--repository[the set is in this repository (restic)\: no volumes are needed; with volumes, their repository is now here]:value: ' \
    '--snapshot[state in the repository\: latest (default), set (that of the medium), a label, a set id, or the newest up to a date (2026-11-28)]:value: ' \
    '--password-file[file with the password of the repository (default\: as configured, else it is asked for)]:value:_files' \
    '--repository-env[file with the keys of the repository'\''s store, NAME=VALUE on each line]:value:_files' \
    '--ssh-key[file with the private key for a repository by sftp\:]:value:_files' \
    '--identity[secret key of age that opens an encrypted set, and what a medium keeps of a repository'\''s secrets]:value:_files' \
    '--grow[use all of larger disks\: partitions, volumes and their file systems grow in proportion (smaller disks are always made do with, down to what is used)]' \
    '*--fixed[keeps its size\: a mount point, GROUP/VOLUME, or a device; default\: restore.fixed of the configuration]:value: ' \
    '*--weight[share of what is gained on larger disks; without a weight nothing else grows]:value: ' \
    '*--empty[file system that comes back without its files, and needs no room for them\: they stay in the set (restore-fs), and volumes that hold nothing else may be missing]:value: ' \
    '*--table[partition table of the new disk\: gpt or mbr; default\: the kind it had, GPT where a disk that grows is too large for an MBR]:value:(gpt mbr)' \
    '--firmware[how the restored system is to start\: bios or uefi; default\: as this machine was started. A system that started by BIOS alone gets an EFI system partition for uefi, on a GPT, and then starts by both]:value:(bios uefi)' \
    '*--nic[which network card takes the place of which\: its old name, and the name or MAC address of the one that is here; found by itself where it is clear (the same address or slot, or one of each); none\: the network of the restored system stays as it is]:value: ' \
    '--json[the plan as JSON on standard output]' \
    '*--disk[which disk takes the place of which; just a target if the machine had one disk; several go onto one where they name the same]:value:_files' \
    '*--without[disk of the machine that nothing takes the place of\: arrays run degraded]:value:_files' \
    '--yes[do not ask; only for plans that are not ambiguous]' \
    '--auto[like --yes, after a visible countdown]' \
    '--dry-run[only show the plan]' \
    '--step[ask before every step\: do it, or leave it out]' \
    '*--skip[leave a step of the plan out, by its number or id]:value: ' \
    '--from[begin with this step\: those before it were done by hand]:value: ' \
    '--restart[begin anew, although an interrupted restore of this set is on the disk]' \
    '*--luks-key[file with the passphrase of encrypted volumes, or of the one named; default\: ask]:value:_files' \
    '--check[compare every restored file with its archive at the end]' \
    '--hook[command (bash) that is run when all is restored, before --check, with the restored system mounted at $CDREC_ROOT]:value:_files' \
    '--skip-verify[do not read the archives before the first write]' \
    '--journal[where finished steps are noted]:value:_files' \
    '--work[where file systems are mounted meanwhile]:value:_files -/' \
    '--help[help of this command]' \
    ':host: '
}
_cdrec_burn() {
  _arguments -S '--usb[the whole stick\: /dev/sdX, or a link below /dev/disk/by-id]:value:_files' \
    '--disc[burner\: /dev/sr0; a disc for each image, asked for until every one is right]:value:_files' \
    '--erase[blank rewritable discs without a question]' \
    '--config[configuration file (output.burn_program, output.burn_speed)]:value:_files' \
    '--overwrite[the same device once more, instead of the question; needed for disks that are not removable or carry a volume]:value:_files' \
    '--json[result as JSON on standard output]' \
    '--help[help of this command]' \
    '*:image:_files'
}
_cdrec_boot_entry() {
  _arguments -S '--install[put it into custom.cfg of this machine'\''s GRUB, in the place of an older one]' \
    '--help[help of this command]' \
    ':image:_files'
}
_cdrec_clean() {
  _arguments -S '--out[output directory (default\: output.directory)]:value:_files -/' \
    '--help[help of this command]'
}
_cdrec_demo() {
  _arguments -S '--sample[bios-ext4, bios-logical or uefi-xfs]:value:(bios-ext4 bios-logical uefi-xfs)' \
    '--dir[where images, set and report go]:value:_files -/' \
    '--cache[where the sample system is kept for the next time (default\: in --dir)]:value:_files -/' \
    '--inside[run "cdrec build" inside the booted sample instead of in a chroot (slower without KVM)]' \
    '--volume-size[size of a volume]:value: ' \
    '--uefi-boot[also boot the set by UEFI to the rescue prompt]' \
    '--keep[keep the disk images]' \
    '--help[help of this command]'
}
_cdrec_schema() {
  _arguments -S '--help[help of this command]' \
    ':name:(survey set config rehearsal)'
}
_cdrec_completion() {
  _arguments -S '--help[help of this command]' \
    ':shell:(bash zsh fish)'
}
_cdrec_man() {
  _arguments -S '--all[write every page into this directory]:value:_files -/' \
    '--help[help of this command]' \
    ':command: '
}
_cdrec() {
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(
      'test:check everything a build needs on this machine, with a remedy for what is missing'
      'config:make, show and check the configuration; carry over that of mkCDrec or ReaR'
      'build:build a bootable recovery set of this machine'
      'verify:read all volumes of a set and compare every checksum; in any order, from files, directories or devices'
      'inspect:show what a set holds, and whether its volumes keep the rules of their format; other ISO images too'
      'plan:show what a restore would do; writes nothing'
      'restore:restore the whole machine\: verify the set, show the plan, ask, do it'
      'clone-dsk:bring one disk of the machine onto another one, of any size'
      'restore-fs:one file system, or single files, out of a set\: into a directory or a prepared partition'
      'rehearse:prove in a virtual machine that a set brings the machine back\: boot it, restore onto blank disks, compare every file, boot the result'
      'status:is there a set, how old is it, has the machine changed since, was it rehearsed?'
      'refresh:make a new set when the machine has changed or the set is too old, rehearse it, remove old ones'
      'install-timer:have systemd run "cdrec refresh" regularly\: a service and a timer'
      'fleet:the machines of a repository\: list them, see how they are, restore one of them'
      'burn:write ISO images onto a USB stick or onto discs, read them back and compare'
      'boot-entry:make a GRUB menu entry that starts the rescue system from an ISO file on this machine'\''s disk'
      'clean:remove what interrupted builds left in the output directory; finished sets stay'
      'demo:do the whole job on a sample system in QEMU\: make it, back it up, boot the set, restore, boot the result, compare every file'
      'schema:print the JSON Schema of survey.json, set.json, rehearsal.json or the configuration'
      'completion:print completions of this program for a shell'
      'man:print the manual page of the program or of a command, as roff'
    )
    _describe command commands
  else
    local word=${words[2]}
    shift words; (( CURRENT-- ))
    case $word in
      test) _cdrec_test ;;
      config) _cdrec_config ;;
      build) _cdrec_build ;;
      verify) _cdrec_verify ;;
      inspect) _cdrec_inspect ;;
      plan) _cdrec_plan ;;
      restore|start-restore) _cdrec_restore ;;
      clone-dsk) _cdrec_clone_dsk ;;
      restore-fs) _cdrec_restore_fs ;;
      rehearse) _cdrec_rehearse ;;
      status) _cdrec_status ;;
      refresh) _cdrec_refresh ;;
      install-timer) _cdrec_install_timer ;;
      fleet) _cdrec_fleet ;;
      burn) _cdrec_burn ;;
      boot-entry) _cdrec_boot_entry ;;
      clean) _cdrec_clean ;;
      demo) _cdrec_demo ;;
      schema) _cdrec_schema ;;
      completion) _cdrec_completion ;;
      man) _cdrec_man ;;
    esac
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _cdrec "$@"; else compdef _cdrec cdrec; fi
