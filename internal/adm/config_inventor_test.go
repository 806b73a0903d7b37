package adm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"drbdutils/schema"
)

// An inventor makes up configurations. One in four is broken.
type inventor struct {
	*rand.Rand
	gen   schema.Generation
	out   []string
	files []string // more files, each behind its mark
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
	if g.gen == schema.V9 && g.chance(10) {
		g.line("require-drbd-module-version-%s %s;", pick(g, "eq", "ne"), pick(g, "9.2.0", "9.0.1", "8.4.11"))
	}
	if g.chance(60) {
		g.block("common", func() { g.sections(30) })
	}
	for i := range 1 + g.IntN(3) {
		name := fmt.Sprintf("r%d", i)
		if g.chance(5) {
			name = pick(g, `"two words"`, `"a\"b"`, "r.x", "disk", "17", `""`, strings.Repeat("n", 100+g.IntN(28)))
		}
		g.elsewhere(i, func() { g.resource(name) })
	}
	if g.gen == schema.V84 && g.chance(8) { // later releases of the reference show them differently for 9
		g.stacked("r0")
	}
	g.decorate()
	g.out = append(g.out, g.files...)
	if g.chance(25) {
		g.spoil()
	}
	return g.out
}

// elsewhere sometimes writes to another file, which is included.
func (g *inventor) elsewhere(i int, write func()) {
	if !g.chance(25) {
		write()
		return
	}
	main := g.out
	g.out = nil
	write()
	name := fmt.Sprintf("%s/%s%d.res", pick(g, "a", "b", ".h", "d/deep"), pick(g, "r", "s", ".", "Z"), i)
	g.files = append(g.files, fileMark+name)
	g.files = append(g.files, g.out...)
	g.out = main
	g.line("include %s;", pick(g, name, `"`+name+`"`, `"a/*.res"`, `"[ab]/*"`, `"*/r?.res"`, `"*/*/*.res"`, `"d/../d/deep/*"`, `"b/[!r]*.res"`, `"./a/../`+name+`"`, `"nowhere/*"`))
}

// stacked writes a resource that lies on another.
func (g *inventor) stacked(lower string) {
	g.minor++
	g.block("resource top", func() {
		g.block("stacked-on-top-of "+lower, func() {
			g.line("address 10.0.1.1:%d;", 7900)
			g.line("device minor %d;", 100+g.minor)
		})
		g.block("on delta", func() {
			g.line("address 10.0.1.2:%d;", 7900)
			g.line("device minor %d; disk /dev/vg0/top; meta-disk internal;", 100+g.minor)
		})
	})
}

// decorate adds comments and blanks in odd places, skipped sections, and breaks of lines.
func (g *inventor) decorate() {
	for i := range g.out {
		switch g.IntN(60) {
		case 0:
			g.out[i] += pick(g, " # comment { ; \"", "# }", "\r", "\t", "  ")
		case 1:
			g.out[i] = strings.Replace(g.out[i], " {", "\n# {\n{", 1)
		case 2:
			g.out[i] = strings.Join(strings.Fields(g.out[i]), pick(g, "\n", "\t \t", " #;\n"))
		}
	}
	if g.chance(10) {
		g.line("skip %s{ anything; { goes } \"}\" # }\n }", pick(g, "", "resource x ", "net "))
	}
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
	"cpu-mask", "transport",
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
		value = pick(g, "sha1", `"two words"`, `"a\"b"`, "x", "/usr/lib/drbd/x.sh", `""`, `"\\"`, "net", "ü", strings.Repeat("x", 100+g.IntN(28)),
			`"`+strings.Repeat("y", 60+g.IntN(200))+`"`)
	default:
		if g.chance(10) {
			value = pick(g, "10M", "1k", "2K", "5s", "1G", "512K", "99999999G", "0", "007", "1M2", "-1", "123456789", `"64"`)
			break
		}
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
		if g.gen == schema.V9 && g.chance(5) {
			g.template()
		}
		if g.gen == schema.V9 && g.chance(5) {
			g.line("skip %s{ anything; { goes } }", pick(g, "", "net "))
		}
		floating := len(hosts) == 2 && g.chance(10)
		proxied := len(hosts) == 2 && !floating && g.chance(8)
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
				if proxied {
					g.proxy(h, i)
				}
			})
		}
		if proxied && g.chance(50) {
			g.block("proxy", g.proxyOptions)
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
		for j, b := range hosts[i+1:] {
			g.block("connection", func() {
				g.endpoints(a, b, i, i+1+j)
				if g.chance(30) {
					g.block("net", func() { g.options(2, schema.ToNet) })
				}
				if g.chance(20) {
					g.block("disk", func() { g.options(2, schema.ToPeer) })
				}
				if g.chance(10) {
					g.block(fmt.Sprintf("volume %d", g.IntN(2)), func() {
						g.block("disk", func() { g.options(2, schema.ToPeer) })
					})
				}
			})
		}
	}
}

// endpoints writes the ends of a connection, or some paths of it.
func (g *inventor) endpoints(a, b string, i, j int) {
	if !g.chance(25) {
		g.line("host %s;", a)
		g.line("host %s%s;", b, pick(g, "", "", fmt.Sprintf(" port %d", 8000+g.port)))
		return
	}
	for n := range 1 + g.IntN(2) {
		g.block("path", func() {
			g.line("host %s address 10.%d.0.%d:%d;", a, n+1, i+1, 7000+g.port)
			g.line("host %s address ipv4 10.%d.0.%d:%d;", b, n+1, j+1, 7000+g.port)
		})
	}
}

// template writes a file that replaces the common section.
func (g *inventor) template() {
	main := g.out
	g.out = nil
	g.block("common", func() { g.sections(40) })
	g.files = append(append(g.files, fileMark+"t.conf"), g.out...)
	g.out = main
	g.line("template-file %s;", pick(g, "t.conf", `"t.conf"`, "nowhere.conf", "input.conf"))
}

// proxy writes the proxy of a host.
func (g *inventor) proxy(host string, i int) {
	g.block("proxy on "+host, func() {
		g.line("inside 127.0.0.1:%d;", 5000+g.port)
		g.line("outside 10.3.0.%d:%d;", i+1, 5000+g.port)
		if g.chance(20) {
			g.block("options", g.proxyOptions)
		}
	})
}

func (g *inventor) proxyOptions() {
	if g.chance(60) {
		g.line("memlimit %s;", pick(g, "100M", "64K", "1G"))
	}
	if g.gen == schema.V84 && g.chance(40) { // later releases of the reference show them differently for 9
		g.block("plugin", func() { g.line("%s;", pick(g, "zlib level 9", "lzma contexts 4", "zstd")) })
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
