package adm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"drbdutils/confparse"
)

// tellUsers says who stands in the way of an op that failed.
func (t *tool) tellUsers(op Op) {
	if t.quiet || op.Stderr != shown {
		return
	}
	for _, device := range t.exclusive(op) {
		for _, user := range t.usersOf(device) {
			t.complain("%s: %s is in use: %s", t.env.Name, device, user)
		}
	}
}

// exclusive returns the block devices that must not be in use when an op begins.
func (t *tool) exclusive(op Op) []string {
	switch {
	case op.Prog == drbdmeta:
		return op.Args[2:3] // minor, format, device
	case op.Prog != drbdsetup:
	case op.Args[0] == "attach":
		return slices.Compact(slices.Clone(op.Args[2:4])) // minor, disk, metadata
	case op.Args[0] == "secondary" || op.Args[0] == "down":
		return devicesOf(t.conf.Resource(op.Res))
	}
	return nil
}

// devicesOf returns the DRBD devices of a resource on this host.
func devicesOf(r *confparse.Resource) []string {
	var all []string
	if r != nil && r.Me != nil {
		for _, v := range r.Me.Volumes {
			all = append(all, fmt.Sprintf("/dev/drbd%d", v.Minor))
		}
	}
	return all
}

// usersOf returns who has a block device open, as far as /proc and /sys tell:
// mounts, swap, devices on top of it, processes.
func (t *tool) usersOf(device string) []string {
	node := device
	if real, err := filepath.EvalSymlinks(device); err == nil {
		node = real
	}
	names := []string{device, node}
	users := t.mounts(node, names)
	if isListed(t.env.Path("/proc/swaps"), names) {
		users = append(users, "as swap space")
	}
	above, _ := os.ReadDir(t.env.Path("/sys/class/block/" + filepath.Base(node) + "/holders"))
	for _, d := range above {
		users = append(users, "by the device /dev/"+d.Name()+" on top of it")
	}
	return append(users, t.processes(names)...)
}

// mounts returns where a device is mounted.
func (t *tool) mounts(node string, names []string) []string {
	number, _ := os.ReadFile(t.env.Path("/sys/class/block/" + filepath.Base(node) + "/dev"))
	text, _ := os.ReadFile(t.env.Path("/proc/self/mountinfo"))
	var all []string
	for line := range strings.Lines(string(text)) {
		// id, parent, major:minor, root, mount point, options ... "-", type, source
		before, after, _ := strings.Cut(line, " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if len(where) < 5 || len(what) < 2 {
			continue
		}
		if where[2] == strings.TrimSpace(string(number)) || slices.Contains(names, what[1]) {
			all = append(all, fmt.Sprintf("mounted at %s (%s)", where[4], what[0]))
		}
	}
	return all
}

// isListed reports whether a line of a file begins with one of the names.
func isListed(file string, names []string) bool {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 && slices.Contains(names, words[0]) {
			return true
		}
	}
	return false
}

// processes returns the processes that have one of the names open, but for this one:
// a call that it gave up may still have.
func (t *tool) processes(names []string) []string {
	var all []string
	self := t.env.Path(fmt.Sprintf("/proc/%d", os.Getpid()))
	files, _ := filepath.Glob(t.env.Path("/proc/[0-9]*/fd/*"))
	for _, f := range files {
		process := filepath.Dir(filepath.Dir(f))
		target, _ := os.Readlink(f)
		if !slices.Contains(names, target) || process == self {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(process, "comm"))
		user := fmt.Sprintf("by process %s (%s)", filepath.Base(process), strings.TrimSpace(string(name)))
		if !slices.Contains(all, user) {
			all = append(all, user)
		}
	}
	return all
}
