package fake

import "drbdutils/schema"

// Reasons in sib_reason: why an event of DRBD 8.4, or a status, is sent.
const (
	sibStatus       = 1
	sibStateChange  = 2
	sibHelperPre    = 3
	sibHelperPost   = 4
	sibSyncProgress = 5
)

// notice is a notification about an object, before it gets its number.
type notice struct {
	op     schema.Op
	minor  uint32
	ctx    *schema.Values
	action schema.Action
	info   *schema.Values // nil when the object is gone
	paths  *[]*path       // of a connection of DRBD 9
	stats  *schema.Values
}

// body returns the message after the netlink header.
func (n notice) body(m *Module) []byte {
	kind := m.set(schema.NotifyHeader).SetUint("nh_type", uint64(n.action))
	b := m.body(n.op, n.minor, schema.NoError, n.ctx, kind, n.info)
	if n.paths != nil {
		b = appendPaths(b, *n.paths)
	}
	return m.appendSets(b, n.stats)
}

// gone leaves out what is not told about an object that is gone.
func (n notice) gone() notice {
	if n.action == schema.Destroy {
		n.info = nil
	}
	return n
}

// set returns an empty set as this generation knows it.
func (m *Module) set(id schema.ID) *schema.Values { return id.In(m.gen).New() }

// body builds the part of a message after the netlink header.
func (m *Module) body(op schema.Op, minor uint32, code schema.Code, sets ...*schema.Values) []byte {
	b := []byte{byte(op), m.gen.FamilyVersion(), 0, 0}
	b = native.AppendUint32(b, minor)
	b = native.AppendUint32(b, uint32(code))
	return m.appendSets(b, sets...)
}

// tell multicasts notifications that belong together.
func (m *Module) tell(list ...notice) {
	for i, n := range list {
		if i < len(list)-1 {
			n.action |= schema.Continues
		}
		m.multicast(m.seq, n.body(m))
		m.seq++
	}
}

// tellEvent multicasts a DRBD_EVENT; edit adds what is special about it. DRBD 9
// has none.
func (m *Module) tellEvent(pd *peerDevice, edit func(info *schema.Values)) {
	if m.gen != schema.V84 {
		return
	}
	info := pd.stateInfo()
	edit(info)
	sets := append(pd.configured(false), info)
	m.multicast(m.eventSeq, m.body(schema.StatusEvent, pd.minor, schema.NoError, sets...))
	m.eventSeq++
}

func (m *Module) multicast(seq uint32, body []byte) {
	msg := endMessage(append(startMessage(header{kind: familyID, seq: seq}), body...))
	for _, f := range m.listeners {
		f(msg)
	}
}
