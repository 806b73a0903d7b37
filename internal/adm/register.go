package adm

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// registry is the directory with a link for every resource and minor that is
// up. It leads to the configuration file, so that commands that the module calls
// find the right one. drbdsetup removes the links.
const registry = "/var/run/drbd"

// linkFor returns the link that an op deserves once it went well, "" for none.
func linkFor(op Op) string {
	switch {
	case op.Prog != drbdsetup:
	case op.Args[0] == "new-resource":
		return "drbd-resource-" + op.Args[1] + ".conf"
	case op.Args[0] == "new-minor":
		return "drbd-minor-" + op.Args[2] + ".conf"
	}
	return ""
}

// register makes a link to the configuration file for what an op created. Failure
// is no reason to stop: only handlers of configurations at unusual places need it.
func (t *tool) register(op Op) {
	dir, link := t.env.Path(registry), linkFor(op)
	if link == "" || t.conf.File == "STDIN" || filepath.Dir(t.conf.File) == dir {
		return
	}
	path := filepath.Join(dir, link)
	if target, err := os.Readlink(path); err == nil && target == t.conf.File {
		return
	}
	if err := replaceLink(t.conf.File, path); err != nil {
		t.complain("cannot register %s: %v", link, err)
	}
}

// replaceLink makes a link, or gives it another target, without a moment in which
// a handler would not find it.
func replaceLink(target, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.Symlink(target, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		os.Remove(fresh)
		return err
	}
	return nil
}

// registered returns the configuration file of the resource that a handler is
// called for.
func (t *tool) registered() (string, bool) {
	if t.cmd.group != handler && !t.cmd.flags.has(usesRegistry) || len(t.req.objects) == 0 {
		return "", false
	}
	w, refused := parseName(t.gen, t.req.objects[0])
	if refused != nil {
		return "", false
	}
	what, link := "resource "+w.res, "drbd-resource-"+w.res+".conf"
	if w.minor {
		number := strconv.Itoa(w.num)
		what, link = "minor "+number, "drbd-minor-"+number+".conf"
	}
	if strings.Contains(link, "/") {
		return "", false
	}
	path := filepath.Join(t.env.Path(registry), link)
	if _, err := os.Stat(path); err != nil {
		t.complain("Don't know which config file belongs to %s, trying default ones...", what)
		return "", false
	}
	file, err := filepath.EvalSymlinks(path)
	return file, err == nil
}
