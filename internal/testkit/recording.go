package testkit

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A Scenario is a recording of what real modules did.
type Scenario struct {
	Name   string
	Watch  string // command of the event stream
	Nodes  int
	Blocks []Block
}

// A Block is a command, or what else happens, and what followed.
type Block struct {
	Title    string
	Sections []Section
	Hasty    bool // the next one followed at once
}

// A Section is one thing that followed.
type Section struct {
	Title string
	Lines []string // without their marks
}

// Find returns the section of a title, nil if there is none.
func (b *Block) Find(title string) *Section {
	for i := range b.Sections {
		if b.Sections[i].Title == title {
			return &b.Sections[i]
		}
	}
	return nil
}

// Recordings reads a compressed file of scenarios.
func Recordings(t testing.TB, file string) []*Scenario {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return ParseRecordings(string(text))
}

// ParseRecordings reads scenarios.
func ParseRecordings(text string) []*Scenario {
	var all []*Scenario
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "#### "); ok {
			all = append(all, &Scenario{Name: name})
		} else if len(all) > 0 {
			all[len(all)-1].take(line, last != "")
		}
		last = line
		if strings.HasPrefix(line, "# ") {
			last = "" // remarks are no blocks
		}
	}
	return all
}

// take adds a line, which follows the one before at once or after an empty one.
func (sc *Scenario) take(line string, follows bool) {
	last := len(sc.Blocks) - 1
	switch {
	case strings.HasPrefix(line, "nodes: "):
		sc.Nodes = len(strings.Fields(line)) - 1
	case strings.HasPrefix(line, "events2 stream: "):
		_, sc.Watch, _ = strings.Cut(line, ": ")
	case strings.HasPrefix(line, "## "):
		if last >= 0 {
			sc.Blocks[last].Hasty = follows
		}
		sc.Blocks = append(sc.Blocks, Block{Title: line[3:]})
	case strings.HasPrefix(line, "-- "):
		sc.Blocks[last].Sections = append(sc.Blocks[last].Sections, Section{Title: line[3:]})
	case strings.HasPrefix(line, "| "), strings.HasPrefix(line, "~ "):
		sc.Blocks[last].add(line[2:])
	}
}

func (b *Block) add(line string) {
	if len(b.Sections) == 0 {
		b.Sections = append(b.Sections, Section{Title: "file"})
	}
	s := &b.Sections[len(b.Sections)-1]
	s.Lines = append(s.Lines, line)
}

// String writes a scenario down as ParseRecordings reads it.
func (sc *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#### %s\nnodes:", sc.Name)
	for i := range sc.Nodes {
		fmt.Fprintf(&b, " node%d", i+1)
	}
	fmt.Fprintf(&b, "\nevents2 stream: %s\n\n", sc.Watch)
	for _, block := range sc.Blocks {
		fmt.Fprintf(&b, "## %s\n", block.Title)
		for _, s := range block.Sections {
			if s.Title != "file" {
				fmt.Fprintf(&b, "-- %s\n", s.Title)
			}
			for _, line := range s.Lines {
				fmt.Fprintf(&b, "| %s\n", line)
			}
		}
		if !block.Hasty {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
