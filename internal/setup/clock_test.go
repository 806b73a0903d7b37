package setup

import (
	"testing"
	"time"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

func TestClock(t *testing.T) {
	for zone, offset := range map[string]string{
		"UTC0": "+00:00", "UTC+3": "-03:00", "<+0530>-5:30": "+05:30", "<-0330>3:30": "-03:30",
		"WIB-7WIT,0/0,J365/23": "+08:00", // always summer
		"Nonsense":             "+00:00", "Asia/Kolkata": "",
	} {
		env := &tool{Env: cli.Env{Getenv: func(string) string { return zone }}}
		now := env.clock()()
		require.WithinDuration(t, time.Now(), now, time.Minute)
		if offset != "" {
			require.Equal(t, offset, now.Format("-07:00"), zone)
		}
	}
}

// The rules say when summer time begins and ends.
func TestZoneFile(t *testing.T) {
	zone, err := time.LoadLocationFromTZData("Local", zoneFile("CET-1CEST,M3.5.0,M10.5.0/3"))
	require.NoError(t, err)
	for utc, local := range map[string]string{
		"2026-01-15T12:00:00Z": "13:00", "2026-07-15T12:00:00Z": "14:00",
		"2026-03-29T00:59:00Z": "01:59", "2026-03-29T01:00:00Z": "03:00", "2026-10-25T01:00:00Z": "02:00",
	} {
		at, err := time.Parse(time.RFC3339, utc)
		require.NoError(t, err)
		require.Equal(t, local, at.In(zone).Format("15:04"), utc)
	}
}
