# Sourced by the scripts beside it: the repository's folder, timed steps, and the packages of ops/packages.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 3
}

# step WHAT COMMAND…: runs the command and says how long it took, or that it failed.
step() {
  local what=$1 began=$SECONDS status=0
  shift
  say "$what"
  "$@" || status=$?
  if ((status != 0)); then
    printf '== %s: FAILED after %d s (exit status %d)\n' "$what" "$((SECONDS - began))" "$status" >&2
    return "$status"
  fi
  printf '== %s: %d s\n' "$what" "$((SECONDS - began))"
}

# listed_packages [SET]: one line of ops/packages each, "a" or "a|b": the ordinary ones, and those marked @SET.
listed_packages() {
  sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$root/ops/packages" |
    while IFS=@ read -r names set; do
      if [[ -z $set || $set == "${1:-}" ]]; then printf '%s\n' "$names"; fi
    done
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true) == installed ]]
}

# missing_packages [SET]: the lines of listed_packages none of whose alternatives is installed.
missing_packages() {
  local line name names found
  while IFS= read -r line; do
    found=no
    IFS='|' read -ra names <<<"$line"
    for name in "${names[@]}"; do
      if is_installed "$name"; then found=yes; fi
      # Node.js as its makers package it has npm within; Debian's npm then conflicts with it.
      if [[ $name == npm ]] && command -v npm >/dev/null; then found=yes; fi
    done
    if [[ $found == no ]]; then printf '%s\n' "$line"; fi
  done < <(listed_packages "${1:-}")
}

as_root() {
  if ((EUID == 0)); then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    die "needs root or sudo to install: $(missing_packages "${package_set:-}" | tr '\n' ' ')"
  fi
}

# quietly COMMAND…: keeps the output to itself unless the command fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if ((status != 0)); then tail -n 40 "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

apt_get() { as_root apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"; }

# The lists of a mirror that is just being updated do not match for a minute or two.
update_package_lists() {
  local try
  for try in 1 2 3 4; do
    if quietly apt_get update; then return 0; fi
    if ((try < 4)); then
      say "apt-get update failed; trying again in $((try * 10)) s"
      sleep $((try * 10))
    fi
  done
  die "apt-get update failed four times: is the network up, and /etc/apt/sources.list right?"
}

has_candidate() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
  [[ -n $candidate && $candidate != '(none)' ]]
}

# Debian starts services when it installs them. photoscribe starts a private Redis of its own for each run, so a
# redis-server that comes by way of this script stays off; one that was there before is left as it is.
policy_file=/usr/sbin/policy-rc.d
policy_is_ours=no
forbid_redis_start() {
  if [[ -e $policy_file ]]; then return; fi  # somebody, such as a container's image, has a policy already
  as_root sh -c "printf '%s\n' '#!/bin/sh' '# photoscribe set-up: temporary' \
    'case \$1 in redis-server) exit 101 ;; esac' >$policy_file && chmod 755 $policy_file"
  policy_is_ours=yes
}
allow_services() {
  if [[ $policy_is_ours == yes ]]; then as_root rm -f "$policy_file"; fi
  policy_is_ours=no
}

# install_packages [SET]: what is missing of ops/packages; no apt at all when nothing is.
install_packages() {
  package_set=${1:-}
  local missing line name names chosen=() redis_was_there=yes
  missing=$(missing_packages "$package_set")
  if [[ -z $missing ]]; then
    say "packages: all installed"
    return 0
  fi
  command -v apt-get >/dev/null || die "no apt-get here: install by hand: $(tr '\n' ' ' <<<"$missing")"
  say "packages: $(wc -l <<<"$missing") to install; apt-get update"
  update_package_lists || return
  while IFS= read -r line; do
    IFS='|' read -ra names <<<"$line"
    for name in "${names[@]}"; do
      if has_candidate "$name"; then
        chosen+=("$name")
        continue 2
      fi
    done
    die "no package for '$line' in this distribution's lists (Debian 12 and 13 are supported)"
  done <<<"$missing"
  is_installed redis-server || redis_was_there=no
  say "packages: apt-get install ${chosen[*]}"
  trap allow_services EXIT
  if [[ $redis_was_there == no ]]; then forbid_redis_start || die "cannot write $policy_file"; fi
  quietly apt_get install --no-install-recommends "${chosen[@]}" || die "apt-get install failed (see above)"
  allow_services
  trap - EXIT
  if [[ $redis_was_there == no ]] && is_installed redis-server && command -v systemctl >/dev/null; then
    quietly as_root systemctl disable redis-server || say "could not switch off redis-server.service at boot; harmless"
  fi
}

# build PRESET [TARGET…]: configures and builds, with as many jobs as cores and memory allow.
build() {
  local preset=$1 jobs memory_mb
  shift
  jobs=$(nproc)
  memory_mb=$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
  if ((memory_mb / 2500 < jobs)); then jobs=$((memory_mb / 2500)); fi  # eight files with LibTorch need 2.4 GB
  if ((jobs < 1)); then jobs=1; fi
  # `step` tests our status, and bash ignores `set -e` there: every command says what a failure means.
  (
    cd "$root" || exit
    local unity=()
    if [[ ! -e build/$preset/CMakeCache.txt ]]; then unity=(-DPHOTOSCRIBE_UNITY=ON); fi  # a folder that exists keeps its own
    quietly cmake --preset "$preset" ${unity[@]+"${unity[@]}"} || exit
    local arguments=(--build --preset "$preset" -j "$jobs")
    if (($# > 0)); then arguments+=(--target "$@"); fi
    cmake "${arguments[@]}"
  )
}
