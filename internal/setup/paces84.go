package setup

import (
	"fmt"
	"os"
	"strings"

	"drbdutils/internal/render"
)

// paces84 returns how resyncs and verifies of DRBD 8.4 go, by minor. The module tells it
// nowhere but in /proc/drbd, to people.
func (t *tool) paces84() map[uint32]render.Pace {
	text, _ := os.ReadFile(t.Path("/proc/drbd"))
	return readPaces(string(text))
}

// readPaces reads lines like these; behind the amounts stands M where they are MiB:
//
//	0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
//	  [====>...............] sync'ed: 27.1% (3062620/4193116)K
//	  finish: 0:04:36 speed: 11,064 (11,064) K/sec
func readPaces(text string) map[uint32]render.Pace {
	all := map[uint32]render.Pace{}
	var minor uint32
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		var pace render.Pace
		var unit rune
		var h, m, s, kib uint64
		_, amounts, _ := strings.Cut(line, "% ")
		switch {
		case scans(line, "%d: cs:", &minor):
		case scans(amounts, "(%d/%d)%c", &pace.Left, &pace.Total, &unit):
			if unit == 'M' {
				pace.Left, pace.Total = pace.Left<<10, pace.Total<<10
			}
			all[minor] = pace
		case scans(strings.ReplaceAll(line, ",", ""), "finish: %d:%d:%d speed: %d", &h, &m, &s, &kib):
			pace = all[minor]
			pace.Speed, pace.Seconds = float64(kib)/1024, h*3600+m*60+s
			all[minor] = pace
		}
	}
	return all
}

// scans reports whether a text begins like that, and takes values out of it.
func scans(text, format string, values ...any) bool {
	n, _ := fmt.Sscanf(text, format, values...)
	return n == len(values)
}
