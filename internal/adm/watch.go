package adm

import (
	"context"
	"fmt"
	"time"

	"drbdutils/internal/cli"
)

// refresh is the time between two pictures of status --watch.
const refresh = time.Second

// watch shows the status again and again until it is interrupted.
func (t *tool) watch(ctx context.Context) int {
	if !cli.IsTerminal(t.env.Stdout) {
		t.complain("%s: --watch needs a terminal; scripts use 'drbdsetup events2'", t.env.Name)
		return exitUsage
	}
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		fmt.Fprintf(t.out, "\x1b[H\x1b[2J%s  (every second; Ctrl-C ends)\n\n", time.Now().Format(time.TimeOnly))
		t.carryOut(ctx)
		t.flush()
		select {
		case <-ctx.Done():
			fmt.Fprintln(t.out)
			return 0
		case <-tick.C:
		}
	}
}
