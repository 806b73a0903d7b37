#!/bin/sh
# What the units do to a resource: drbd-service-shim.sh VERB RESOURCE
#
# Exit codes: 0 done, 1 not done, 2 wrong usage. The verbs that escalate leave that
# to their unit: it fails, and has FailureAction=reboot.

PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
verb=$1 resource=$2
[ $# -eq 2 ] || { echo "usage: $0 VERB RESOURCE" >&2; exit 2; }

configured() { [ "$(drbdsetup events2 --now "$resource")" != "exists -" ]; }
# A resource that is not there has no role that could be in the way.
secondary() { drbdadm secondary "$resource" || ! configured; }
force() { drbdsetup secondary --force "$resource" || ! configured; }

case $verb in
adjust | primary) drbdadm "$verb" "$resource" ;;
down) if [ "$resource" = all ]; then drbdadm down all; else drbdsetup down "$resource"; fi ;;
secondary | secondary-or-escalate) secondary ;;
secondary-force) force ;;
secondary-secondary-force | secondary-secondary-force-or-escalate) secondary || force ;;
*)
	echo "$0: unknown verb $verb" >&2
	exit 2
	;;
esac || exit 1
