package adm

import (
	"strings"
	"time"

	"drbdutils/confparse"
)

// prepare checks the command line, loads the configuration and takes from it what
// concerns the whole run.
func (t *tool) prepare() int {
	passed, code := t.checkOptions()
	for _, check := range []func() int{t.checkObjects, t.checkPrograms, t.load} {
		if code == 0 {
			code = check()
		}
	}
	if code != 0 {
		return code
	}
	t.planner = t.newPlanner(passed)
	t.watching = t.planner.has("watch")
	t.planner.options = t.planner.except("watch")
	t.limits = limits(t.conf.Global)
	return 0
}

// checkOptions returns the backend options that the command hands on.
func (t *tool) checkOptions() (passed []string, code int) {
	if len(t.req.test) > 0 && !t.cmd.flags.has(showsConfig|checksConfig) {
		t.complain("--config-to-test (-t) goes with dump, dump-xml and sh-nop only")
		return nil, exitUsage
	}
	passed, dropped, err := t.req.passed(t.gen, t.cmd)
	if err != nil {
		t.complain("%s: %v\ntry '%s help %s'", t.env.Name, err, t.env.Name, t.cmd.name)
		return nil, exitUsage
	}
	if strings.ContainsFunc(t.req.varName, notNameRune) {
		t.complain("--sh-varname=%s ignored: it has other characters than letters, digits and _", t.req.varName)
		t.req.varName = ""
	}
	for _, o := range public(t.gen, dropped) {
		t.complain("%s: %s has no option '%s', ignored", t.env.Name, t.cmd.name, o)
	}
	return passed, 0
}

// newPlanner returns what builds the command's calls.
func (t *tool) newPlanner(options []string) planner {
	return planner{
		gen:         t.gen,
		compat:      t.driver.Compat && t.conf.Legacy,
		cmd:         t.cmd,
		options:     options,
		raw:         t.req.unchecked(),
		dry:         t.req.dryRun > 0,
		verbose:     t.req.verbose,
		peerName:    t.req.peer,
		peerAddress: t.env.Getenv("DRBD_PEER_ADDRESS"),
		myNodeID:    t.env.Getenv("DRBD_MY_NODE_ID"),
		node:        t.node,
		file:        t.conf.File,
	}
}

// checkObjects refuses a command line without what the command needs, or with words
// that can be no object, before anything else can go wrong.
func (t *tool) checkObjects() int {
	if t.cmd.objects == needed && len(t.req.objects) == 0 {
		usageNote(t.out, t.gen, &t.cmd, "No resource names specified")
		return exitUsage
	}
	for _, word := range t.req.objects {
		if refused := checkWord(word); refused != nil {
			t.complain("%s", refused.text)
			return refused.exit
		}
	}
	return 0
}

// notNameRune reports whether a character cannot be in the name of a shell
// variable.
func notNameRune(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_')
}

// limits returns how long backends may take.
func limits(g confparse.Global) [unlimited + 1]time.Duration {
	all := defaultLimits
	for class, seconds := range map[class]int{
		short: g.CmdTimeoutShort, medium: g.CmdTimeoutMedium, long: g.CmdTimeoutLong,
	} {
		if seconds >= 0 {
			all[class] = time.Duration(seconds) * time.Second
		}
	}
	return all
}
