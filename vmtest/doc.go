// Package vmtest runs the three tools on real kernels: two QEMU machines with
// Debian's kernel package, its own DRBD 8.4.11 module, and our static binaries.
//
// The machines are the two hosts of the DRBD tutorial. They are called drbd01
// and drbd02, have the addresses 192.168.154.128 and .129 on a private link,
// and a partitioned second disk, /dev/sdb1. They run from memory, so a boot
// takes seconds and leaves nothing behind; the second disk survives a power cut.
//
// What is tested is written down as stories in testdata/*.txtar, in the
// language of testscript with these commands added. NODE is drbd01, drbd02 or
// both (one after the other).
//
//	[!] on NODE SHELL-COMMAND...     run it; stdout, stderr and exit look at the result;
//	                                 our tools say nothing on stderr when they succeed
//	exit CODE                        the exit code of the last command was CODE
//	await NODE REGEXP COMMAND...     repeat it until its output matches
//	put NODE FILE PATH               copy a file of the story into the machine
//	power-cut NODE                   the machine stops without a warning
//	boot NODE                        and comes back, with the files that were put
//	[!] same NODE COMMAND...         our tools and the original's print the same
//	same-data KIB                    both machines' disks hold the same data
//
// Run with -tools=reference, the same stories check the original drbd-utils:
// what a story demands of us must hold for it, too.
//
// TestScenarios plays the scenarios of ../testdata/scenarios/shared, which are also
// played with fake nodes, and compares with what the original tools did on the same
// kernel. In each new state it asks the original's tools and ours the same questions.
//
// An emulated machine may be slow to answer, so configurations give ping-timeout a high
// value. The module waits as long before it trusts a new connection, unless
// socket-check-timeout says less: without, each connect takes up to half a minute.
//
// Each story and each scenario has two machines of its own. They wait most of the
// time, so that -parallel 3 makes good use of two processors; it takes 3 GB of memory.
//
// With -measure=RUNS, TestMeasure lets both toolsets work by turns on 200 resources
// and prints a table in Markdown.
//
// The package is a module of its own, because it needs QEMU and a kernel of
// 70 MB, and nothing here is needed to use or build the tools. A missing
// prerequisite is a failure: these tests never skip.
package vmtest
