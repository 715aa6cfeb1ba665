#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that make target $1 needs and that are missing (sim/dependencies.txt).
# AUTO_DEPS=0: only says which, and fails.
set -eu
target=$1
list=$(dirname "$0")/dependencies.txt

missing=
for package in $(awk -v target="$target" '
    /^#/ { next }
    { for (i = 2; i <= NF; i++) if ($i == target) { print $1; next } }' "$list"); do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "${AUTO_DEPS:-1}" = 0 ]; then
  echo "make $target needs these Debian packages:$missing" >&2
  exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "cannot install$missing: neither root nor sudo" >&2; exit 1; }
  sudo=sudo
fi
echo "Installing$missing"
log=build/install_dependencies.log
mkdir -p build
apt() {
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" >>$log 2>&1
}
install() {
  # shellcheck disable=SC2086
  apt install -y --no-install-recommends $missing
}
# Package lists are empty on a new machine and stale on an old one.
install || { apt update && install; } || {
  tail -n 20 $log >&2
  echo "apt-get could not install$missing (see $log)" >&2
  exit 1
}
