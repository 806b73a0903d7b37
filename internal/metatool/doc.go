// Package metatool is drbdmeta: it turns a command line into calls of package
// meta, asks before anything is lost, and prints.
//
// What a command may do is decided here; what lies where on a disk is left to
// package meta.
package metatool
