package adm

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"drbdutils/internal/testkit"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

var (
	compareCount = flag.Int("compare", 150, "random configurations to compare with the installed drbdadm, per generation")
	compareSeed  = flag.Uint64("seed", 1, "the first of them")
)

// installed is the drbdadm that ours is compared with: version 9.22 with its
// companion for DRBD 8.4, as Debian has it.
const installed = "/usr/sbin/drbdadm"

// TestRandomConfigurations runs the installed drbdadm and ours over random
// configurations, most of them valid. Where they differ, the configuration is
// cut down to the lines that make the difference.
func TestRandomConfigurations(t *testing.T) {
	if out, err := exec.Command(installed, "--version").Output(); err != nil || !bytes.Contains(out, []byte("DRBDADM_VERSION=9.22.")) {
		t.Skip("the reference is not installed")
	}
	for _, g := range []schema.Generation{schema.V9, schema.V84} {
		t.Run(g.String(), func(t *testing.T) {
			c := comparison{gen: g, dir: t.TempDir()}
			for i := range *compareCount {
				seed := *compareSeed + uint64(i)
				lines := newInventor(g, seed).lines()
				if problem := c.compare(t, lines); problem != "" {
					lines = c.shrink(t, lines)
					t.Errorf("seed %d: %s\n%s", seed, c.compare(t, lines), strings.Join(lines, "\n"))
				}
			}
		})
	}
}

type comparison struct {
	gen schema.Generation
	dir string
}

// compare returns in what the two differ, "" if in nothing.
func (c comparison) compare(t *testing.T, lines []string) string {
	t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "input.conf"), []byte(text), 0o644))
	ours := testkit.ConfigCase{Node: "alpha"}
	for _, command := range []string{"sh-nop", "dump", "dump-xml", "sh-dev all"} {
		args := strings.Fields(command)
		wantOut, want := c.reference(t, args)
		if want < 0 || want > 100 {
			return "" // it crashed or hung
		}
		out, stderr, code := runConfig(t, ours, c.dir, c.version(), args)
		switch {
		case code != want:
			return fmt.Sprintf("%s: exit code %d, but %d here\n%s", command, want, code, stderr)
		case code == 0 && out != newer922(wantOut):
			return fmt.Sprintf("%s: prints\n%s\nbut here\n%s", command, wantOut, out)
		}
	}
	return ""
}

func (c comparison) version() string {
	if c.gen == schema.V84 {
		return "8.4.11"
	}
	return "9.2.0"
}

// newer922 returns what the reference's next releases print instead.
func newer922(out string) string {
	out = floatingName.ReplaceAllString(out, `name="${1}_$2"`)
	return nullAddress.ReplaceAllString(out, "")
}

var floatingName = regexp.MustCompile(`name="([0-9.]+):(\d+)"`)

// nullAddress is what the reference prints for a host without an address.
var nullAddress = regexp.MustCompile(`(?m)^ *<address family="\(null\)" port="\(null\)">\(null\)</address>\n`)

// reference runs the installed drbdadm.
func (c comparison) reference(t *testing.T, args []string) (stdout string, exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, installed, append([]string{"-c", "input.conf"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "__DRBD_NODE__=alpha", "DRBD_DRIVER_VERSION_OVERRIDE="+c.version())
	out, err := cmd.Output()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// shrink removes lines as long as a difference remains.
func (c comparison) shrink(t *testing.T, lines []string) []string {
	t.Helper()
	for size := len(lines) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(lines); {
			shorter := slices.Concat(lines[:at], lines[at+size:])
			if c.compare(t, shorter) != "" {
				lines = shorter
				continue
			}
			at++
		}
	}
	return lines
}

// An inventor makes up configurations. One in four is broken.
type inventor struct {
	*rand.Rand
	gen   schema.Generation
	out   []string
	level int
	minor int
	port  int
}

func newInventor(g schema.Generation, seed uint64) *inventor {
	return &inventor{Rand: rand.New(rand.NewPCG(seed, uint64(g))), gen: g, port: 7000}
}

func (g *inventor) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *inventor, from ...T) T { return from[g.IntN(len(from))] }

func (g *inventor) line(format string, args ...any) {
	g.out = append(g.out, strings.Repeat(" ", 2*g.level)+fmt.Sprintf(format, args...))
}

