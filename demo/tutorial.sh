#!/bin/sh
# Plays DRBD's tutorial on two nodes, drbd01 and drbd02. Their DRBD modules have
# no kernel (drbdfake), their disks are files, their addresses stand for links
# between two processes: nothing on this machine is touched.
set -eu
here=$(dirname "$0")
dir=$(mktemp -d /tmp/drbd-demo.XXXXXX)

cleanup() {
  kill $modules 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
modules=
trap cleanup EXIT
trap 'exit 1' INT TERM

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold= plain=; fi

say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

# Runs a command quietly on a node.
on() {
  node=$1; shift
  DRBD_FAKE=$dir/$node __DRBD_NODE__=$node "$@"
}

# Shows a command at a node's prompt, runs it, shows what it printed.
run() {
  node=$1; shift
  printf '%s%s# %s%s\n' "$bold" "$node" "$*" "$plain"
  on "$node" "$@"
}

# Shows a file of a node as that node sees it.
show() {
  printf '%s%s# cat %s%s\n' "$bold" "$1" "$2" "$plain"
  cat "$dir/$1$2"
}

# Shows the module's progress line until the resync is over: one line that moves
# on a terminal, a few lines otherwise.
progress() {
  last=
  while [ "$(on "$1" drbdadm cstate r0)" = SyncSource ]; do
    line=$(grep "sync'ed" "$dir/$1/proc/drbd") || continue
    if [ -t 1 ]; then printf '\r%s' "$line"
    elif [ "${line%%.*}" != "$last" ]; then printf '%s\n' "$line"; last=${line%%.*}; fi
    sleep 0.1
  done
  if [ -t 1 ]; then printf '\r%80s\r' ''; fi
}

# Waits until a command on a node prints a text.
await() {
  node=$1 text=$2; shift 2
  tries=0
  until [ "$(on "$node" "$@")" = "$text" ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "demo: $node: '$*' never printed $text" >&2; exit 1; }
    sleep 0.1
  done
}

for node in drbd01 drbd02; do
  mkdir -p "$dir/$node/etc"
  sed "s,@DIR@,$dir," "$here/r0.conf" >"$dir/$node/etc/drbd.conf"
  truncate -s 64M "$dir/$node/sdb1"
  drbdfake start "$dir/$node" --node $node --rate 16M >"$dir/$node/log" &
  modules="$modules $!"
done
for node in drbd01 drbd02; do
  until [ -s "$dir/$node/log" ]; do sleep 0.05; done
done

say "Two nodes, each with an empty disk, and the same configuration"
show drbd01 /etc/drbd.conf

say "Put DRBD's metadata on both disks and bring the resource up"
for node in drbd01 drbd02; do
  run $node drbdadm create-md r0
  run $node drbdadm up r0
done
await drbd01 Connected drbdadm cstate r0
run drbd01 drbdadm status r0

say "Neither disk has data yet: say whose counts, and watch the other one follow"
run drbd01 drbdadm primary --force r0
await drbd01 SyncSource drbdadm cstate r0
await drbd02 1 grep -c SyncTarget "$dir/drbd02/proc/drbd"
run drbd02 sh "$here/../dist/init/drbd" status
progress drbd01
await drbd01 UpToDate/UpToDate drbdadm dstate r0
run drbd01 drbdadm status r0
show drbd01 /proc/drbd

say "Write on drbd01, hand the primary role over, read on drbd02"
run drbd01 drbdfake ctl "$dir/drbd01" write 0 0 26 "written once, stored twice"
run drbd01 drbdadm secondary r0
run drbd02 drbdadm primary r0
run drbd02 drbdadm role r0
printf '%sdrbd02# drbdfake ctl %s read 0 0 26 | base64 -d%s\n' "$bold" "$dir/drbd02" "$plain"
on drbd02 drbdfake ctl "$dir/drbd02" read 0 0 26 | base64 -d
echo

say "Done. The same commands work on hosts with the real module"
for node in drbd01 drbd02; do run $node drbdadm down r0; done
