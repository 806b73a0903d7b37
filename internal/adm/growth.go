package adm

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// growthOf returns what waits until the module has changed a device's size, from what
// it is now: what runs after drbdadm resize shall see that. It gives up after some
// seconds: the size may be right already.
func (t *tool) growthOf(g *Growth) func(context.Context) {
	if g == nil || t.req.dryRun > 0 {
		return func(context.Context) {}
	}
	was := t.deviceSectors(g.Minor)
	return func(ctx context.Context) { t.awaitGrowth(ctx, *g, was) }
}

func (t *tool) awaitGrowth(ctx context.Context, g Growth, was int64) {
	limit := 3 * time.Second
	if g.Size != "" {
		limit = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for was >= 0 && t.deviceSectors(g.Minor) == was {
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// deviceSectors returns the size of a DRBD device in units of 512 bytes, -1 if
// there is none.
func (t *tool) deviceSectors(minor int) int64 {
	text, err := os.ReadFile(t.env.Path(fmt.Sprintf("/sys/block/drbd%d/size", minor)))
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
