package schema

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rows returns the lines of a table in testdata, split.
func rows(t *testing.T, name string) [][]string {
	f, err := os.Open("testdata/" + name)
	require.NoError(t, err)
	defer f.Close()
	var all [][]string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "#") {
			all = append(all, strings.Split(lines.Text(), "\t"))
		}
	}
	require.NotEmpty(t, all)
	return all
}

func number(t *testing.T, text string) int64 {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}

func TestFieldsAreThoseOfTheHeaders(t *testing.T) {
	wire := map[string][]Kind{
		"u32": {Uint32, Enum, Symbol}, "s32": {Int32, Symbol, Serial}, "u64": {Uint64},
		"flag": {Flag, Bool}, "str": {String}, "bin": {Binary, Address},
	}
	for g, name := range map[Generation]string{V84: "headers-84.tsv", V9: "headers-9.tsv"} {
		total := 0
		for _, row := range rows(t, name) {
			set := ID(number(t, row[1])).In(g)
			require.NotNil(t, set, row[0])
			require.Equal(t, row[0], set.Name)
			f := set.Field(row[3])
			require.NotNil(t, f, row[3])
			total++
			require.EqualValues(t, number(t, row[2]), f.Attr, f.Key)
			require.Contains(t, wire[row[4]], f.Kind, f.Key)
			require.EqualValues(t, number(t, row[5]), f.Len, f.Key)
			require.Equal(t, number(t, row[6]), f.Def, f.Key)
			require.Equal(t, number(t, row[7]), f.Min, f.Key)
			require.Equal(t, number(t, row[8]), f.Max, f.Key)
			require.Equal(t, row[9], f.Name, f.Key)
			require.Equal(t, strings.Contains(row[10], "required"), f.Is(Required), f.Key)
			require.Equal(t, strings.Contains(row[10], "invariant"), f.Is(Invariant), f.Key)
			require.Equal(t, strings.Contains(row[10], "sensitive"), f.Is(Sensitive), f.Key)
			if row[11] != "" {
				require.Equal(t, row[11], wordList(f.Words), f.Key)
			}
		}
		require.Equal(t, total, countFields(g), "rows that the headers do not have")
	}
}

// wordList renders an enumeration as the tables do.
func wordList(e *Enumeration) string {
	var words []string
	for _, w := range e.Words {
		words = append(words, w.Text+"="+strconv.Itoa(int(w.Num)))
	}
	return strings.Join(words, ",")
}

// countFields counts the fields of a generation. Two of 8.4 are known to its
// user space only, and ignored by the module.
func countFields(g Generation) int {
	n := 0
	for id := range ID(maxID + 1) {
		if s := id.In(g); s != nil {
			n += len(s.Fields)
		}
	}
	if g == V84 {
		n -= 2
	}
	return n
}

func TestCommandsAreThoseOfTheHeaders(t *testing.T) {
	for g, name := range map[Generation]string{V84: "commands-84.tsv", V9: "commands-9.tsv"} {
		known := rows(t, name)
		for _, row := range known {
			c := Op(number(t, row[0])).In(g)
			require.NotNil(t, c, row[1])
			require.Equal(t, row[2] == "do", c.Do, row[1])
			require.Equal(t, row[3] == "dump", c.Dump, row[1])
		}
		count := 0
		for i := range commands {
			if commands[i].Gen.Has(g) {
				count++
			}
		}
		require.Equal(t, len(known), count)
	}
}
