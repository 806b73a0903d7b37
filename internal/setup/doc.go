// Package setup is drbdsetup: it turns a command line into requests to the
// module, and replies into text and an exit code.
//
// Both generations of the module have their own commands (commands84.go,
// commands9.go), tables of what stands on the command line and what happens
// then. Most commands are a single request, made of the words and options by
// schema alone (request.go). How state looks to people is left to
// internal/render, how requests look to the module to netlinkapi.
package setup
