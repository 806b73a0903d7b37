package schema

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// eachSet calls f for every set of every generation.
func eachSet(t *testing.T, f func(t *testing.T, g Generation, s *Set)) {
	for _, g := range []Generation{V84, V9} {
		for id := range ID(maxID + 1) {
			if s := id.In(g); s != nil {
				t.Run(g.String()+"/"+s.Name, func(t *testing.T) { f(t, g, s) })
			}
		}
	}
}

func TestSetsAreWhereTheirNumberSays(t *testing.T) {
	eachSet(t, func(t *testing.T, g Generation, s *Set) {
		require.Same(t, s, s.ID.In(g))
		require.True(t, s.Gen.Has(g))
		require.LessOrEqual(t, len(s.Fields), 64, "Values keeps one bit a field")
	})
	require.Nil(t, ID(maxID+1).In(V9))
	require.Nil(t, StateInfo.In(V9))
	require.Nil(t, PathParms.In(V84))
}

func TestRowsAreOfTheirGeneration(t *testing.T) {
	eachSet(t, func(t *testing.T, g Generation, s *Set) {
		require.NotEmpty(t, s.Fields)
		for _, f := range s.Fields {
			require.True(t, f.Gen.Has(g), f.Key)
			require.False(t, g == V84 && f.Since != "", "%s counts releases of 9", f.Key)
		}
	})
	for _, s := range sets {
		if s != nil {
			require.Len(t, rowsWritten(s), len(s.Fields), "%s: a row is written twice", s.Name)
		}
	}
}

// rowsWritten returns the rows of a set that differ in more than Gen and Since.
func rowsWritten(s *Set) map[Field]bool {
	rows := map[Field]bool{}
	for _, f := range s.Fields {
		f.Gen, f.Since = 0, ""
		rows[f] = true
	}
	return rows
}

func TestFieldsAreUniqueAndDocumented(t *testing.T) {
	eachSet(t, func(t *testing.T, _ Generation, s *Set) {
		names, keys, numbers := map[string]bool{}, map[string]bool{}, map[uint16]bool{}
		for _, f := range s.Fields {
			require.NotEmpty(t, f.Doc, f.Key)
			require.NotZero(t, f.Kind, f.Key)
			require.NotZero(t, f.Attr, f.Key)
			require.False(t, keys[f.Key], f.Key)
			require.False(t, numbers[f.Attr], f.Key)
			require.False(t, f.Name != "" && names[f.Name], f.Name)
			names[f.Name], keys[f.Key], numbers[f.Attr] = true, true, true
		}
	})
}

func TestDefaultsAreAllowed(t *testing.T) {
	eachSet(t, func(t *testing.T, _ Generation, s *Set) {
		for _, f := range s.Fields {
			if f.Name == "discard-granularity" {
				continue // its default means "not configured" and lies outside
			}
			if f.Name != "" {
				require.NoError(t, f.Check(f.Default()), f.Name)
			}
			require.Equal(t, f.Kind == Enum || f.Kind == Symbol, f.Words != nil, f.Key)
		}
	})
}

func TestValuesOfOptionsSurviveTheirText(t *testing.T) {
	eachSet(t, func(t *testing.T, _ Generation, s *Set) {
		for _, f := range s.Fields {
			if f.Name == "" || f.Is(Sensitive) {
				continue
			}
			got, err := f.Parse(f.Format(f.Default()))
			require.NoError(t, err, f.Name)
			require.Equal(t, f.Default(), got, f.Name)
			require.True(t, f.IsDefault(got), f.Name)
		}
	})
}

func TestCommands(t *testing.T) {
	for i, c := range commands {
		require.NotEmpty(t, c.Name)
		require.NotEmpty(t, c.Doc, c.Name)
		require.True(t, c.Do || c.Dump, c.Name)
		require.False(t, i > 0 && commands[i-1].Op > c.Op, "%s is out of order", c.Name)
		for _, g := range []Generation{V84, V9} {
			if !c.Gen.Has(g) {
				continue
			}
			require.Same(t, &commands[i], c.Op.In(g), "%s has two rows for %s", c.Name, g)
			for _, p := range c.Parts {
				require.NotNil(t, p.ID.In(g), c.Name)
			}
		}
	}
	require.Nil(t, GetStatus.In(V9))
	require.Nil(t, NewPeer.In(V84))
	require.Equal(t, "command 77", Op(77).Name(V9))
	require.Equal(t, "path-state", PathState.Name(V9))
}

