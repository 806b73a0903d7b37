package metatool

import (
	"fmt"
	"io"

	"drbdutils/internal/cli"
)

// ask puts a question, with lines before it, and returns the answer.
// Only "yes" is yes. --force answers with yes; where nobody can answer it is no.
func (t *tool) ask(question string, before ...string) bool {
	if t.opt.force && t.opt.quiet {
		t.suppressed++
		return true
	}
	t.out.Flush()
	for _, line := range before {
		fmt.Fprintln(t.env.Stderr, line)
	}
	fmt.Fprintf(t.env.Stderr, "\n%s\n", question)
	switch {
	case t.opt.force:
		fmt.Fprintln(t.env.Stderr, "*** confirmation forced via --force option ***")
		return true
	case !cli.IsTerminal(t.env.Stdin):
		fmt.Fprintln(t.env.Stderr, "*** stdin is not a terminal: taken as no ***")
		return false
	}
	fmt.Fprint(t.env.Stderr, "[need to type 'yes' to confirm] ")
	line, err := t.readLine()
	return err == nil && line == "yes"
}

// readLine reads one line and not a byte more: the next question follows.
func (t *tool) readLine() (string, error) {
	var line []byte
	b := make([]byte, 1)
	for {
		if _, err := io.ReadFull(t.env.Stdin, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
}

// cancelled says so and ends the program.
func (t *tool) cancelled() error {
	t.printf("Operation canceled.\n")
	return silent(exitCancelled)
}

// kib returns a number of KiB with a unit that keeps it below 10000.
func kib(n uint64) string {
	units := "KMGTPE"
	for n >= 10000 && len(units) > 1 {
		n = n>>10 + n>>9&1
		units = units[1:]
	}
	return fmt.Sprintf("%d %cB", n, units[0])
}
