# Shared by the launchers of the log-in targets; sourced by `target`, never run.
# Expects NAME (the target's folder name) and HERE (the target's folder).
# shellcheck shell=bash
set -euo pipefail
umask 022

TARGETS_ROOT=${TARGETS_ROOT:-$(cd "$HERE/../../.." && pwd)/target/targets}
STATE=${TARGET_STATE:-$TARGETS_ROOT/$NAME}
RUN=$STATE/run
LOG=$STATE/log
ADDRESSES=$STATE/addresses
# Test accounts of throw-away servers on loopback: no secret.
# shellcheck disable=SC2034
PASSWORD='probe-Passw0rd!'
# What a launcher exits with when this machine lacks something that it may not install.
UNAVAILABLE=77
mkdir -p "$RUN" "$LOG"
export DEBIAN_FRONTEND=noninteractive

say() { printf '[%s] %s\n' "$NAME" "$*"; }
die() { printf '[%s] failed: %s\n' "$NAME" "$*" >&2; exit 1; }
unavailable() { printf '[%s] not possible here: %s\n' "$NAME" "$*" >&2; exit "$UNAVAILABLE"; }

# Runs a command with its output in the log; on failure shows the log's end.
logged() {
  local log=$LOG/$1.log; shift
  "$@" >>"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; return 1; }
}

# need_apt PACKAGE...: installs what is missing and starts none of its services.
need_apt() {
  local package missing=()
  command -v dpkg-query >/dev/null || unavailable "needs the Debian packages $*"
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || unavailable "needs root to install the Debian packages ${missing[*]}"
  say "installing ${missing[*]}"
  # One installer at a time; the policy file keeps packages from starting their services.
  (
    flock 8
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
      printf '#!/bin/sh\nexit 101\n' >$policy
      chmod +x $policy
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    if [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mtime -1 -print -quit 2>/dev/null)" ]; then
      logged apt apt-get -qq -o DPkg::Lock::Timeout=300 update || true
    fi
    apt_install() { logged apt apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"; }
    # A second try mends what an install that was broken off has left.
    apt_install "${missing[@]}" || { logged apt dpkg --configure -a && apt_install --fix-broken "${missing[@]}"; }
  ) 8>/var/lock/doorstep-test-apt.lock || unavailable "apt-get could not install ${missing[*]}"
}

# need_python FOLDER REQUIREMENT...: a virtual environment with exactly these packages asked for.
need_python() {
  local folder=$1 wanted; shift
  wanted=$(printf '%s\n' "$@")
  [ "$(cat "$folder/wanted" 2>/dev/null)" = "$wanted" ] && return 0
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then need_apt python3-venv; fi
  say "installing $* from the Python package index"
  rm -rf "$folder"
  logged pip python3 -m venv "$folder" || die "no virtual environment"
  logged pip "$folder/bin/pip" -q --disable-pip-version-check --retries 2 install "$@" || unavailable "pip could not install $*"
  printf '%s' "$wanted" >"$folder/wanted"
}

# need_node FOLDER PACKAGE@VERSION...: npm packages below FOLDER.
need_node() {
  local folder=$1 wanted; shift
  wanted=$(printf '%s\n' "$@")
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then need_apt nodejs npm; fi
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || unavailable "needs Node.js 20 or newer, found $(node --version)"
  [ "$(cat "$folder/wanted" 2>/dev/null)" = "$wanted" ] && return 0
  say "installing $* from the npm registry"
  rm -rf "$folder"
  mkdir -p "$folder"
  printf '{"private":true,"type":"module"}\n' >"$folder/package.json"
  (cd "$folder" && logged npm npm install --no-fund --no-audit --save-exact --loglevel=error --fetch-retries=1 "$@") \
    || unavailable "npm could not install $*"
  printf '%s' "$wanted" >"$folder/wanted"
}

port_busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# pick_ports BASE COUNT: sets PORT to the first of COUNT free ports in a row, BASE itself when it is free.
# TARGET_PORT asks for one base; then nothing else is tried.
pick_ports() {
  local base=${TARGET_PORT:-$1} count=$2 try offset
  for try in $(seq 0 40); do
    PORT=$((base + try * 200))
    for offset in $(seq 0 $((count - 1))); do
      if port_busy $((PORT + offset)); then
        [ -z "${TARGET_PORT:-}" ] || die "port $((PORT + offset)) is in use: set TARGET_PORT to another base"
        continue 2
      fi
    done
    return 0
  done
  die "no $count free ports in a row from $base on"
}

# A server is known by its process id and the time at which that process began, since ids are used again. One that has
# ended but was not yet collected by its parent counts as gone.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }
is_up() {
  local pid time
  read -r pid time 2>/dev/null <"$RUN/$1.pid" && [ -n "$time" ] && [ "$(began "$pid")" = "$time" ]
}

# start_server TAG COMMAND...: in a session of its own, without the caller's open files, so that a server holds no
# lock and no pipe of a test run.
start_server() {
  local tag=$1 pid; shift
  rm -f "$RUN/$tag.pid"
  # shellcheck disable=SC2016 # expanded by the inner shell
  setsid --fork bash -c '
    echo $$ >"$0"
    for file in /proc/self/fd/*; do
      file=${file##*/}
      [ "$file" -le 2 ] || eval "exec $file>&-"
    done 2>/dev/null
    exec "$@"' "$RUN/$tag.new" "$@" >>"$LOG/$tag.log" 2>&1 </dev/null
  until_true 10 test -s "$RUN/$tag.new" || die "$tag did not start"
  pid=$(cat "$RUN/$tag.new")
  rm -f "$RUN/$tag.new"
  printf '%s %s\n' "$pid" "$(began "$pid")" >"$RUN/$tag.pid"
}

# stop_server TAG: asks its process group to end, insists after ten seconds.
stop_server() {
  local tag=$1 pid
  if is_up "$tag"; then
    pid=$(cut -d' ' -f1 "$RUN/$tag.pid")
    kill -TERM -- "-$pid" 2>/dev/null || true
    until_true 10 is_down "$tag" || kill -KILL -- "-$pid" 2>/dev/null || true
    say "$tag stopped"
  fi
  rm -f "$RUN/$tag.pid"
}
is_down() { ! is_up "$1"; }

# until_true SECONDS COMMAND...: tries until it succeeds; fails when the time is over.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# answers URL [CURL OPTION...]: whether an answer below 500 comes.
answers() {
  local url=$1; shift
  [[ "$(curl -s -o /dev/null --max-time 10 -w '%{http_code}' "$@" "$url")" =~ ^[234] ]]
}

# ready TAG URL [CURL OPTION...]: waits for the first answer; gives up when the server of that tag has ended.
ready() {
  local tag=$1; shift
  until_true 90 ready_or_dead "$tag" "$@" && is_up "$tag" && return 0
  tail -n 20 "$LOG/$tag.log" >&2
  die "no answer from $1"
}
ready_or_dead() { local tag=$1; shift; answers "$@" || ! is_up "$tag"; }

# publish NAME=VALUE...: what the tests need to know, one a line, written when all of it is true.
publish() {
  printf '%s\n' "$@" >"$ADDRESSES.new"
  mv "$ADDRESSES.new" "$ADDRESSES"
  say "up: $*"
}