// Since Linux 7.2 the module of 8.4 refuses a request with a set that is not in
// the list of its command. These are the lists, CfgContext (2) included.
func TestCommandsTakeWhatLinux72Accepts(t *testing.T) {
	accepted := map[Op][]ID{
		GetStatus: {2}, NewMinor: {2}, DelMinor: {2}, NewResource: {2, 4}, DelResource: {2}, ChgResourceOpts: {2, 4},
		Connect: {2, 5}, Disconnect: {2, 12}, Attach: {2, 3}, Resize: {2, 7}, Promote: {2, 6}, Demote: {2, 6},
		NewCurrentUUID: {2, 10}, StartVerify: {9}, Detach: {2, 13}, Invalidate: {2}, InvalidateRemote: {2},
		PauseSync: {2}, ResumeSync: {2}, SuspendIO: {2}, ResumeIO: {2}, Outdate: {2}, GetTimeoutType: {2}, Down: {2},
		ChgDiskOpts: {2, 3}, ChgNetOpts: {2, 5}, GetInitialState: {2},
		// The lists of these name what they answer, too; requests need none of it.
		GetResources: {2}, GetDevices: {2}, GetConnections: {2}, GetPeerDevices: {2},
	}
	for i := range commands {
		c := &commands[i]
		if !c.Gen.Has(V84) {
			continue
		}
		for id := range ID(maxID + 1) {
			require.Equal(t, slices.Contains(accepted[c.Op], id), c.Takes(id), "%s: set %d", c.Name, id)
		}
	}
}

func TestNotices(t *testing.T) {
	for _, n := range notices {
		require.Nil(t, n.Op.In(V84))
		require.Nil(t, n.Op.In(V9))
		for _, id := range n.Sets {
			require.True(t, id.In(V84) != nil || id.In(V9) != nil, n.Name)
		}
	}
}

func TestCodeTexts(t *testing.T) {
	for _, test := range []struct {
		code  Code
		gen   Generation
		text  string
		known bool
	}{
		{ErrNoDisk, V84, "Device does not have a disk-config", true},
		{ErrNoDisk, V9, "Device does not have a disk-config", true},
		{ErrPathCollision, V9, "Path collides with existing path\n", true},
		{ErrPathCollision + 1, V9, "", false},
		{ErrPeerNodeID, V84, "", false},
		{StateTwoPrimaries, V9, "Multiple primaries not allowed by config", true},
		{StateNeedConnection, V9, "State change requires a connection", true},
		{StateNeedConnection, V84, "Need a connection to start verify or resync", true},
		{StateHandshakeRetry, V9, "Retry chosen in handshake", true},
		{StateHandshakeRetry - 1, V9, "", false},
		{StateHandshakeRetry, V84, "", false},
		{NoError, V9, "", false},
		{StateUnknownError, V9, "", false},
	} {
		text, known := test.code.Text(test.gen)
		require.Equal(t, test.text, text, "%d", test.code)
		require.Equal(t, test.known, known, "%d", test.code)
	}
	require.True(t, NoError.OK())
	require.True(t, StateNoNeed.OK())
	require.False(t, StateUnknownError.OK())
	require.False(t, ErrNoDisk.OK())
}

func TestDiskStatesOf84(t *testing.T) {
	// The numbers of linux/drbd.h: 8.4 has no Detaching.
	wire := []string{"Diskless", "Attaching", "Failed", "Negotiating", "Inconsistent", "Outdated", "DUnknown", "Consistent", "UpToDate"}
	for n, word := range wire {
		v := DiskStates84.FromWire(uint32(n))
		require.Equal(t, word, DiskState(v).String())
		require.Equal(t, uint32(n), DiskStates84.ToWire(v))
	}
	require.Equal(t, uint32(10), DiskStates84.FromWire(9), "unknown numbers stay unknown")
	require.Equal(t, uint32(9), DiskStates84.ToWire(10))
	require.Equal(t, uint32(1), DiskStates84.ToWire(uint32(Detaching)))
	require.Equal(t, "10", DiskState(10).String())
}
