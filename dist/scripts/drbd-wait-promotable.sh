#!/bin/sh
# Waits until a resource can be promoted: drbd-wait-promotable.sh RESOURCE
# DRBD 8.4 does not say so; there the disk has to be up to date.

PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
drbdsetup events2 "$1" | {
	tells=no
	while read -r _ object state; do
		case "$object $state" in
		"resource "*may_promote:yes* | "resource "*role:Primary*) exit 0 ;;
		"resource "*may_promote:*) tells=yes ;;
		"device "*disk:UpToDate*) [ $tells = yes ] || exit 0 ;;
		esac
	done
	exit 1 # the module is gone
}
