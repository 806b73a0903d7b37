package render

import (
	"fmt"
	"strings"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// A Pace is how a resync or verify goes.
type Pace struct {
	Total, Left uint64  // KiB
	Speed       float64 // MiB per second; 0: nothing moves
	Seconds     uint64  // until it is over, if it goes on like this
}

// barWidth is how many columns the bar itself takes.
const barWidth = 20

// String returns the picture of a pace for people.
func (p Pace) String() string {
	done := barWidth - int(barWidth*min(p.Left, p.Total)/max(p.Total, 1))
	bar := strings.Repeat("=", done) + strings.Repeat(".", barWidth-done)
	text := fmt.Sprintf("[%s] %s left", bar, amount(p.Left))
	if p.Speed == 0 {
		return text + ", standing still"
	}
	return text + fmt.Sprintf(", %.1f MiB/s, %d:%02d:%02d to go", p.Speed, p.Seconds/3600, p.Seconds/60%60, p.Seconds%60)
}

// amount returns a number of KiB in the largest unit that leaves more than one digit.
func amount(kib uint64) string {
	n, units := float64(kib), []string{"KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && n >= 10*1024 {
		n, units = n/1024, units[1:]
	}
	return fmt.Sprintf("%.0f %s", n, units[0])
}

// bar shows how the resync or verify of a volume goes, where that is known.
func (p *statusPrinter) bar(pd *netlinkapi.PeerDevice, d *netlinkapi.Device, indent int) {
	if !p.Bars || pd.ReplState() <= schema.Established {
		return
	}
	if pace, ok := p.paceOf(pd, d); ok {
		p.Word(indent, pace.String())
		p.End()
	}
}

// paceOf returns how a resync or verify goes: as the module tells, or as somebody found out
// for DRBD 8.4, which does not.
func (o Options) paceOf(pd *netlinkapi.PeerDevice, d *netlinkapi.Device) (Pace, bool) {
	if d != nil && o.Paces != nil {
		pace, ok := o.Paces[d.Minor]
		return pace, ok
	}
	pr := newProgress(schema.V9, pd, d)
	if !pr.details {
		return Pace{}, false
	}
	pace := Pace{Total: pr.total / 2, Left: pr.togo / 2}
	if pr.db1 > 0 {
		pace.Speed = pr.db1 / pr.dt1 * 1000 / 2048
		pace.Seconds = uint64(pr.dt1 / 1000 * float64(pr.togo) / pr.db1)
	}
	return pace, true
}
