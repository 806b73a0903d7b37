package adm

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drbdutils/internal/cli"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

// reference is the drbdadm of drbd-utils, if it is installed.
const reference = "/usr/sbin/drbdadm"

// TestRandomAsTheReference runs random commands on random configurations and
// running states through the installed drbd-utils and through ours.
func TestRandomAsTheReference(t *testing.T) {
	if _, err := os.Stat(reference); err != nil && os.Getenv("CI") == "" {
		t.Skip("drbd-utils is not installed")
	}
	dir := t.TempDir()
	showStub(t, dir)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Chdir(dir)
	for i := range *stateCount {
		seed := *lineSeed + uint64(i)
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 84)), gen: schema.V84}
		if seed%2 == 1 {
			g.gen = schema.V9
		}
		want := g.cluster()
		have := g.changed(want)
		require.NoError(t, os.WriteFile("drbd.conf", []byte(want.config(g.gen)), 0o600))
		writeShows(t, g.gen, want, have)
		for _, args := range g.commandLines(want) {
			t.Run(fmt.Sprintf("%d %s", seed, strings.Join(args, " ")), func(t *testing.T) {
				compareRuns(t, g.gen, args)
			})
		}
	}
}

// showStub makes a program that stands in for drbdsetup-84 show. The reference for
// DRBD 9 reads the file itself.
func showStub(t *testing.T, dir string) {
	t.Helper()
	script := "#!/bin/sh\n[ \"$1\" = show ] && cat \"$2.show\" 2>/dev/null\nexit 0\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "drbdsetup-84"), []byte(script), 0o700))
}

// writeShows writes the running state: for ours, for the reference (which knows
// no _cstate yet), and a file for each resource.
func writeShows(t *testing.T, g schema.Generation, want, have genCluster) {
	t.Helper()
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o600)) }
	old := func(text string) string {
		text = strings.ReplaceAll(text, "_cstate StandAlone;", "_is_standalone;")
		return strings.ReplaceAll(text, "_cstate Connected;", "")
	}
	write("running.show", have.show(g))
	write("reference.show", old(have.show(g)))
	for _, r := range want {
		write(r.name+".show", "")
		write(r.name+".reference", "")
	}
	for _, r := range have {
		one := genCluster{r}.show(g)
		write(r.name+".show", one)
		write(r.name+".reference", old(one))
	}
}

// runReference runs the record's command line through the installed drbd-utils.
func (r record) runReference(t *testing.T) (stdout, stderr string, exit int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), reference, append([]string{"-c", r.Config}, r.Argv...)...)
	c.Args[0] = "drbdadm"
	c.Env = c.Environ()
	for name, value := range r.vars("") {
		if name != cli.FakeVariable {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	out, err := c.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), string(failed.Stderr), failed.ExitCode()
	}
	require.NoError(t, err)
	return string(out), "", 0
}

func compareRuns(t *testing.T, g schema.Generation, args []string) {
	t.Helper()
	r := record{Gen: map[schema.Generation]string{schema.V84: "8.4", schema.V9: "9"}[g], Node: "oak", Config: "drbd.conf", Argv: args}
	show := "reference.show"
	if object := args[len(args)-1]; args[1] == "adjust" && object != "all" {
		show = object + ".reference" // it takes the first resource for the one it asked for
	}
	r.Env = map[string]string{showFile: show}
	out, _, exit := r.runReference(t)
	r.Env = map[string]string{showFile: "running.show"}
	stdout, stderr, ours := r.run(t, t.TempDir())
	text, _ := os.ReadFile("drbd.conf")
	running, _ := os.ReadFile("running.show")
	require.Equal(t, comparable(g, out), comparable(g, stdout), "%s\n%s\n%s", stderr, text, running)
	require.Equal(t, exit, ours, "%s\n%s", stderr, text)
}

// comparable drops what the installed release, 9.22, does differently from 9.34:
// it does not repair metadata, and orders stages otherwise.
func comparable(g schema.Generation, out string) []string {
	var lines []string
	for line := range strings.Lines(expected(out)) {
		if !strings.Contains(line, " repair-md") {
			lines = append(lines, line)
		}
	}
	if g == schema.V9 {
		slices.Sort(lines)
	}
	return lines
}

// generator makes random clusters of two nodes.
type generator struct {
	*rand.Rand
	gen schema.Generation
}

type genCluster []genResource

