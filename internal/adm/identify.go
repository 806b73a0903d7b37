package adm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"drbdutils/schema"
)

// identify gives fresh metadata a random number by which the device can be told
// from others, unless it has one.
func (t *tool) identify(ctx context.Context, created Op) {
	place := created.Args[:4]
	read := Op{Prog: drbdmeta, Args: append(place[:4:4], "read-dev-uuid"), Class: long, Res: created.Res}
	if t.gen == schema.V84 {
		read.Args = append(read.Args, created.Args[5:]...) // compat: its options, too
	}
	var text strings.Builder
	if t.capture(ctx, read, &text) != 0 {
		return
	}
	known, err := strconv.ParseUint(strings.TrimSpace(text.String()), 16, 64)
	if err == nil && known != 0 {
		return
	}
	id := fmt.Sprintf("%016X", rand.Uint64())
	t.do(ctx, Op{Prog: drbdmeta, Args: append(place[:4:4], "write-dev-uuid", id), Class: long, Res: created.Res})
}

// capture runs an op and keeps what it prints.
func (t *tool) capture(ctx context.Context, op Op, into *strings.Builder) int {
	was := t.env
	defer func() { t.env = was }()
	t.env.Stdout = into
	return t.do(ctx, op)
}
