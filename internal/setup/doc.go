// Package setup is drbdsetup: it turns a command line into requests to the
// module, and replies into text and an exit code.
//
// Both generations of the module have their own commands (commands84.go,
// commands9.go), tables of what stands on the command line (words.go, options.go)
// and what happens then. Most commands are a single request, made of the words and
// options by schema alone (request.go). Some ask for the state (query.go), follow
// it (events.go, wait.go), or do in several requests what DRBD 8.4 did in one
// (compat.go). How state looks to people is left to internal/render, how requests
// look to the module to netlinkapi.
//
// Main runs one command line; a Process runs many that share connections.
package setup
