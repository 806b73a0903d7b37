package render

import "drbdutils/schema"

// A tone says what a value means to the reader.
type tone uint8

const (
	normal tone = iota
	transitional
	primary
	good
	bad
)

// The escape sequences that begin a tone, for what concerns this node and for
// what concerns a peer.
var (
	localTones = [...]string{normal: "", transitional: "\x1b[1m", primary: "\x1b[1;36m", good: "\x1b[1;32m", bad: "\x1b[1;31m"}
	peerTones  = [...]string{normal: "", transitional: "", primary: "\x1b[36m", good: "\x1b[32m", bad: "\x1b[31m"}
)

// toneEnd ends any tone.
const toneEnd = "\x1b[0m"

// A painter colours values, or leaves them alone if it is false.
type painter bool

func (p painter) local(t tone, text string) string { return p.paint(localTones[t], text) }
func (p painter) peer(t tone, text string) string  { return p.paint(peerTones[t], text) }

func (p painter) paint(start, text string) string {
	if !p || start == "" {
		return text
	}
	return start + text + toneEnd
}

func (p painter) role(r schema.Role) string     { return p.local(roleTone(r), r.String()) }
func (p painter) peerRole(r schema.Role) string { return p.peer(roleTone(r), r.String()) }

func roleTone(r schema.Role) tone {
	switch r {
	case schema.Primary:
		return primary
	case schema.Secondary:
		return normal
	}
	return transitional
}

func (p painter) conn(c schema.ConnState) string {
	t := transitional
	switch c {
	case schema.StandAlone, schema.Connecting:
		t = bad
	case schema.Connected:
		t = normal
	}
	return p.local(t, c.String())
}

func (p painter) repl(s schema.ReplState) string {
	t := transitional
	switch s {
	case schema.Established, schema.VerifyS, schema.VerifyT, schema.PausedSyncS, schema.Ahead:
		t = normal
	case schema.SyncSource, schema.SyncTarget, schema.PausedSyncT:
		t = bad
	}
	switch s {
	case schema.SyncTarget, schema.PausedSyncT, schema.Behind:
		return p.local(t, s.String())
	}
	return p.peer(t, s.String())
}

// disk colours the state of a disk here; client says that having none is
// intended.
func (p painter) disk(d schema.DiskState, client bool) string {
	return p.local(diskTone(d, client), d.String())
}

func (p painter) peerDisk(d schema.DiskState, client bool) string {
	return p.peer(diskTone(d, client), d.String())
}

func diskTone(d schema.DiskState, client bool) tone {
	switch d {
	case schema.Diskless:
		if client {
			return good
		}
		return bad
	case schema.Inconsistent, schema.Outdated:
		return bad
	case schema.UpToDate:
		return good
	}
	return transitional
}