type genResource struct {
	name         string
	common       []genOption // net options of all resources; of the first one counts
	port         int
	peer         string // address
	net, options []genOption
	volumes      []genVolume
	alone        bool   // the connection does not even try
	lonely       bool   // there is no connection
	connection   string // its name, where that is not the peer's
}

type genVolume struct {
	number, minor int
	disk, meta    string
	options       []genOption
	sync          []genOption // 9: of the peer's side
}

type genOption struct{ name, value string }

func (g *generator) cluster() genCluster {
	var all genCluster
	for i := range 1 + g.IntN(3) {
		r := genResource{
			name: fmt.Sprintf("r%d", i), port: 7700 + i, peer: "10.20.0.2",
			net:     g.pick(schema.NetConf, 4),
			options: g.pick(schema.ResourceOpts, 2),
			common:  g.pick(schema.NetConf, 2),
		}
		for v := range 1 + g.IntN(3) {
			r.volumes = append(r.volumes, g.volume(i, v))
		}
		all = append(all, r)
	}
	return all
}

func (g *generator) volume(res, number int) genVolume {
	v := genVolume{
		number: number, minor: 10*res + number,
		disk: fmt.Sprintf("/dev/vg/r%dv%d", res, number), meta: "internal",
		options: g.pick(schema.DiskConf, 3),
	}
	if g.IntN(4) == 0 {
		v.meta = fmt.Sprintf("/dev/md%d%d", res, number)
	}
	if g.gen == schema.V9 {
		v.sync = g.pick(schema.PeerDeviceOpts, 3)
	}
	return v
}

// unfit are options that the generator leaves alone: the installed release does
// not know them, or they need more than a value.
var unfit = []string{
	"resync-after", "size", "max-bio-bvecs", "cpu-mask", "shared-secret", "_name", "transport", "load-balance-paths",
	"tls", "tls-keyring", "tls-privkey", "tls-certificate", "rdma-ctrl-rcvbuf-size", "rdma-ctrl-sndbuf-size",
	"alternate-address", "alternate-peer-address", "tentative", "discard-my-data", "drbd8-api-compatibility",
	"on-suspended-primary-outdated", "bitmap", "resync-without-replication", "peer-tiebreaker",
}

// pick returns up to n options of a set with values they may have.
func (g *generator) pick(id schema.ID, n int) []genOption {
	all := fields(g.gen, id)
	g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var out []genOption
	for _, f := range all {
		if value := g.value(f); value != "" && !slices.Contains(unfit, f.Name) && len(out) < g.IntN(n+1) {
			out = append(out, genOption{f.Name, value})
		}
	}
	return out
}

func (g *generator) value(f schema.Field) string {
	switch f.Kind {
	case schema.Bool:
		return []string{"yes", "no"}[g.IntN(2)]
	case schema.Enum:
		return f.Format(schema.Value{Num: uint64(g.IntN(3))})
	case schema.Uint32:
		return fmt.Sprint(f.Min + g.Int64N(min(f.Max-f.Min, 5000)+1))
	case schema.String:
		return "crc32c"
	}
	return ""
}

// changed returns a running state that is like the configuration, but for some
// changes.
func (g *generator) changed(c genCluster) genCluster {
	var out genCluster
	for _, r := range c {
		if g.IntN(5) == 0 {
			continue
		}
		r.volumes = slices.Clone(r.volumes)
		for range g.IntN(4) {
			g.change(&r)
		}
		out = append(out, r)
	}
	return out
}

// change makes one change.
func (g *generator) change(r *genResource) {
	v := &r.volumes[g.IntN(len(r.volumes))]
	nine := g.gen == schema.V9
	switch g.IntN(14) {
	case 0:
		r.net = g.pick(schema.NetConf, 4)
	case 1:
		r.options = g.pick(schema.ResourceOpts, 2)
	case 2:
		v.options = g.pick(schema.DiskConf, 3)
	case 3:
		v.disk = "/dev/other"
	case 4:
		r.volumes = r.volumes[:max(1, len(r.volumes)-1)]
	case 5:
		if r.volumes[len(r.volumes)-1].number < 9 {
			r.volumes = append(r.volumes, genVolume{number: 9, minor: 90 + r.port%100, disk: "/dev/surplus", meta: "internal"})
		}
	case 6:
		r.port += 100
	case 7:
		if !nine { // the reference makes the new one too early
			v.minor += 100
		}
	case 8:
		v.meta = "/dev/othermd"
	case 9:
		v.sync = g.pick(schema.PeerDeviceOpts, 3)
		if !nine {
			v.sync = nil
		}
	case 10:
		r.alone = nine
	case 11:
		r.lonely = true
	case 12:
		r.connection = "other"
	case 13:
		if nine {
			v.disk = "none"
		}
	}
}

