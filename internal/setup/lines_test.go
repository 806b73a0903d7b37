package setup_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	lineCount = flag.Int("lines", 300, "how many random command lines to compare with the original")
	lineSeed  = flag.Uint64("seed", 934, "seed of the random command lines")
)

// TestRandomLines runs random command lines, right and wrong ones, through the
// installed original and through ours, both against the same stand-in for the
// module: they must ask it to do the same, print the same and end the same way.
func TestRandomLines(t *testing.T) {
	for _, ref := range references {
		needReference(t, ref.path)
		t.Run(ref.name, func(t *testing.T) {
			o := startOriginal(t, ref.path, ref.driver)
			l := newLiner(t, o, ref.name, ref.version)
			for i := range *lineCount {
				l.compare(t, i)
			}
		})
	}
}

// A liner makes random command lines for one program.
type liner struct {
	*rand.Rand
	o       *original
	program string
	known   wireNames
	table   []xmlCommand
	peer    *peer
	dir     string
	wrong   int // wrong words and values in the line
}

func newLiner(t *testing.T, o *original, program string, version byte) *liner {
	l := &liner{o: o, program: program, known: names(t, version), peer: newPeer(t, version), dir: t.TempDir()}
	for _, name := range commandNames(t, program) {
		l.table = append(l.table, xmlHelp(t, o.program, o.driver, name))
	}
	l.peer.start(t, l.dir)
	return l
}

// compare runs one line. Its number is its seed.
func (l *liner) compare(t *testing.T, number int) {
	l.Rand = rand.New(rand.NewPCG(*lineSeed, uint64(number)))
	l.setUp(t)
	argv := l.line()
	want := l.o.run(t, l.dir, argv...)
	wanted := l.take(t)
	got := drbdsetupAs(t, l.program, l.dir, "", argv...)
	asked := l.take(t)
	want.stdout, got.stdout = withoutUsage(want), withoutUsage(got)
	same := want.exit == got.exit && refusal.FindString(want.stderr) == refusal.FindString(got.stderr) && fmt.Sprint(wanted) == fmt.Sprint(asked) && want.stdout == got.stdout
	if !same && !l.onPurpose(argv, want, got) {
		t.Errorf("%d %q\noriginal: %d out %q err %q\n   asks %v\nours: %d out %q err %q\n   asks %v", number, argv, want.exit, want.stdout, want.stderr, wanted, got.exit, got.stdout, got.stderr, asked)
	}
}

func (l *liner) setUp(t *testing.T) {
	l.peer.messages = []recorded{special(unload)}
	code := pick(l, 101, 101, 101, 101, 0, -1, -2, -4, -16, 102, 127, 158, 170, 999)
	l.peer.answer = func(byte, uint32) (int32, [][]string, int32) { return int32(code), nil, 0 }
}

// take returns what the module was asked to do.
func (l *liner) take(t *testing.T) (asked []request) {
	l.peer.mu.Lock()
	defer l.peer.mu.Unlock()
	for _, m := range l.peer.requests {
		if q := decode(t, l.known, m); q.Nlmsg&flagDump == 0 && q.CmdNr != 2 {
			asked = append(asked, q)
		}
	}
	l.peer.requests = nil
	return asked
}

// withoutUsage returns standard output without what is for people.
func withoutUsage(r result) string {
	switch {
	case strings.Contains(r.stdout, "USAGE:"), strings.HasPrefix(r.stdout, "<command "):
		return ""
	case strings.HasPrefix(r.stderr, "Excess"): // the newline of the message
		return strings.TrimPrefix(r.stdout, "\n")
	}
	return timestamp.ReplaceAllString(r.stdout, "")
}

// refusal is what scripts look for in a message.
var refusal = regexp.MustCompile(`(?m)\b(Failure|State change failed|Error code).*`)

