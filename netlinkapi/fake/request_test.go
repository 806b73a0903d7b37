package fake

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// TestMachineDown imitates a bug of 8.4.11: an unknown number that is marked
// mandatory, in the context of a dump, brings the machine down.
func TestMachineDown(t *testing.T) {
	m := New(Config{})
	defer m.Close()
	context := appendAttribute(nil, 99|attrMandatory, []byte{1, 0, 0, 0})
	send := func(op schema.Op, flags uint16, nest []byte) [][]byte {
		b := append(startMessage(header{kind: familyID, flags: flags}), byte(op), 1, 0, 0)
		b = native.AppendUint32(native.AppendUint32(b, schema.NoMinor), 0)
		return m.Handle(endMessage(appendAttribute(b, uint16(schema.CfgContext)|attrNested, nest)))
	}
	require.Len(t, send(schema.ChgResourceOpts, flagRequest, context), 1, "a command is refused")
	require.Len(t, send(schema.GetResources, flagRequest|flagDump, nil), 1)
	require.Empty(t, send(schema.GetDevices, flagRequest|flagDump, context))
	require.Empty(t, send(schema.GetResources, flagRequest|flagDump, nil), "nobody is answered any more")
}

// TestMachineDownByAttach imitates a bug of 9.3.3; 9.2 and 8.4 have no such one.
func TestMachineDownByAttach(t *testing.T) {
	for version, dies := range map[string]bool{"9.3.3": true, "9.2.18": false, "8.4.11": false} {
		m := New(Config{Version: version})
		r := m.newResource("r0", m.set(schema.ResourceOpts))
		m.newDevice(r, 7, 0, nil).own.disk = schema.UpToDate
		send := func(op schema.Op, flags uint16, minor uint32) [][]byte {
			b := append(startMessage(header{kind: familyID, flags: flags}), byte(op), map[schema.Generation]byte{schema.V84: 1, schema.V9: 2}[m.gen], 0, 0)
			return m.Handle(endMessage(native.AppendUint32(native.AppendUint32(b, minor), 0)))
		}
		require.NotEmpty(t, send(schema.GetPeerDevices, flagRequest|flagDump, schema.NoMinor))
		refused := send(schema.Attach, flagRequest, 7)
		require.Len(t, refused, 1)
		require.EqualValues(t, schema.ErrDiskConfigured, int32(native.Uint32(refused[0][24:])), version)
		require.Equal(t, dies, len(send(schema.GetPeerDevices, flagRequest|flagDump, schema.NoMinor)) == 0, version)
		require.Equal(t, dies, len(send(schema.GetResources, flagRequest|flagDump, schema.NoMinor)) == 0, version)
		m.Close()
	}
}

// FuzzHandle sends anything: the module answers with whole messages that carry
// the request's sequence number, and never panics.
func FuzzHandle(f *testing.F) {
	for _, s := range readSteps(f, "8.4.11") {
		for _, request := range s.requests {
			f.Add(request)
		}
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		synctest.Test(t, func(t *testing.T) {
			m := New(Config{Open: func(string) (*os.File, error) { return nil, errors.New("no disks here") }})
			defer m.Close()
			r := m.newResource("r0", m.set(schema.ResourceOpts))
			m.newDevice(r, 0, 0, nil)
			if len(msg) >= nlHeaderLen {
				native.PutUint32(msg, uint32(len(msg)))
			}
			for _, reply := range m.Handle(msg) {
				require.GreaterOrEqual(t, len(reply), nlHeaderLen)
				require.EqualValues(t, len(reply), native.Uint32(reply))
				require.Equal(t, readHeader(msg).seq, readHeader(reply).seq)
			}
			_ = m.Proc()
		})
	})
}
