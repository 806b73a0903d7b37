package adm

import (
	"net"
	"net/netip"
	"os"

	"drbdutils/confparse"
	"drbdutils/internal/cli"
	"drbdutils/schema"
)

// checkPrograms refuses backends of the command line that cannot be run.
func (t *tool) checkPrograms() int {
	for _, path := range []string{t.req.setup, t.req.meta, t.req.proxyCtl} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			t.complain("Can not find command %s", path)
			return exitBroken
		}
	}
	return 0
}

// load reads the configuration and hands options down, unless it is only to be
// shown as written.
func (t *tool) load() int {
	conf, diags := confparse.Load(t.source())
	if !diags.Invalid() && t.expands() {
		diags = append(diags, conf.Expand()...)
	}
	if diags.Invalid() && !diags.Unreadable() && t.lists() {
		t.reportConfig(diags)
		t.conf = conf
		return 0
	}
	if !diags.Invalid() && t.cmd.objects != none {
		diags = append(diags, conf.Validate()...)
	}
	if !diags.Invalid() && !t.shows() {
		diags = append(diags, conf.Prepare()...)
	}
	t.conf = conf
	if t.cmd.flags.has(warns) {
		return t.lint(diags)
	}
	t.reportConfig(diags)
	return diags.ExitCode()
}

// expands reports whether the command works on what takes effect, not on what is
// written.
func (t *tool) expands() bool {
	return !t.shows() && !t.lists() || t.shows() && (t.req.verbose > 0 || t.req.dryRun > 0 || t.asksJSON())
}

// lists reports whether the command needs to know no more of resources than that
// they are there.
func (t *tool) lists() bool { return t.cmd.flags.has(listsOnly) }

// shows reports whether the command shows the configuration to people.
func (t *tool) shows() bool { return t.cmd.flags.has(showsConfig) }

// reportConfig prints what is wrong with the configuration. Warnings are for people who
// look: on a terminal, or with -v.
func (t *tool) reportConfig(diags confparse.Diagnostics) {
	if t.asksJSON() && t.cmd.flags.has(checksConfig) {
		diags.WriteJSON(t.out, t.conf)
		return
	}
	t.flush()
	people := cli.IsTerminal(t.env.Stderr)
	style := confparse.DiagStyle{
		Source: people, Warnings: people || t.req.verbose > 0 || diags.Invalid(), Why: t.judgement(),
	}
	if diags.Invalid() {
		style.Generation = t.gen
	}
	diags.Print(t.env.Stderr, style)
}

// judgement says how the generation is known that the configuration is for.
func (t *tool) judgement() string {
	version := t.driver.Version.String()
	switch {
	case !t.driver.Version.Known():
		return "no module was found"
	case t.driver.Asked:
		return "DRBD_DRIVER_VERSION_OVERRIDE asks for " + version
	case t.driver.Loaded:
		return "the loaded module is " + version
	}
	return "the installed module is " + version
}

// goneDirectory stands for a working directory that was removed: nothing is found
// there.
const goneDirectory = "/proc/self/cwd"

// source says where the configuration is.
func (t *tool) source() confparse.Source {
	dir, err := os.Getwd()
	if err != nil {
		dir = goneDirectory
	}
	v := t.driver.Version
	return confparse.Source{
		Generation: t.gen,
		Version:    [3]int{int(v[0]), int(v[1]), int(v[2])},
		Node:       t.node,
		Files:      t.configFiles(),
		Test:       t.testFiles(),
		Exclude:    t.req.exclude,
		Dir:        dir,
		FS:         newRootFS(),
		Stdin:      t.env.Stdin,
		Local:      t.isLocal,
		Want:       t.wanted(),
	}
}

// testFiles returns what is to be parsed after the main file.
//
// compat: with DRBD 8.4 the last one only.
func (t *tool) testFiles() []string {
	if n := len(t.req.test); n > 1 && t.gen == schema.V84 {
		return t.req.test[n-1:]
	}
	return t.req.test
}

// configFiles returns the candidates for the main file. What the module calls
// knows the file that a resource was brought up from.
func (t *tool) configFiles() []string {
	if t.req.config != "" {
		return []string{t.req.config}
	}
	if file, ok := t.registered(); ok {
		return []string{file}
	}
	files := confparse.DefaultFiles(t.gen)
	for i, f := range files {
		files[i] = t.env.Path(f)
	}
	return files
}

// checkAddress refuses a resource whose own address this host does not have.
func (t *tool) checkAddress(s selection) *refusal {
	me := s.res.Me
	if !t.cmd.flags.has(checksIP) || me == nil || me.Address == nil || !t.checksAddresses() {
		return nil
	}
	if me.Address.Family == "ssocks" || me.Address.Family == "sdp" {
		return nil // these live beside the interfaces
	}
	if addr, err := netip.ParseAddr(me.Address.Addr); err == nil && t.isLocal(addr) {
		return nil
	}
	return refuse(exitConfig, "%s: in resource %s, on %s:\n\tIP %s not found on this host.",
		me.Place, s.res.Name, me.Names[0], me.Address.Addr)
}

// checksAddresses says whether addresses matter to this run.
//
// compat: on a terminal, the original looks at them in a dry run for DRBD 9, too. Here an
// answer does not depend on who asks.
func (t *tool) checksAddresses() bool {
	skipped := t.planner.own("skip-net") != nil
	return t.req.dryRun == 0 && !skipped && !t.conf.Global.DisableIPVerification && t.env.NetlinkSocket() == ""
}

// isLocal reports whether an interface of this host that is up has the address.
func (t *tool) isLocal(addr netip.Addr) bool {
	if t.locals == nil {
		t.locals = localAddresses()
	}
	return t.locals[addr.WithZone("").Unmap()]
}

// localAddresses returns the addresses of all interfaces that are up.
func localAddresses() map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	interfaces, err := net.Interfaces()
	if err != nil {
		return all
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				all[p.Addr().Unmap()] = true
			}
		}
	}
	return all
}
