package render

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPace(t *testing.T) {
	for want, p := range map[string]Pace{
		"[....................] 1000 KiB left, standing still":             {Total: 1000, Left: 1000},
		"[====................] 8192 KiB left, 11.1 MiB/s, 0:00:01 to go":  {Total: 10000, Left: 8192, Speed: 11.06, Seconds: 1},
		"[===========.........] 2991 MiB left, 110.0 MiB/s, 1:02:03 to go": {Total: 6 << 20, Left: 3062620, Speed: 110, Seconds: 3723},
		"[====================] 0 KiB left, standing still":                {Total: 10},
		"[....................] 11 TiB left, 0.1 MiB/s, 100:00:00 to go":   {Total: 10 << 30, Left: 11 << 30, Speed: 0.1, Seconds: 360000},
	} {
		require.Equal(t, want, p.String())
	}
}
