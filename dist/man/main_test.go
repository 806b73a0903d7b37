package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

// Every option that a file may set is explained.
func TestEveryOptionIsExplained(t *testing.T) {
	var b strings.Builder
	require.NoError(t, page(&b))
	headings := map[string]int{}
	for line := range strings.Lines(b.String()) {
		if name, ok := strings.CutPrefix(line, ".B "); ok {
			headings[strings.ReplaceAll(strings.TrimSpace(name), `\-`, "-")]++
		}
	}
	for slot := range schema.Slots {
		for _, o := range options([]schema.Slot{slot}) {
			require.NotZero(t, headings[o.row().Name], o.row().Name)
		}
	}
	require.NotContains(t, headings, "discard-my-data", "only commands take it")
}

func TestGenerationsAreToldApart(t *testing.T) {
	var b strings.Builder
	for _, o := range options([]schema.Slot{schema.ToNet}) {
		if o.row().Name == "sndbuf-size" {
			o.write(&b)
		}
	}
	require.Equal(t, `.TP
.B sndbuf\-size
Size of the send buffer; 0 leaves it to the kernel.
DRBD 9: Values: 0..134217728 (bytes). Default: 0.
DRBD 8.4: Values: 0..10485760 (bytes). Default: 0.
`, b.String())
}

func TestEscape(t *testing.T) {
	require.Equal(t, `\&.so \e\-`, escape(`.so \-`))
}