// stricter is what ours says where it refuses what the original takes for
// something else, or asks the module for nevertheless.
var stricter = regexp.MustCompile("out of range|Excess arguments|Cannot determine minor|control characters|name is empty|Unknown host|the value is too long|" +
	"argument 'all'|--wait-after-sb: invalid|no connection to a peer with node id|^-5k is not a valid unit")

// onPurpose reports whether ours differs from the original for a reason.
func (l *liner) onPurpose(argv []string, want, got result) bool {
	refused := []int{1, 20, 100}
	switch {
	case got.exit != 0 && stricter.MatchString(got.stderr):
		return true
	case l.wrong > 1 && slices.Contains(refused, want.exit) && slices.Contains(refused, got.exit): // which one is told
		return true
	case got.exit == 121, want.exit == 124: // the original ends without an error, or not at all, if the module goes at once
		return strings.HasPrefix(argv[0], "events")
	case strings.Contains(got.stderr, "is ambiguous"):
		return slices.ContainsFunc(since922[argv[0]], func(newer string) bool { return strings.Contains(got.stderr, "--"+newer) })
	case strings.Contains(got.stderr, "enabling drbd8 compat mode"): // 9.22 cannot do that
		return true
	}
	return takesBack(argv)
}

// takesBack reports whether a later option takes back an earlier one. The original
// cannot do that.
func takesBack(argv []string) bool {
	return slices.ContainsFunc(argv, func(a string) bool {
		name, isNo := strings.CutSuffix(a, "=no")
		return isNo && slices.ContainsFunc(argv, func(b string) bool { return b != a && strings.HasPrefix(b, name[:min(len(name), 3)]) })
	})
}

// pick returns one of several things.
func pick[T any](l *liner, from ...T) T { return from[l.IntN(len(from))] }

// line returns a command with its words and some options, in any order.
func (l *liner) line() []string {
	l.wrong = 0
	c := pick(l, l.table...)
	var words []string
	for _, name := range slices.Concat(c.Arguments, c.Group) {
		words = append(words, l.word(name))
	}
	if l.IntN(12) == 0 {
		words = words[:l.IntN(len(words)+1)]
	}
	if l.IntN(25) == 0 {
		words = append(words, pick(l, "x", "0", "all"))
	}
	if len(c.Options) > 0 {
		for range l.IntN(3) {
			words = slices.Insert(words, l.IntN(len(words)+1), l.option(&c)...)
		}
	}
	if l.IntN(20) == 0 {
		words = slices.Insert(words, l.IntN(len(words)+1), pick(l, "--", "--no-such-option", "-Z", "-"))
	}
	line := append([]string{c.Name}, words...)
	switch l.IntN(20) {
	case 0:
		if len(line) > 1 { // DRBD 8.3's order
			line[0], line[1] = line[1], line[0]
		}
	case 1:
		line = slices.Insert(line, l.IntN(2), pick(l, "help", "xml-help", "--help", "-h"))
	case 2:
		line[0] = pick(l, line[0]+"x", line[0][:len(line[0])-1], "", "events3")
	}
	return line
}

// good and bad are words by what the usage calls them.
var good = map[string][]string{
	"resource":        {"r0", "some resource", "ü"},
	"minor":           {"3", "/dev/drbd3", "0", "1048575"},
	"peer_node_id":    {"1", "0", "31"},
	"node_id":         {"0", "7"},
	"volume":          {"0", "1", "65535"},
	"lower_dev":       {"DISK"},
	"meta_data_dev":   {"DISK"},
	"meta_data_index": {"internal", "flexible", "0", "3"},
	"local_addr":      {"ipv4:10.0.0.1:7789", "10.0.0.1:7789", "ipv6:[fd00::1]:7789", "ssocks:10.0.0.1:7000"},
	"new_name":        {"r1"},
}

