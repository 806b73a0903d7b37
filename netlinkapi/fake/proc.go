package fake

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"drbdutils/schema"
)

// sourceVersion stands where a module built with a kernel names its source.
const sourceVersion = "FA5EC0DE000000000000000"

// protocolRange is what the module says about its network protocol.
const protocolRange = "86-101"

// Proc returns the text of /proc/drbd, as the 8.4 module prints it.
func (m *Module) Proc() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "version: %s (api:%d/proto:%s)\n", m.cfg.Version, familyVersion[m.gen], protocolRange)
	fmt.Fprintf(&b, "srcversion: %-24s\n", sourceVersion)
	last := -1
	for _, d := range m.devices() {
		if int(d.minor) != last+1 {
			b.WriteByte('\n')
		}
		last = int(d.minor)
		d.writeProc(&b)
	}
	return b.String()
}

// writeProc prints the block of one device.
func (d *device) writeProc(b *strings.Builder) {
	s := d.state
	if s.conn == standAlone && s.disk == schema.Diskless && s.role == schema.Secondary {
		fmt.Fprintf(b, "%2d: cs:Unconfigured\n", d.minor)
		return
	}
	protocol := byte(' ')
	if net := d.res.conn.net; net != nil {
		protocol = " ABC"[net.Uint("wire_protocol")&3]
	}
	fmt.Fprintf(b, "%2d: cs:%s ro:%s/%s ds:%s/%s %c %s\n",
		d.minor, s.conn, s.role, s.peer, s.disk, s.pdsk, protocol, d.procFlags())
	fmt.Fprintf(b, "    ns:%d nr:%d dw:%d dr:%d al:%d bm:%d lo:0 pe:0 ua:0 ap:0 ep:1 wo:%c oos:%d\n",
		d.count.sent/2, d.count.received/2, d.count.written/2, d.count.read/2, d.alWrites(), d.bmWrites(),
		"ndf"[d.res.writeOrdering()], d.outOfSync()*blockSize/1024)
	if s.conn == syncSource || s.conn == syncTarget || s.conn.verifying() {
		d.writeProgress(b)
	}
}

// procFlags prints the six flags: I/O suspended or running, resync paused by a
// dependency, the peer or the administrator, congestion, activity log suspended.
func (d *device) procFlags() string {
	flags := []byte("r-----")
	for i, f := range []struct {
		on   bool
		char byte
	}{
		{d.res.susp.any(), 's'}, {d.state.aftrISP, 'a'}, {d.state.peerISP, 'p'},
		{d.state.userISP, 'u'}, {false, 'b'}, {d.alSuspended, 's'},
	} {
		if f.on {
			flags[i] = f.char
		}
	}
	return string(flags)
}

// manyBlocks is where sizes are printed in MiB instead of KiB: 4 GiB.
const manyBlocks = 4 << 30 / blockSize

// writeProgress prints the two lines of a running resync or verify.
func (d *device) writeProgress(b *strings.Builder) {
	left, total := d.left(), d.sync.total
	done := perMille(left, total)
	bar := int(done / 50)
	word := "sync'ed:"
	if d.state.conn.verifying() {
		word = "verified:"
	}
	fmt.Fprintf(b, "\t[%s>%s] %s%3d.%d%% ", strings.Repeat("=", max(bar-1, 0)), strings.Repeat(".", 20-bar), word, done/10, done%10)
	unit, scale := "K", uint64(1)
	if total > manyBlocks {
		unit, scale = "M", 1024
	}
	fmt.Fprintf(b, "(%d/%d)%s\n\t", left*4/scale, total*4/scale, unit)
	d.writeSpeed(b, left)
}

// perMille returns how much of a total is done.
func perMille(left, total uint64) uint64 {
	if left > total || total == 0 {
		return 0
	}
	return 1000 - left*1000/max(total, 1)
}

// stalledAfter is how long nothing may have moved before a resync counts as
// stalled.
const stalledAfter = 30 * time.Second

func (d *device) writeSpeed(b *strings.Builder, left uint64) {
	mark := d.sync.marks[0]
	since := max(time.Since(mark.at), time.Millisecond)
	moved := mark.left - min(left, mark.left)
	perSecond := uint64(float64(moved*4) / since.Seconds()) // KiB
	all := max(time.Since(d.sync.started), time.Millisecond)
	average := uint64(float64((d.sync.total-min(left, d.sync.total))*4) / all.Seconds())
	rest := uint64(0)
	if perSecond > 0 {
		rest = left * 4 / perSecond
	}
	fmt.Fprintf(b, "finish: %d:%02d:%02d speed: %s (%s)", rest/3600, rest/60%60, rest%60, thousands(perSecond), thousands(average))
	if d.state.conn == syncTarget || d.state.conn == verifyS {
		fmt.Fprintf(b, " want: %s", thousands(uint64(d.rate()>>10)))
	}
	b.WriteString(" K/sec")
	if moved == 0 && since > stalledAfter {
		b.WriteString(" (stalled)")
	}
	b.WriteByte('\n')
}

// thousands prints a number with a comma after each three digits.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
