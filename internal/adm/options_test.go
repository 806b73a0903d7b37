package adm

import (
	"strings"
	"testing"

	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

func parsed(t *testing.T, g schema.Generation, args ...string) (request, command) {
	t.Helper()
	table := commands(g)
	r, err := parse(g, table, args)
	require.NoError(t, err)
	c, _ := find(table, r.command)
	return r, c
}

func TestPassed(t *testing.T) {
	tests := []struct {
		name            string
		gen             schema.Generation
		args            []string
		passed, dropped []string
	}{
		{"option anywhere", schema.V9, []string{"--force", "primary", "r0"}, []string{"--force"}, nil},
		{"abbreviated option is completed", schema.V9, []string{"primary", "--forc", "r0"}, []string{"--force"}, nil},
		{"value is kept in one word", schema.V9, []string{"resize", "--size", "1G", "r0"}, []string{"--size=1G"}, nil},
		{"words before the command are options", schema.V9, []string{"--", "--force", "primary", "r0"}, []string{"--force"}, nil},
		{"unknown raw option is dropped for 9", schema.V9, []string{"-W--bogus", "primary", "r0"}, nil, []string{"--bogus"}},
		{"unknown raw option is passed to 8.4", schema.V84, []string{"-W--bogus", "primary", "r0"}, []string{"--bogus"}, nil},
		{"the old name of --force works for 9", schema.V9, []string{"--", "--overwrite-data-of-peer", "primary", "all"}, []string{"--force"}, nil},
		{"the old name of --force is passed to 8.4", schema.V84, []string{"--", "--overwrite-data-of-peer", "primary", "all"}, []string{"--overwrite-data-of-peer"}, nil},
		{"set-gi takes anything", schema.V9, []string{"A:B::", "set-gi", "r0/0"}, []string{"A:B::"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, c := parsed(t, tt.gen, tt.args...)
			passed, dropped, err := r.passed(tt.gen, c)
			require.NoError(t, err)
			require.Equal(t, tt.passed, passed)
			require.Equal(t, tt.dropped, dropped)
		})
	}
}

// Options of the backends are looked at only where one may be meant: an abbreviation may be theirs.
func TestIsForeign(t *testing.T) {
	for _, arg := range []string{"--version", "--config-file=x", "-d", "adjust", "r0"} {
		require.False(t, isForeign(schema.V9, arg), arg)
	}
	for _, arg := range []string{"--versio", "--force", "--max-buffers=2k", "--", "--=", "--peer"} {
		require.True(t, isForeign(schema.V9, arg), arg)
	}
	require.False(t, isForeign(schema.V84, "--peer"))
}

func TestForeignOptionIsRefused(t *testing.T) {
	r, c := parsed(t, schema.V9, "primary", "--size=1G", "r0")
	_, _, err := r.passed(schema.V9, c)
	require.EqualError(t, err, "option '--size=1G' is not an option of primary")
}

// TestLeftToRight holds that what comes first counts: the version, a file that is not there, a mistake.
func TestLeftToRight(t *testing.T) {
	for _, tt := range []struct {
		line, want string
		version    bool
	}{
		{"--version --bogus", "", true},
		{"-Vx", "", true},
		{"--version -c /no/such", "", true},
		{"--bogus --version", "option '--bogus' is not known", false},
		{"-c /no/such --version", "Can not open '/no/such': no such file or directory", false},
		{"help -c /no/such", "Can not open '/no/such': no such file or directory", false},
		{"-c /dev/null/ role r0", "Can not open '/dev/null/': not a directory", false},
		{"--config=/dev/null role r0", "option '--config' is ambiguous: it could be --config-file, --config-to-test", false},
		{"--drbd /bin/true role r0", "option '--drbd' is ambiguous: it could be --drbd-proxy-ctl, --drbdmeta, --drbdsetup", false},
		{"-c - role r0", "", false},
	} {
		r, err := parse(schema.V84, commands84(), strings.Fields(tt.line))
		require.Equal(t, tt.version, r.version, tt.line)
		if tt.want != "" {
			require.EqualError(t, err, tt.want, tt.line)
			continue
		}
		require.NoError(t, err, tt.line)
	}
}

func TestWordsAfterTheCommandAreObjects(t *testing.T) {
	r, _ := parsed(t, schema.V9, "primary", "--", "--force", "r0")
	require.Equal(t, []string{"--force", "r0"}, r.objects)
	require.Empty(t, r.backend)
}

func TestSecondDoubleDashSaysNothing(t *testing.T) {
	r, _ := parsed(t, schema.V9, "--", "--force", "--", "primary", "r0")
	c, _ := find(commands9(), "primary")
	passed, dropped, err := r.passed(schema.V9, c)
	require.NoError(t, err)
	require.Equal(t, []string{"--force"}, passed)
	require.Empty(t, dropped)
}

// TestCommandTable holds what every row must obey.
func TestCommandTable(t *testing.T) {
	for _, g := range []schema.Generation{schema.V84, schema.V9} {
		seen := map[string]bool{}
		for _, c := range commands(g) {
			require.False(t, seen[c.name], "%s is there twice", c.name)
			seen[c.name] = true
			ways := 0
			for _, given := range []bool{c.call != 0, c.plan != nil, c.stage != nil, c.print != nil, c.run != nil, c.report != nil} {
				if given {
					ways++
				}
			}
			if c.name == hiddenCommandsName {
				continue
			}
			require.Equal(t, 1, ways, "%s must be done in exactly one way", c.name)
			require.False(t, c.scope == perPeerDevice && g == schema.V84, "%s: 8.4 has no peer devices", c.name)
		}
	}
}

// TestRawOptionsReachTheParts holds that commands made of several calls give raw
// options to those that know them.
func TestRawOptionsReachTheParts(t *testing.T) {
	got := script(t, twoHosts(oneDisk), nil, "-W--force", "--", "--discard-my", "up", "r0")
	require.Zero(t, got.exit, got.stderr)
	require.Contains(t, got.calls, "drbdmeta 0 v09 /dev/d0 internal apply-al --force")
	require.Contains(t, got.calls, "drbdsetup attach 0 /dev/d0 /dev/d0 internal")
	require.Contains(t, got.calls, "drbdsetup connect r0 1 --discard-my")
	require.Contains(t, got.calls, "drbdsetup new-peer r0 1 --_name=pine")
}

func TestOverlappingObjects(t *testing.T) {
	for _, tt := range []struct {
		one, other string
		overlap    bool
	}{
		{"r0", "r0", true}, {"r0", "r1", false}, {"r0", "r0:pine", true}, {"r0:pine", "r0:pine", true}, {"r0:pine", "r0:elm", false},
		{"r0", "r0:pine/0", true}, {"r0", "r0/0", false}, {"r0/0", "r0/0", false},
		{"r0:pine/0", "r0:pine/0", true}, {"r0:pine/0", "r0:pine/1", false}, {"r0:pine/0", "r0:pine", true},
	} {
		one, _ := parseName(schema.V9, tt.one)
		other, _ := parseName(schema.V9, tt.other)
		require.Equal(t, tt.overlap, one.overlaps(other), "%s %s", tt.one, tt.other)
		require.Equal(t, tt.overlap, other.overlaps(one), "%s %s", tt.other, tt.one)
	}
}