var bad = map[string][]string{
	"resource":        {"all", "", "a\x01b", "x\x7f", strings.Repeat("n", 127)},
	"minor":           {"x", "", "drbd3", "minor-3", "/dev/drbd", "/dev/drbdx", "/dev/null", "3k", "03", "+3", "-3", " 3", "3 ", "4294967295", "4294967296", "99999999999999999999", "0x3"},
	"lower_dev":       {"/dev/null", "/nowhere", "", "/"},
	"meta_data_index": {"", "x", "-1", "1k", "Internal"},
	"local_addr":      {"10.0.0.1", "ipv4:10.0.0.1", "ipv6:fd00::1:7789", "ipv6:[fd00::1]", "ipv6:[fd00::1", "sdp:10.0.0.1:7000", "ipv4:10.0.0.1:7k", "ipv4:10.0.0.1:x", "ipv4:10.0.0.1:", "localhost:1", "ipv6:fd00"},
	"new_name":        {"", "a\x01b"},
}

// numbers are what is given for a number.
var badNumbers = []string{"x", "", "-1", "1k", "1T", "7kk", "0x10", "010", " 5", "5 ", "+5", "-5k", "4294967295", "4294967296", "18446744073709551615", "18446744073709551616", "5s", "5K", "5M", "5g", "1G", "3s"}

func (l *liner) word(name string) string {
	kind := strings.NewReplacer("local-addr", "local_addr", "remote-addr", "local_addr", "remote_addr", "local_addr", "all", "resource", "meta_data_dev", "lower_dev").Replace(name)
	words := good[kind]
	if l.IntN(8) == 0 {
		l.wrong++
		if words = bad[kind]; words == nil {
			words = badNumbers
		}
	}
	return strings.Replace(pick(l, words...), "DISK", l.o.disk(), 1)
}

// option returns an option in one of its forms.
func (l *liner) option(c *xmlCommand) []string {
	o := pick(l, c.Options...)
	name := "--" + o.Name
	if l.IntN(6) == 0 {
		name = name[:2+l.IntN(len(name)-2)+1]
	}
	value := l.value(&o)
	if short := shorts[o.Name]; short != "" && l.program == "drbdsetup" && l.IntN(3) == 0 { // that of 8.4 knows none
		if o.Type == "flag" {
			return []string{"-" + short + pick(l, "", "", shorts[pick(l, c.Options...).Name])}
		}
		return []string{"-" + short + value}
	}
	switch l.IntN(6) {
	case 0:
		l.wrong++ // if it needs a value, it takes the next word for that
		return []string{name + pick(l, "", "", "x")}
	case 1:
		return []string{name, value}
	default:
		return []string{name + "=" + value}
	}
}

// shorts are the letters of options.
var shorts = map[string]string{
	"timestamps": "T", "statistics": "s", "now": "n", "poll": "p", "full": "f", "color": "c", "diff": "i", "show-defaults": "D", "json": "j", "verbose": "v",
	"wfc-timeout": "t", "degr-wfc-timeout": "d", "outdated-wfc-timeout": "o", "wait-after-sb": "w",
}

func (l *liner) value(o *xmlOption) string {
	if l.IntN(4) == 0 {
		l.wrong++
		return pick(l, append([]string{"yes", "no", "YES", "true", "none"}, badNumbers...)...)
	}
	switch {
	case o.Name == "color":
		return pick(l, "never", "always", "auto", "blue")
	case o.Name == "wait-after-sb":
		return pick(l, "yes", "no")
	case o.Type == "handler":
		return pick(l, o.Handlers...)
	case o.Type == "boolean", o.Type == "flag":
		return pick(l, "yes", "no")
	case o.Type == "numeric-or-symbol":
		return pick(l, append(o.Symbols, "1", "32", "33", "5k")...)
	case o.Type == "numeric":
		return pick(l, o.Min, o.Max, "1", "5k")
	case o.Type == "address":
		return l.word("local_addr")
	}
	return pick(l, "sha1", "a b", `"`)
}
