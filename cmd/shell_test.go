package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A shell runs the command lines of the recordings on a host: lists, pipelines,
// quotes and redirections, in the time of the bubble that the test runs in.
type shell struct {
	host  *host
	last  int       // $?
	began time.Time // s=$(date +%s)
	ends  []func()  // what happens when it ends
}

// streams are where a program reads and writes.
type streams struct {
	in       []byte
	out, err io.Writer
}

// run runs a list and returns the last exit code.
func (sh *shell) run(ctx context.Context, line string, out, err io.Writer) int {
	defer func() {
		for _, end := range sh.ends {
			end()
		}
	}()
	words := sh.split(line)
	var pipeline [][]string
	start, skip := 0, false
	for i := 0; i <= len(words); i++ {
		if i < len(words) && !isOperator(words[i]) {
			continue
		}
		pipeline = append(pipeline, words[start:i])
		start = i + 1
		if i < len(words) && words[i] == "\x00|" {
			continue
		}
		if !skip {
			sh.pipe(ctx, pipeline, out, err)
		}
		pipeline, skip = nil, i < len(words) && words[i] == "\x00&&" && sh.last != 0
	}
	return sh.last
}

func isOperator(word string) bool { return word == "\x00;" || word == "\x00|" || word == "\x00&&" }

// split returns the words of a line; operators begin with a zero byte.
func (sh *shell) split(line string) []string {
	line = strings.NewReplacer(
		"$(hostname | tr -dc 0-9)", fmt.Sprint(sh.host.number), "$(( $(date +%s) - s ))", "$ELAPSED",
	).Replace(line)
	line = strings.NewReplacer("$((2 - 1))", "1", "$((2 - 2))", "0").Replace(line)
	var words []string
	var word strings.Builder
	quote, open := byte(0), false
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && c == ' ':
			end()
		case quote == 0 && (c == ';' || c == '|'):
			end()
			words = append(words, "\x00"+string(c))
		case quote == 0 && strings.HasPrefix(line[i:], "&&"):
			end()
			words = append(words, "\x00&&")
			i++
		default:
			word.WriteByte(c)
			open = true
		}
	}
	end()
	return words
}

func (sh *shell) pipe(ctx context.Context, programs [][]string, out, err io.Writer) {
	var data []byte
	for i, words := range programs {
		s := streams{in: data, out: out, err: err}
		var buf bytes.Buffer
		if i < len(programs)-1 {
			s.out = &buf
		}
		if len(words) > 0 {
			sh.last = sh.command(ctx, words, s)
		}
		data = buf.Bytes()
	}
}

// command runs a program with its redirections and variables.
func (sh *shell) command(ctx context.Context, words []string, s streams) int {
	var args []string
	var file string
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "<":
			i++ // /dev/null
		case w == ">":
			i++
			file = words[i]
		default:
			elapsed := fmt.Sprint(int(time.Since(sh.began).Seconds()))
			args = append(args, strings.NewReplacer("$?", fmt.Sprint(sh.last), "$ELAPSED", elapsed).Replace(w))
		}
	}
	var buf bytes.Buffer
	if file != "" {
		s.out = &buf
	}
	code := sh.program(ctx, args, s)
	if name, ok := strings.CutPrefix(file, "/tmp/h."); ok {
		sh.host.setHandler(name, strings.TrimSpace(buf.String()))
	}
	return code
}

func (sh *shell) program(ctx context.Context, args []string, s streams) int {
	switch args[0] {
	case "s=$(date": // +%s)
		sh.began = time.Now()
		return 0
	case "time": // -p
		return sh.program(ctx, args[2:], s)
	case "timeout":
		limit, err := time.ParseDuration(args[1] + "s")
		if err != nil {
			return 125
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		code := sh.program(ctx, args[2:], s)
		if ctx.Err() != nil {
			return 124
		}
		return code
	case "evstart":
		sh.host.follow()
		return 0
	case "exec": // 5<>/dev/drbdN
		minor := strings.TrimPrefix(args[1], "5<>/dev/drbd")
		sh.ends = append(sh.ends, func() { sh.host.control("close " + minor) })
		return sh.host.control("open " + minor)
	}
	program, ok := programs[args[0]]
	if !ok {
		sh.host.t.Fatalf("no program %q", args[0])
	}
	return program(ctx, sh.host, args[1:], s)
}
func TestSplit(t *testing.T) {
	const end, pipe, and = "\x00;", "\x00|", "\x00&&"
	sh := &shell{host: &host{number: 2}}
	for line, want := range map[string][]string{
		"":                                      nil,
		"a  b":                                  {"a", "b"},
		"a; b;c":                                {"a", end, "b", end, "c"},
		"a|b | c":                               {"a", pipe, "b", pipe, "c"},
		"a && b":                                {"a", and, "b"},
		"a 'b ; c' \"d | e\"":                   {"a", "b ; c", "d | e"},
		"a ''":                                  {"a", ""},
		"a x'y z'":                              {"a", "xy z"},
		"echo 1 > f; b < /dev/null":             {"echo", "1", ">", "f", end, "b", "<", "/dev/null"},
		"a $(hostname | tr -dc 0-9)":            {"a", "2"},
		"a $((2 - $(hostname | tr -dc 0-9))) 0": {"a", "0", "0"},
	} {
		require.Equal(t, want, sh.split(line), line)
	}
}
