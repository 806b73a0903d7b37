#!/bin/sh
# Waits until a resource can be promoted: drbd-wait-promotable.sh RESOURCE
# DRBD 8.4 does not say so; there the disk has to be up to date.

PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
drbdsetup events2 "$1" | awk '
	$2 == "resource" && / may_promote:/ { tells = 1 }
	$2 == "resource" && / (may_promote:yes|role:Primary)/ { exit }
	$2 == "device" && / disk:UpToDate/ && !tells { exit }'
