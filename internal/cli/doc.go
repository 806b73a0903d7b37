// Package cli is what the three command line tools share: the environment they
// run in, GNU style option parsing, and the table of exit codes.
//
// A tool is a function Main(ctx, Env) int. Nothing below it reads os.Args,
// os.Getenv or calls os.Exit, so tests run tools in their own process and
// drbdadm runs drbdsetup and drbdmeta in its own.
package cli
