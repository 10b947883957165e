# bash completion of cdrec; made by "cdrec completion bash".
_cdrec() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' word
  COMPREPLY=()
  compopt -o filenames 2> /dev/null
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && continue
    case "$command" in
      '') command=$word ;;
      'config') case "$word" in init|show|check|import) command="$command $word" ;; esac ;;
      'fleet') case "$word" in list|status|report|restore) command="$command $word" ;; esac ;;
    esac
  done
  case "$command" in
    '') COMPREPLY=($(compgen -W 'test config build verify inspect plan restore clone-dsk restore-fs rehearse status refresh install-timer fleet burn boot-entry clean demo schema completion man --help --version --debug' -- "$cur")) ;;
    'test')
      case "$prev" in
        --out) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --label) COMPREPLY=(); return ;;
        --kernel) COMPREPLY=(); return ;;
        --exclude) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --exclude-mount) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--out --label --kernel --exclude --exclude-mount --config --fix --yes --json --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'config')
      case "$prev" in
        *) ;;
      esac
      if [[ $cur == -* || -n x ]]; then COMPREPLY=($(compgen -W 'init show check import --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'config init')
      case "$prev" in
        --out) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--out --overwrite --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'config show')
      case "$prev" in
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--effective --config --json --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'config check')
      case "$prev" in
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--json --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'config import')
      case "$prev" in
        --from) COMPREPLY=($(compgen -W 'mkcdrec rear' -- "$cur")); return ;;
        --out) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--from --out --overwrite --json --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'build')
      case "$prev" in
        --mode) COMPREPLY=($(compgen -W 'rescue iso path tape repository' -- "$cur")); return ;;
        --output) COMPREPLY=($(compgen -W 'iso pxe floppy tree' -- "$cur")); return ;;
        --to) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --tree) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --out) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --volume-size) COMPREPLY=($(compgen -W 'cd dvd dvd-dl bd bd-dl' -- "$cur")); return ;;
        --label) COMPREPLY=(); return ;;
        --kernel) COMPREPLY=(); return ;;
        --tape) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --burn) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --exclude) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --exclude-mount) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--mode --output --to --generic --tree --out --volume-size --label --kernel --tape --burn --erase --init-repository --no-medium --same-disk --passphrase --exclude --exclude-mount --dry-run --overwrite --config --json --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'verify')
      case "$prev" in
        --tape) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --repository) COMPREPLY=(); return ;;
        --host) COMPREPLY=(); return ;;
        --snapshot) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --rehearsal) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--tape --repository --host --snapshot --password-file --repository-env --ssh-key --identity --json --rehearsal --key --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'inspect')
      case "$prev" in
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--json --content --notes --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'plan')
      case "$prev" in
        --tape) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --repository) COMPREPLY=(); return ;;
        --host) COMPREPLY=(); return ;;
        --snapshot) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --fixed) COMPREPLY=(); return ;;
        --weight) COMPREPLY=(); return ;;
        --empty) COMPREPLY=(); return ;;
        --table) COMPREPLY=($(compgen -W 'gpt mbr' -- "$cur")); return ;;
        --firmware) COMPREPLY=($(compgen -W 'bios uefi' -- "$cur")); return ;;
        --nic) COMPREPLY=(); return ;;
        --disk) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --without) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--tape --repository --host --snapshot --password-file --repository-env --ssh-key --identity --grow --fixed --weight --empty --table --firmware --nic --json --disk --without --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'restore')
      case "$prev" in
        --tape) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --repository) COMPREPLY=(); return ;;
        --host) COMPREPLY=(); return ;;
        --snapshot) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --fixed) COMPREPLY=(); return ;;
        --weight) COMPREPLY=(); return ;;
        --empty) COMPREPLY=(); return ;;
        --table) COMPREPLY=($(compgen -W 'gpt mbr' -- "$cur")); return ;;
        --firmware) COMPREPLY=($(compgen -W 'bios uefi' -- "$cur")); return ;;
        --nic) COMPREPLY=(); return ;;
        --disk) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --without) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --skip) COMPREPLY=(); return ;;
        --from) COMPREPLY=(); return ;;
        --luks-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --hook) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --journal) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --work) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--tape --repository --host --snapshot --password-file --repository-env --ssh-key --identity --grow --fixed --weight --empty --table --firmware --nic --json --disk --without --yes --auto --dry-run --step --skip --from --restart --luks-key --check --hook --skip-verify --journal --work --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'clone-dsk')
      case "$prev" in
        --tape) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --repository) COMPREPLY=(); return ;;
        --host) COMPREPLY=(); return ;;
        --snapshot) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --fixed) COMPREPLY=(); return ;;
        --weight) COMPREPLY=(); return ;;
        --empty) COMPREPLY=(); return ;;
        --table) COMPREPLY=($(compgen -W 'gpt mbr' -- "$cur")); return ;;
        --firmware) COMPREPLY=($(compgen -W 'bios uefi' -- "$cur")); return ;;
        --nic) COMPREPLY=(); return ;;
        --skip) COMPREPLY=(); return ;;
        --from) COMPREPLY=(); return ;;
        --luks-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --hook) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --journal) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --work) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--tape --repository --host --snapshot --password-file --repository-env --ssh-key --identity --grow --fixed --weight --empty --table --firmware --nic --json --yes --auto --dry-run --step --skip --from --restart --luks-key --check --hook --skip-verify --journal --work --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); fi ;;
    'restore-fs')
      case "$prev" in
        --find) COMPREPLY=(); return ;;
        --path) COMPREPLY=(); return ;;
        --fs) COMPREPLY=(); return ;;
        --to) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --mkfs) COMPREPLY=($(compgen -W 'ext4 xfs btrfs ext3 ext2 f2fs jfs reiserfs vfat exfat' -- "$cur")); return ;;
        --tape) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --repository) COMPREPLY=(); return ;;
        --host) COMPREPLY=(); return ;;
        --snapshot) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--list --find --path --fs --to --mkfs --yes --tape --repository --host --snapshot --password-file --repository-env --ssh-key --identity --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'rehearse')
      case "$prev" in
        --disk) COMPREPLY=(); return ;;
        --smaller) COMPREPLY=(); return ;;
        --firmware) COMPREPLY=($(compgen -W 'bios uefi secure-boot' -- "$cur")); return ;;
        --bus) COMPREPLY=($(compgen -W 'virtio virtio-scsi ahci nvme' -- "$cur")); return ;;
        --memory) COMPREPLY=(); return ;;
        --report) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --sign) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --luks-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --work) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --patience) COMPREPLY=(); return ;;
        --inject) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--disk --smaller --firmware --bus --memory --report --sign --repository --password-file --repository-env --ssh-key --identity --luks-key --keep --work --patience --inject --json --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'status')
      case "$prev" in
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --max-age) COMPREPLY=(); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--config --max-age --json --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'refresh')
      case "$prev" in
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --max-age) COMPREPLY=(); return ;;
        --keep) COMPREPLY=(); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--config --max-age --keep --no-rehearse --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'install-timer')
      case "$prev" in
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --max-age) COMPREPLY=(); return ;;
        --keep) COMPREPLY=(); return ;;
        --calendar) COMPREPLY=(); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--config --max-age --keep --no-rehearse --calendar --force --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'fleet')
      case "$prev" in
        *) ;;
      esac
      if [[ $cur == -* || -n x ]]; then COMPREPLY=($(compgen -W 'list status report restore --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'fleet list')
      case "$prev" in
        --repository) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --host) COMPREPLY=(); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--repository --password-file --repository-env --ssh-key --identity --config --host --json --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'fleet status')
      case "$prev" in
        --repository) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --max-age) COMPREPLY=(); return ;;
        --html) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--repository --password-file --repository-env --ssh-key --identity --config --max-age --html --json --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'fleet report')
      case "$prev" in
        --repository) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--repository --password-file --repository-env --ssh-key --identity --config --json --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'fleet restore')
      case "$prev" in
        --repository) COMPREPLY=(); return ;;
        --snapshot) COMPREPLY=(); return ;;
        --password-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --repository-env) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --ssh-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --fixed) COMPREPLY=(); return ;;
        --weight) COMPREPLY=(); return ;;
        --empty) COMPREPLY=(); return ;;
        --table) COMPREPLY=($(compgen -W 'gpt mbr' -- "$cur")); return ;;
        --firmware) COMPREPLY=($(compgen -W 'bios uefi' -- "$cur")); return ;;
        --nic) COMPREPLY=(); return ;;
        --disk) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --without) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --skip) COMPREPLY=(); return ;;
        --from) COMPREPLY=(); return ;;
        --luks-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --hook) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --journal) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --work) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--repository --snapshot --password-file --repository-env --ssh-key --identity --grow --fixed --weight --empty --table --firmware --nic --json --disk --without --yes --auto --dry-run --step --skip --from --restart --luks-key --check --hook --skip-verify --journal --work --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'burn')
      case "$prev" in
        --usb) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --disc) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        --config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --overwrite) COMPREPLY=($(compgen -f -- "${cur:-/dev/}")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--usb --disc --erase --config --overwrite --json --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'boot-entry')
      case "$prev" in
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--install --help' -- "$cur"))
      else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
    'clean')
      case "$prev" in
        --out) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--out --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'demo')
      case "$prev" in
        --sample) COMPREPLY=($(compgen -W 'bios-ext4 bios-logical uefi-xfs' -- "$cur")); return ;;
        --dir) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --cache) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --volume-size) COMPREPLY=(); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--sample --dir --cache --inside --volume-size --uefi-boot --keep --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
    'schema')
      case "$prev" in
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'survey set config rehearsal' -- "$cur")); fi ;;
    'completion')
      case "$prev" in
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--help' -- "$cur"))
      else COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); fi ;;
    'man')
      case "$prev" in
        --all) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        *) ;;
      esac
      if [[ $cur == -* || -z x ]]; then COMPREPLY=($(compgen -W '--all --help' -- "$cur"))
      else COMPREPLY=(); fi ;;
  esac
}
complete -F _cdrec cdrec