func (g *inventor) block(head string, body func()) {
	g.line("%s {", head)
	g.level++
	body()
	g.level--
	g.line("}")
}

// lines returns a configuration.
func (g *inventor) lines() []string {
	g.block("global", func() {
		g.line("disable-ip-verification;")
		g.line("usage-count %s;", pick(g, "yes", "no", "ask"))
		if g.chance(20) {
			g.line("minor-count %d;", 1+g.IntN(300))
		}
		if g.chance(20) {
			g.line("dialog-refresh %d;", g.IntN(700))
		}
	})
	if g.chance(60) {
		g.block("common", func() { g.sections(30) })
	}
	for i := range 1 + g.IntN(3) {
		g.resource(fmt.Sprintf("r%d", i))
	}
	if g.chance(25) {
		g.spoil()
	}
	return g.out
}

// slots are the sections of options and whose options they take.
var slots = []struct {
	section string
	slots   []schema.Slot
}{
	{"net", []schema.Slot{schema.ToNet}},
	{"disk", []schema.Slot{schema.ToDisk, schema.ToPeer}},
	{"options", []schema.Slot{schema.ToResource}},
	{"startup", []schema.Slot{schema.ToStartup}},
	{"handlers", []schema.Slot{schema.ToHandlers}},
}

// sections writes some sections of options.
func (g *inventor) sections(percent int) {
	for _, s := range slots {
		if g.chance(percent) {
			g.block(s.section, func() { g.options(1+g.IntN(4), s.slots...) })
		}
	}
}

// options writes different options of some slots.
func (g *inventor) options(n int, from ...schema.Slot) {
	seen := map[string]bool{}
	for range n {
		f := g.field(pick(g, from...))
		if f == nil || seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		g.line("%s", g.option(f))
	}
}

// newer are options that the reference's release does not know yet, or whose
// limits or legal places have changed since.
var newer = []string{
	"load-balance-paths", "tls", "tls-keyring", "tls-privkey", "tls-certificate", "rdma-ctrl-rcvbuf-size", "rdma-ctrl-sndbuf-size",
	"bitmap", "resync-without-replication", "peer-tiebreaker", "drbd8-api-compatibility", "fencing", "sndbuf-size", "rcvbuf-size",
	"resync-after", "discard-my-data", "tentative", "alternate-address", "alternate-peer-address", "outdate-peer", "disconnected",
}

func (g *inventor) field(s schema.Slot) *schema.Field {
	set := s.In(g.gen)
	if set == nil {
		return nil
	}
	f := &set.Fields[g.IntN(len(set.Fields))]
	if f.Name == "" || !f.Gen.Has(g.gen) || slices.Contains(newer, f.Name) {
		return nil
	}
	return f
}

// option returns an option with a value that is good more often than not.
func (g *inventor) option(f *schema.Field) string {
	value := "yes"
	switch f.Kind {
	case schema.Bool, schema.Flag:
		value = pick(g, "yes", "no", "yes", "no", "maybe")
	case schema.Enum, schema.Symbol:
		value = pick(g, f.Words.Words...).Text
		if g.chance(4) {
			value = "nonsense"
		}
	case schema.String:
		value = pick(g, "sha1", `"two words"`, `"a\"b"`, "x", "/usr/lib/drbd/x.sh")
	default:
		n := f.Min + g.Int64N(max(1, min(f.Max, 1<<20)-f.Min+1))
		if g.chance(3) {
			n = f.Max + 1
		}
		value = fmt.Sprint(min(n, 99999999))
	}
	return f.Name + " " + value + ";"
}

var threeHosts = []string{"alpha", "bravo", "charlie"}

