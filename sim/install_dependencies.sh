#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sees to it that make target $1 finds what it needs (sim/dependencies.txt), or ends with 2 and a list of what is missing.
# Where there are dpkg and apt-get, missing packages are installed; with AUTO_DEPS=0, or anywhere else, nothing is.
set -eu
target=$1
list=$(dirname "$0")/dependencies.txt

# recent WANTED COMMAND...: whether the command is of this version or a newer one, or does not tell its version.
recent() {
  wanted=$1
  shift
  has=$({ "$@" --version || "$@" -V; } 2>/dev/null | grep -Eo '[0-9]+\.[0-9]+(\.[0-9]+)*' | head -n 1)
  [ -z "$has" ] || printf '%s\n%s\n' "$wanted" "$has" | sort -V -C
}

# found COMMAND WANTED: the first word is a command, and it is recent, if WANTED is not empty.
found() {
  command -v "${1%% *}" >/dev/null || return
  # shellcheck disable=SC2086
  [ -z "$2" ] || recent "$2" $1
}

missing= packages= named=
while read -r package targets lookup why; do
  case ,$targets, in *,"$target",*) ;; *) continue ;; esac
  name=${lookup%%>=*} wanted=
  [ "$name" = "$lookup" ] || wanted=${lookup##*>=}
  value=
  case $name in *:*) eval "value=\${${name%%:*}:-}" ;; esac
  if [ -n "$value" ]; then
    # What the user has named is there, or is to be corrected.
    found "$value" "$wanted" && continue
    named=yes
    name="${name%%:*}=$value"
  else
    name=${name##*:}
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" != installed ] || continue
    case $name in
      *.h | *.hpp) printf '#include <%s>\n' "$name" | ${CXX:-g++} -std=c++20 -x c++ -E - >/dev/null 2>&1 ;;
      *.py) python3 -c "import ${name%.py}" >/dev/null 2>&1 ;;
      *) found "$name" "$wanted" ;;
    esac && continue
    packages="$packages $package"
  fi
  missing="$missing  $name${wanted:+, $wanted or newer} (Debian: $package): $why
"
done <<LIST
$(grep -v '^#' "$list")
LIST
[ -n "$missing" ] || exit 0

give_up() {
  printf '%s\n%s' "$1" "$missing" >&2
  exit 2
}
[ -z "$named" ] || give_up "make $target needs this; a variable names a command that is not there, or too old:"
[ "${AUTO_DEPS:-1}" != 0 ] || give_up "make $target needs this, which is missing here:"
command -v apt-get >/dev/null || give_up "make $target needs this, which is missing here, and there is no apt-get:"
sudo=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || give_up "make $target needs this, which is missing here, and only root or sudo can install it:"
  sudo=sudo
fi

echo "Installing$packages"
log=build/install_dependencies.log
mkdir -p build
apt() {
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" >>$log 2>&1
}
install() {
  # shellcheck disable=SC2086
  apt install -y --no-install-recommends $packages
}
# Package lists are empty on a new machine and stale on an old one.
install || { apt update && install; } || {
  tail -n 20 $log >&2
  give_up "apt-get could not install all of this (see $log); what other means installed is found, too:"
}
