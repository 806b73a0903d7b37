package setup

import (
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/internal/render"
)

func TestReadPaces(t *testing.T) {
	const proc = `version: 8.4.11 (api:1/proto:86-101)
srcversion: 1A9F8A0A8C47A0F9B7B6C2A
 0: cs:SyncTarget ro:Primary/Secondary ds:Inconsistent/UpToDate C r-----
    ns:0 nr:8192 dw:8192 dr:0 al:0 bm:0 lo:1 pe:2 ua:0 ap:0 ep:1 wo:f oos:1040384
	[>....................] sync'ed:  0.9% (1040384/1048576)K
	finish: 0:01:24 speed: 12,288 (12,288) want: 10,240 K/sec

 2: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:0 nr:8192 dw:8192 dr:0 al:0 bm:0 lo:1 pe:2 ua:0 ap:0 ep:1 wo:f oos:0
12: cs:VerifyS ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:0 nr:8192 dw:8192 dr:0 al:0 bm:0 lo:1 pe:2 ua:0 ap:0 ep:1 wo:f oos:0
	[=====>..............] verified: 27.1% (3000/4000)M
	finish: 12:00:00 speed: 0 (1,024) K/sec (stalled)
`
	require.Equal(t, map[uint32]render.Pace{
		0:  {Total: 1048576, Left: 1040384, Speed: 12, Seconds: 84},
		12: {Total: 4000 << 10, Left: 3000 << 10, Seconds: 12 * 3600},
	}, readPaces(proc))
}
