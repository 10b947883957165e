#!/usr/bin/env bash
# Sets a fresh Debian machine up for work on cdrec: packages, node modules, build. What is done is not done again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
  qemu-system-x86 ovmf seabios mmdebstrap distro-info-data squashfs-tools zstd xz-utils tar kmod cpio util-linux mount fdisk gdisk e2fsprogs xfsprogs dosfstools mtools
  attr acl libcap2-bin btrfs-progs ntfs-3g partclone par2 cryptsetup-bin f2fs-tools jfsutils reiserfsprogs exfatprogs isolinux syslinux-common grub-common grub-pc-bin grub-efi-amd64-bin xorriso genisoimage libarchive-tools cksfv sg3-utils p7zip-full isomd5sum syslinux python3-pycdlib openssh-client
  age pigz lbzip2 bzip2 tgt qemu-block-extra qemu-utils openssl chromium fonts-dejavu-core man-db zsh fish
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "These packages are missing; run this as root, or: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "== Debian packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

lock=$(sha256sum package-lock.json | cut -c1-16)
if [ "$(cat node_modules/.cdrec-lock 2> /dev/null || true)" != "$lock" ]; then
  echo "== Node modules"
  npm ci --prefer-offline --no-audit --no-fund --loglevel=error
  echo "$lock" > node_modules/.cdrec-lock
fi

# Engines that Debian 12 has not, or too old: single static files of Debian 13's packages, from the mirror that apt uses.
bin=$PWD/.cache/bin
if ! [ -x "$bin/restic" ] || ! [ -x "$bin/rest-server" ]; then
  echo "== restic and its REST server"
  engines=$(mktemp -d)
  mkdir -p "$engines/lists/partial" "$engines/cache/archives/partial" "$bin"
  chmod 755 "$engines"
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?apt has no mirror of bookworm} trixie main" > "$engines/sources.list"
  options=(-qq -o Dir::Etc::sourcelist="$engines/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$engines/lists" -o Dir::Cache="$engines/cache")
  apt-get "${options[@]}" update
  (cd "$engines" && apt-get "${options[@]}" -o APT::Sandbox::User=root download restic restic-rest-server && for deb in ./*.deb; do dpkg-deb --extract "$deb" x; done)
  cp "$engines/x/usr/bin/restic" "$bin/restic"
  cp "$(find "$engines/x" -type f -name '*rest-server' -path '*bin*')" "$bin/rest-server"
  rm -rf "$engines"
fi

echo "== Build"
npx nx run-many -t build bundle --output-style=static > .nx-build.log 2>&1 || { cat .nx-build.log >&2; exit 1; }
rm -f .nx-build.log
