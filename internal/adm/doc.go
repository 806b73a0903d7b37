// Package adm is drbdadm: it turns configuration files into calls of drbdsetup
// and drbdmeta.
//
// A command is a row in a table (commands.go). Its objects are resolved against
// the configuration (resolve.go, select.go) and become a plan: a list of Ops, each of which
// is a command line (plan.go). Plans are pure functions of configuration and
// running state. A Runner prints them (--dry-run), starts them as programs
// (--drbdsetup, --drbdmeta) or, by default, calls the tool in this process
// (exec.go).
//
//	drbdadm up r0
//	  commands.go   up: a staged command for whole resources
//	  select.go     r0 -> resource r0 with its volumes and connections
//	  up.go         new-resource, new-minor, attach, connect ...
//	  stages.go     stage by stage over all resources
//	  exec.go       setup.Main("new-resource", "r0") ...
//
// adjust compares configuration and running state (adjust.go, adjustnet.go,
// compare.go); plan shows the result instead of running it (planview.go). explain
// says in words what is wrong with a resource: a pure function (explain.go,
// explain_disk.go, explain_peer.go) of configuration and evidence (evidence.go),
// which comes from the module, the kernel's log (kernellog.go), and /proc and /sys
// (users.go).
package adm
