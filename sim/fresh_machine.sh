#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fresh_machine.sh RELEASE [TARGET...]: make targets on a new machine of a release of Debian, bookworm or trixie (default:
# sim test lint area timing). The machine is a debootstrap with git and make and nothing else, in which a user (root) clones
# the HEAD of this checkout and runs one target after the other.
#
# Needs root, debootstrap, and about 8 GB in TMPDIR (default: /var/tmp). Packages come from the mirror that /etc/apt names.
# A line per target: ok or FAILED, seconds, CPU seconds. Their output is in build/fresh_machine/RELEASE/TARGET.log.
# Exit codes: 0; 1 if a target failed; 2 if there is no such machine. In any case the machine is removed.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "fresh_machine.sh: $1" >&2
  exit 2
}
release=${1:-}
case $release in bookworm | trixie) shift ;; *) fail "the first argument must be bookworm or trixie" ;; esac
targets=("$@")
[ $# -gt 0 ] || targets=(sim test lint area timing)
[ "$(id -u)" = 0 ] || fail "only root can make a machine"
command -v debootstrap >/dev/null || fail "there is no debootstrap (Debian: debootstrap)"
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
  sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] *\)\?\([^ ]*\).*/\2/p' | grep -m 1 '/debian/\?$') ||
  fail "/etc/apt names no mirror of Debian"

logs=$PWD/build/fresh_machine/$release
mkdir -p "$logs"
root=$(mktemp -d "${TMPDIR:-/var/tmp}/aqpim-$release.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM HUP
debootstrap --variant=minbase --include=git,make "$release" "$root" "$mirror" >"$logs/debootstrap.log" 2>&1 ||
  fail "debootstrap failed, see $logs/debootstrap.log"
git clone -q --no-local . "$root/srv/aqpim"

# On the machine. Its mounts are in a name space of their own, and go with the last process.
inside() {
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 ${http_proxy:+http_proxy="$http_proxy"} \
    unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" sh -c "cd /srv/aqpim && $1"' \
    "$root" "$1" </dev/null
}

failed=0
TIMEFORMAT='%0R %0U %0S'
for target in "${targets[@]}"; do
  { time inside "make $target" >"$logs/$target.log" 2>&1 && outcome=ok || outcome=FAILED; } 2>"$logs/$target.time"
  read -r seconds user system <"$logs/$target.time"
  printf '%-9s %-10s %-6s %6d s, %6d s of CPU time\n' "$release" "$target" "$outcome" "$seconds" "$((user + system))"
  if [ "$outcome" != ok ]; then
    failed=1
    tail -n 15 "$logs/$target.log" | sed 's/^/    /'
  fi
done
exit $failed