func section(name string, options []genOption) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s {\n", name)
	for _, o := range options {
		fmt.Fprintf(&b, "  %s %s;\n", o.name, o.value)
	}
	return b.String() + "}\n"
}

func (c genCluster) config(schema.Generation) string {
	var b strings.Builder
	b.WriteString("global { usage-count no; }\n")
	b.WriteString("common {\n" + section("net", c[0].common) + "}\n")
	for _, r := range c {
		fmt.Fprintf(&b, "resource %s {\n%s%s", r.name, section("net", r.net), section("options", r.options))
		for _, v := range r.volumes {
			fmt.Fprintf(&b, "volume %d { device minor %d; disk %s; meta-disk %s;\n%s}\n", v.number, v.minor, v.disk, v.meta, section("disk", slices.Concat(v.options, v.sync)))
		}
		fmt.Fprintf(&b, "on oak { address 10.20.0.1:%d; }\non pine { address %s:%d; }\n}\n", r.port, r.peer, r.port)
	}
	return b.String()
}

// show writes the cluster as drbdsetup show would. The node ids are those that
// come from the addresses.
func (c genCluster) show(g schema.Generation) string {
	var b strings.Builder
	for _, r := range c {
		fmt.Fprintf(&b, "resource %s {\n%s", r.name, section("options", r.options))
		if g == schema.V84 && !r.lonely {
			fmt.Fprintf(&b, "%s_remote_host { address ipv4 %s:%d; }\n", section("net", r.net), r.peer, r.port)
		}
		b.WriteString("_this_host {\n")
		switch {
		case g == schema.V9:
			b.WriteString("node-id 0;\n")
		case !r.lonely:
			fmt.Fprintf(&b, "address ipv4 10.20.0.1:%d;\n", r.port)
		}
		for _, v := range r.volumes {
			b.WriteString(v.show())
		}
		b.WriteString("}\n")
		if g == schema.V9 && !r.lonely {
			b.WriteString(r.showConnection())
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func (v genVolume) show() string {
	if v.disk == "none" {
		return fmt.Sprintf("volume %d { device minor %d; disk none; }\n", v.number, v.minor)
	}
	return fmt.Sprintf("volume %d { device minor %d; disk \"%s\"; meta-disk %s;\n%s}\n", v.number, v.minor, v.disk, v.meta, section("disk", v.options))
}

func (r genResource) showConnection() string {
	var b strings.Builder
	state := map[bool]string{false: "Connected", true: "StandAlone"}[r.alone]
	net := append(slices.Clone(r.net), genOption{"_name", cmp.Or(r.connection, "pine")})
	fmt.Fprintf(&b, "connection { _peer_node_id 1; path { _this_host ipv4 10.20.0.1:%d; _remote_host ipv4 %s:%d; }\n_cstate %s;\n%s",
		r.port, r.peer, r.port, state, section("net", net))
	for _, v := range r.volumes {
		fmt.Fprintf(&b, "volume %d { %s}\n", v.number, section("disk", v.sync))
	}
	return b.String() + "}\n"
}

// commandLines returns some command lines that fit the cluster.
func (g *generator) commandLines(c genCluster) [][]string {
	r := c[g.IntN(len(c))]
	objects := []string{"all", r.name, fmt.Sprintf("%s/%d", r.name, r.volumes[0].number), fmt.Sprintf("minor-%d", r.volumes[0].minor), "nosuch"}
	verbs := []string{"attach", "detach", "connect", "disconnect", "primary", "secondary", "down", "verify", "dstate", "get-gi", "create-md", "role", "net-options", "disk-options", "resize", "invalidate", "pause-sync", "new-minor", "new-resource", "wait-connect", "apply-al"}
	lines := [][]string{{"-d", "up", "all"}, {"-d", "adjust", "all"}, {"-d", "adjust", r.name}}
	for range 4 {
		lines = append(lines, []string{"-d", verbs[g.IntN(len(verbs))], objects[g.IntN(len(objects))]})
	}
	return lines
}
