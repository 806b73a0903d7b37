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

// Proc returns the text of /proc/drbd, as the 8.4 module prints it.
func (m *Module) Proc() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	if m.gen == schema.V9 {
		return m.proc9()
	}
	b.WriteString(m.version())
	fmt.Fprintf(&b, "srcversion: %-24s\n", sourceVersion)
	last := -1
	for _, d := range m.devices() {
		if int(d.minor) != last+1 {
			b.WriteByte('\n')
		}
		last = int(d.minor)
		d.only().writeProc(&b)
	}
	return b.String()
}

// proc9 is what DRBD 9 prints: no devices.
func (m *Module) proc9() string {
	return m.version() + fmt.Sprintf("GIT-hash: %s reproducible build, 2026-11-20 12:00:00\n"+
		"Transports (api:22): tcp (%s)\n", strings.Repeat("fa5ec0de", 5), m.cfg.Version)
}

// version is the first line.
func (m *Module) version() string {
	p := protocols[m.gen]
	return fmt.Sprintf("version: %s (api:%d/proto:%d-%d)\n", m.cfg.Version, m.gen.FamilyVersion(), p[0], p[1])
}

// writeProc prints the block of one device.
func (pd *peerDevice) writeProc(b *strings.Builder) {
	s := pd.state()
	if s.conn == standAlone && s.disk == schema.Diskless && s.role == schema.Secondary {
		fmt.Fprintf(b, "%2d: cs:Unconfigured\n", pd.minor)
		return
	}
	protocol := byte(' ')
	if net := pd.conn.net; net != nil {
		protocol = " ABC"[net.Uint("wire_protocol")&3]
	}
	fmt.Fprintf(b, "%2d: cs:%s ro:%s/%s ds:%s/%s %c %s\n",
		pd.minor, s.conn, s.role, s.peer, s.disk, s.pdsk, protocol, pd.procFlags())
	fmt.Fprintf(b, "    ns:%d nr:%d dw:%d dr:%d al:%d bm:%d lo:0 pe:0 ua:0 ap:0 ep:1 wo:%c oos:%d\n",
		pd.sent/2, pd.received/2, pd.count.written/2, pd.count.read/2, pd.alWrites(), pd.bmWrites(),
		"ndf"[pd.res.writeOrdering()], pd.outOfSync()*blockSize/1024)
	if s.conn == syncSource || s.conn == syncTarget || s.conn.verifying() {
		pd.writeProgress(b)
	}
}

// procFlags prints the six flags: I/O suspended or running, resync paused by a
// dependency, the peer or the administrator, congestion, activity log suspended.
func (pd *peerDevice) procFlags() string {
	flags := []byte("r-----")
	for i, f := range []struct {
		on   bool
		char byte
	}{
		{pd.res.susp.any(), 's'}, {pd.state().aftrISP, 'a'}, {pd.state().peerISP, 'p'},
		{pd.state().userISP, 'u'}, {false, 'b'}, {pd.alSuspended, 's'},
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
func (pd *peerDevice) writeProgress(b *strings.Builder) {
	left, total := pd.left(), pd.sync.total
	done := perMille(left, total)
	bar := int(done / 50)
	word := "sync'ed:"
	if pd.state().conn.verifying() {
		word = "verified:"
	}
	fmt.Fprintf(b, "\t[%s>%s] %s%3d.%d%% ", strings.Repeat("=", max(bar-1, 0)), strings.Repeat(".", 20-bar), word, done/10, done%10)
	unit, scale := "K", uint64(1)
	if total > manyBlocks {
		unit, scale = "M", 1024
	}
	fmt.Fprintf(b, "(%d/%d)%s\n\t", left*4/scale, total*4/scale, unit)
	pd.writeSpeed(b, left)
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

func (pd *peerDevice) writeSpeed(b *strings.Builder, left uint64) {
	mark := pd.sync.marks[0]
	since := max(time.Since(mark.at), time.Millisecond)
	moved := mark.left - min(left, mark.left)
	perSecond := uint64(float64(moved*4) / since.Seconds()) // KiB
	all := max(time.Since(pd.sync.started), time.Millisecond)
	average := uint64(float64((pd.sync.total-min(left, pd.sync.total))*4) / all.Seconds())
	rest := uint64(0)
	if perSecond > 0 {
		rest = left * 4 / perSecond
	}
	fmt.Fprintf(b, "finish: %d:%02d:%02d speed: %s (%s)", rest/3600, rest/60%60, rest%60, thousands(perSecond), thousands(average))
	if pd.state().conn == syncTarget || pd.state().conn == verifyS {
		fmt.Fprintf(b, " want: %s", thousands(uint64(pd.rate()>>10)))
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
