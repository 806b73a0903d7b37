package setup_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A deviation is where we knowingly do not print what the original prints. It turns
// the recorded output, or ours, into what both must be.
type deviation struct {
	why     string
	version byte   // of the module; 0: both
	scenes  string // regular expression for the scene's name; "": all
	option  string // must be on the command line; "": need not
	wide    bool   // only where the recorded output has lines of more than 80 columns
	want    func(string) string
	got     func(*testing.T, string) string
	stderr  func(string) string
}

func replace(pattern, by string) func(string) string {
	r := regexp.MustCompile(pattern)
	return func(s string) string { return r.ReplaceAllString(s, by) }
}

// must is replace that fails the test where there is nothing to replace.
func must(pattern, by string) func(*testing.T, string) string {
	r := regexp.MustCompile(pattern)
	return func(t *testing.T, s string) string {
		if strings.Contains(s, " device name:") {
			require.Regexp(t, r, s)
		}
		return r.ReplaceAllString(s, by)
	}
}

// oneLine makes all white space one blank.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

var deviations = []deviation{
	{
		why: "--diff tells quorum also where a device appears", option: "--diff",
		got: must(`((?:exists|create) device .* open:UNKNOWN->\w+) quorum:UNKNOWN->\w+`, "$1"),
	},
	{
		why: "keys that are not set are empty texts, not (null)", option: "--json",
		want: replace(`"\(null\)"`, `""`),
	},
	{
		why: "no key occurs twice in an object", option: "--json",
		want: replace(`("disk": "none",\n +)"disk"`, `$1"device"`),
	},
	{
		why: "the state's old name is called deprecated once", option: "state",
		stderr: replace(`^(.*\n)(.*\n)$`, "$1"),
	},
	{
		why: "numbers of answers are time stamps", option: "events",
		want: replace(`<SEQ> `, ""),
		got:  func(_ *testing.T, s string) string { return replace(`(?m)^\d{5,} `, "")(s) },
	},
	{
		why: "messages for people are part of the event stream", scenes: "^events-stream$", option: "events",
		got:    func(_ *testing.T, s string) string { return strings.Replace(s, "8 # line one_line two\n", "", 1) },
		stderr: replace(`(?m)^<1>.*\n+`, ""),
	},
	{
		why: "states of a newer module are numbers", scenes: "zoo",
		want: func(s string) string { return oneLine(strings.ReplaceAll(s, "?", "#")) },
		got: func(_ *testing.T, s string) string {
			return oneLine(replace(`((?:connection|replication|disk|role|_cstate)(?:-state)?(?:": "|:| )(?:UNKNOWN->)?(?:\x1b\[[0-9;]*m)?)\d+`, "${1}#")(s))
		},
	},
	{
		why: "lines end at 80 columns", version: 2, option: "status", wide: true,
		want: oneLine,
		got:  func(_ *testing.T, s string) string { return oneLine(s) },
	},
	{
		why: "names of one character are words like others", version: 2, option: "status",
		want: replace(`(?m)^(\S| {2}\S) {4,6}(\S+:)`, "$1 $2"),
	},
	{
		why: "quotes and backslashes in names are escaped, in JSON and in configurations", scenes: "^tls-and-odd-names$", option: "--json",
		want: strings.NewReplacer(`we ird"n\ame`, `we ird\"n\\ame`, `host "q"`, `host \"q\"`, `"a"b\c"`, `"a\"b\\c"`).Replace,
	},
	{
		why: "names longer than the module allows are no reason to leave a connection out", scenes: "^tls-and-odd-names$", option: "--now",
		got: func(t *testing.T, s string) string {
			require.Contains(t, s, "peer-node-id:3")
			return strings.Replace(replace(`(?m)^.*peer-node-id:3 .*\n`, "")(s), "10104", "10103", 1)
		},
	},
	{
		why: "the same", scenes: "^tls-and-odd-names$", option: "show",
		want: strings.NewReplacer(`resource "we ird"n\ame"`, `resource "we ird\"n\\ame"`).Replace,
	},
	{
		why: "when numbers are missing the state is read again; here the module is gone then", scenes: "^events2-stream$",
		want: replace(`(?s)- skipped 3.*`, ""),
	},
	{
		why: "a resource that is renamed is still watched", scenes: "^rename$", option: "ev",
		got: func(t *testing.T, s string) string {
			const line = "change resource name:newname role:Primary may_promote:no promotion_score:10102\n"
			require.Contains(t, s, line)
			return strings.Replace(s, line, "", 1)
		},
	},
	{
		why: "what an old module does not tell is not made up", scenes: "^no-statistics-old-module$",
		want: untold,
	},
}

// untold leaves out the counters that the original shows of a module that tells
// none, and says of quorum that nobody lacks it.
func untold(s string) string {
	s = replace(` (?:[a-z-]+:(?:9223372036854775807|18446744073709551615|4294967295)|congested:\S*yes|al-suspended:\S*yes|blocked:upper,lower)`, "")(s)
	s = replace(`(?m)^(\S+ node-id:.*\n)\n`, "$1")(s)
	s = strings.NewReplacer("may_promote:no promotion_score:0", "may_promote:yes promotion_score:10101",
		"may_promote:UNKNOWN->no promotion_score:0->0", "may_promote:UNKNOWN->yes promotion_score:0->10101").Replace(s)
	if strings.Contains(s, "backing_dev") {
		return replace(`quorum:(\S*)no`, "quorum:${1}yes")(strings.ReplaceAll(s, "quorum:\x1b[1;31m", "quorum:\x1b[1;32m"))
	}
	return replace(` quorum:\S*no\S*`, "")(s)
}

// settle applies the deviations that concern a run.
func settle(t *testing.T, version byte, scene string, r run, got result) (run, result) {
	for _, d := range deviations {
		if d.version != 0 && d.version != version || !regexp.MustCompile(d.scenes).MatchString(scene) || d.option != "" && !slices.Contains(r.Argv, d.option) {
			continue
		}
		if d.wide && widest(r.Stdout) <= 80 {
			continue
		}
		if d.want != nil {
			r.Stdout = d.want(r.Stdout)
		}
		if d.got != nil {
			got.stdout = d.got(t, got.stdout)
		}
		if d.stderr != nil {
			r.Stderr = d.stderr(r.Stderr)
		}
	}
	return r, got
}

// widest returns how many bytes the widest line has that could be broken.
func widest(text string) int {
	most := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.Contains(strings.TrimLeft(line, " "), " ") {
			most = max(most, len(line))
		}
	}
	return most
}

// requireNarrow checks that no line has more than 80 bytes.
func requireNarrow(t *testing.T, text string) { require.LessOrEqual(t, widest(text), 80, text) }
