// Package render turns the module's state into the texts that users and scripts
// read: status, events2, show, in plain form and as JSON, and the small reports
// of DRBD 8.4. It asks no kernel, reads no environment and knows no terminal:
// everything that shapes the output arrives in Options. Each renderer builds its
// text first and writes once.
//
//	snapshot, err := client.Snapshot(ctx, "")
//	...
//	err = render.Status(os.Stdout, snapshot, render.Options{Verbose: 1})
package render

// Options shape the output. The zero value is the plain form for scripts.
type Options struct {
	Verbose    int  // status, events2: 0 to 2
	Statistics bool // status, events2: counters too
	Color      bool // with terminal escape sequences
	Width      int  // columns of the terminal; 0: not a terminal
	Defaults   bool // show: options at their default too

	Bars  bool            // status: pictures of how resyncs and verifies go
	Paces map[uint32]Pace // for them: of DRBD 8.4, by minor; nil: the module tells

	KeyName func(serial int32) string // describes a key of the kernel; nil: by its number
}
