package adm

import (
	"slices"

	"drbdutils/schema"
)

// purposes says in a sentence what each command is for, sorted by name.
var purposes = []struct{ name, text string }{
	{"adjust", "Changes what runs to what the configuration says, and nothing else."},
	{"adjust-with-progress", "Does what adjust does and shows on which resources it works."},
	{"after-resync-target", "Runs the handler for the end of a resync on the node that received it."},
	{"apply-al", "Marks in the bitmap of a detached disk what the activity log says was being written."},
	{"attach", "Gives a volume its disk."},
	{"before-resync-source", "Runs the handler for the beginning of a resync on the node that sends it."},
	{"before-resync-target", "Runs the handler for the beginning of a resync on the node that receives it."},
	{"check-resize", "Moves internal metadata of a detached disk that has grown to its new end."},
	{"connect", "Begins to connect to the peers; --discard-my-data gives up the changes made here since a split brain."},
	{"create-md", "Writes new metadata to the disks of this node; data that might be there is asked about first."},
	{"cstate", "Prints the state of each connection."},
	{"del-minor", "Removes the device of a volume that has no disk."},
	{"del-path", "Removes the paths of a connection."},
	{"del-peer", "Removes the connections to the peers."},
	{"detach", "Takes a volume's disk away; with peers that have the data, applications go on."},
	{"disconnect", "Ends the connections to the peers; the changes made meanwhile are noted and sent later."},
	{"disconnected", "Runs the handler for a lost connection."},
	{"disk-options", "Changes the options of the disks to what the configuration says."},
	{"down", "Takes a resource down: connections, disks, devices and the resource."},
	{"dstate", "Prints the state of each disk: this node's, then the peers'."},
	{"dump", "Prints the configuration as it was understood."},
	{"dump-md", "Prints the metadata of a detached disk in a form that 'drbdmeta restore-md' reads."},
	{"dump-superblock", "Prints the superblock of the metadata without its bitmap."},
	{"dump-xml", "Prints the configuration as XML."},
	{"explain", "Says why a resource is not connected, not up to date or not promotable, and what would help."},
	{"fence-peer", "Runs the handler that keeps a lost peer from becoming primary."},
	{"forget-peer", "Forgets peers for good, and frees their slots in the metadata."},
	{"get-gi", "Prints the generation identifiers of each volume on one line."},
	{"hidden-commands", "Lists the commands that 'drbdadm help' leaves out."},
	{"initial-split-brain", "Runs the handler for a split brain that may still be resolved by itself."},
	{"invalidate", "Replaces the data of this node by a peer's: everything here is overwritten."},
	{"invalidate-remote", "Replaces the data of the peers by this node's: everything there is overwritten."},
	{"lint", "Checks the configuration, and warns of what is legal but not safe."},
	{"local-io-error", "Runs the handler for an error of the local disk."},
	{"net-options", "Changes the options of the connections to what the configuration says."},
	{"new-current-uuid", "Begins a new generation of the data; --clear-bitmap skips the first resync."},
	{"new-minor", "Creates the devices of a resource."},
	{"new-path", "Adds the configured paths to the connections."},
	{"new-peer", "Makes the peers known to a resource without connecting to them."},
	{"new-resource", "Creates a resource that has no volumes and no peers yet."},
	{"out-of-sync", "Runs the handler for differences that a verification found."},
	{"outdate", "Marks the data of this node as outdated, so that it can not become primary."},
	{"pause-sync", "Pauses a resync."},
	{"peer-device-options", "Changes the options of the volumes at the peers to what the configuration says."},
	{"peer-role", "Prints the role of each peer."},
	{"plan", "Shows what adjust would change and why, and how much each step disturbs."},
	{"pri-lost", "Runs the handler for a primary that is to give its role up."},
	{"pri-lost-after-sb", "Runs the handler for a primary that loses after a split brain."},
	{"pri-on-incon-degr", "Runs the handler for a primary that is left without any usable data."},
	{"primary", "Makes this node primary, so that the devices can be written; --force declares its data to be the good copy."},
	{"proxy-down", "Removes a resource's connections from the local proxy."},
	{"proxy-up", "Sets a resource's connections up in the local proxy."},
	{"quorum-lost", "Runs the handler for the loss of quorum."},
	{"repair-md", "Repairs metadata of a detached disk as far as what is left of it tells."},
	{"resize", "Lets a volume use the space by which the disks of all nodes have grown."},
	{"resource-options", "Changes the options of a resource to what the configuration says."},
	{"resume-io", "Lets suspended I/O go on."},
	{"resume-sync", "Goes on with a paused resync."},
	{"role", "Prints the role of this node; with DRBD 8.4 also the peer's."},
	{"secondary", "Gives the primary role up; nothing may use the devices any more."},
	{"set-gi", "Writes generation identifiers to the metadata of a detached disk."},
	{"sh-b-pri", "Becomes primary if the configuration names this node in become-primary-on."},
	{"sh-dev", "Prints the device of each volume."},
	{"sh-ip", "Prints the address of this node for each connection."},
	{"sh-list-adjustable", "Prints the resources that adjust would change."},
	{"sh-list-config-file", "Prints the file in which each resource is defined."},
	{"sh-ll-dev", "Prints the disk of each volume."},
	{"sh-lr-of", "Prints the resource below a stacked one."},
	{"sh-md-dev", "Prints the device that holds each volume's metadata."},
	{"sh-md-idx", "Prints where on its device each volume's metadata is."},
	{"sh-minor", "Prints the minor number of each volume."},
	{"sh-mod-parms", "Prints the parameters for loading the module."},
	{"sh-new-minor", "Creates the devices of a resource."},
	{"sh-nop", "Does nothing but read and check the configuration."},
	{"sh-resource", "Prints the name of each resource."},
	{"sh-resources", "Prints the names of all resources of this node."},
	{"sh-status", "Prints the state as variables for a shell."},
	{"sh-udev", "Prints the links that udev makes for a device."},
	{"show-gi", "Prints the generation identifiers of each volume, and what they mean."},
	{"split-brain", "Runs the handler for a split brain that was not resolved."},
	{"status", "Prints the state of resources, devices and connections."},
	{"suspend-io", "Holds back the I/O of applications."},
	{"unfence-peer", "Runs the handler that undoes fence-peer."},
	{"up", "Brings a resource up: its devices, disks and connections."},
	{"verify", "Compares the data with the peers'; differences are marked, not repaired."},
	{"wait-con-int", "Waits until the peers are connected, as the startup options say; used when a host starts."},
	{"wait-connect", "Waits until the peers are connected."},
	{"wait-sync", "Waits until resyncs are over."},
	{"wipe-md", "Destroys the metadata of a detached disk; the data stays."},
}

// purpose returns the sentence about a command.
func (c command) purpose() string {
	i := slices.IndexFunc(purposes, func(p struct{ name, text string }) bool { return p.name == c.name })
	return purposes[i].text
}

// operands tells how the objects of a command are named.
func (c command) operands(g schema.Generation) string {
	name := "RESOURCE"
	if g == schema.V9 && (c.scope > perVolume || c.flags.has(takesPeer)) {
		name += "[:PEER]"
	}
	eachVolume := c.scope == perVolume || c.scope == perPeerDevice
	switch {
	case c.objects == none:
		return ""
	case c.volumes == volumeRequired:
		return " {" + name + "/VOLUME|minor-MINOR}..."
	case c.volumes == volumeAllowed && eachVolume:
		return " {all|" + name + "[/VOLUME]|minor-MINOR}..."
	case c.objects == optional:
		return " [all|" + name + "]..."
	}
	return " {all|" + name + "}..."
}