// resource writes a resource of two or three hosts.
func (g *inventor) resource(name string) {
	hosts := threeHosts[:2]
	ids := g.gen == schema.V9 && g.chance(50)
	if ids && g.chance(40) {
		hosts = threeHosts
	}
	g.port++
	explicit := g.chance(40)
	atTop := g.chance(40)
	first := g.minor
	volumes := 1
	if explicit {
		volumes = 1 + g.IntN(3)
	}
	g.minor += volumes
	g.block("resource "+name, func() {
		if g.chance(15) {
			g.line("protocol %s;", pick(g, "A", "B", "C"))
		}
		if atTop {
			g.volumes(explicit, first, volumes)
		}
		if g.chance(15) {
			g.syncer()
		}
		floating := len(hosts) == 2 && g.chance(10)
		six := !floating && g.chance(15)
		for i, h := range hosts {
			address := fmt.Sprintf("%s10.0.0.%d:%d", pick(g, "", "ipv4 ", "ssocks "), i+1, g.port)
			if six {
				address = fmt.Sprintf("ipv6 [fd00::%d]:%d", i+1, g.port)
			}
			head := "on " + h
			if floating {
				head = "floating " + address
			}
			g.block(head, func() {
				if ids {
					g.line("node-id %d;", i)
				}
				if !floating {
					g.line("address %s;", address)
				}
				if !atTop {
					g.volumes(explicit, first, volumes)
				}
			})
		}
		if floating {
			return
		}
		if len(hosts) == 3 || ids && g.chance(40) {
			g.connections(hosts)
		}
		g.sections(25)
	})
}

// syncer writes the section of release 8.3.
func (g *inventor) syncer() {
	lines := []string{"al-extents 257;", "verify-alg sha1;", "use-rle;"}
	if g.gen == schema.V84 { // the reference's release for 9 has no options of peer devices there
		lines = append(lines, "rate 30M;", "c-plan-ahead 15;", "c-min-rate 3M;")
	}
	g.block("syncer", func() {
		for _, line := range lines {
			if g.chance(40) {
				g.line("%s", line)
			}
		}
	})
}

// volumes writes volumes with the minors from first on.
func (g *inventor) volumes(explicit bool, first, n int) {
	for i := range n {
		body := func() {
			g.line("device %s;", pick(g, fmt.Sprintf("minor %d", first+i), fmt.Sprintf("/dev/drbd%d", first+i),
				fmt.Sprintf("drbd%d minor %d", first+i, first+i)))
			g.line("disk /dev/vg0/v%d;", first+i)
			g.line("meta-disk %s;", pick(g, "internal", "internal", fmt.Sprintf("/dev/vg0/md%d", first+i), fmt.Sprintf("/dev/vg0/md [%d]", first+i)))
		}
		if !explicit {
			body()
			continue
		}
		if g.chance(20) {
			plain := body
			body = func() {
				plain()
				g.block("disk", func() { g.options(2, schema.ToDisk) })
			}
		}
		g.block(fmt.Sprintf("volume %d", i), body)
	}
}

// connections joins all hosts, one way or the other.
func (g *inventor) connections(hosts []string) {
	if g.chance(50) {
		g.block("connection-mesh", func() {
			g.line("hosts %s;", strings.Join(hosts, " "))
			if g.chance(30) {
				g.block("net", func() { g.options(2, schema.ToNet) })
			}
		})
		return
	}
	for i, a := range hosts {
		for _, b := range hosts[i+1:] {
			g.block("connection", func() {
				g.line("host %s;", a)
				g.line("host %s%s;", b, pick(g, "", "", fmt.Sprintf(" port %d", 8000+g.port)))
				if g.chance(30) {
					g.block("net", func() { g.options(2, schema.ToNet) })
				}
				if g.chance(20) {
					g.block("disk", func() { g.options(2, schema.ToPeer) })
				}
			})
		}
	}
}

// spoil changes one line: it is lost, doubled, or loses or gains something.
func (g *inventor) spoil() {
	at := g.IntN(len(g.out))
	line := g.out[at]
	kinds := 6
	if g.gen == schema.V84 {
		kinds = 5 // its reference forgets statements that moved behind the host sections
	}
	switch g.IntN(kinds) {
	case 0:
		g.out = slices.Delete(g.out, at, at+1)
	case 1:
		g.out = slices.Insert(g.out, at, line)
	case 2:
		g.out[at] = strings.TrimRight(line, ";{}")
	case 3:
		g.out[at] = line + pick(g, ";", "}", "{", " x", "\"", " 7")
	case 4:
		words := strings.Fields(line)
		words[g.IntN(len(words))] = pick(g, "disk", "17", "yes", "net", "10.0.0.1", "::1", "a.b")
		g.out[at] = strings.Join(words, " ")
	case 5:
		other := g.IntN(len(g.out))
		g.out[at], g.out[other] = g.out[other], line
	}
}
