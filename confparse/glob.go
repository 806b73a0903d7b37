package confparse

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// glob returns the files that match a pattern, sorted.
func (f *files) glob(dir, pattern string) ([]file, error) {
	abs := pattern
	if !path.IsAbs(pattern) {
		abs = dir + "/" + pattern
	}
	abs, found := f.withoutParents(strings.ReplaceAll(abs, "[!", "[^"))
	if !found {
		return nil, nil
	}
	name := func(abs string) string {
		if path.IsAbs(pattern) {
			return abs
		}
		return relative(dir, abs)
	}
	if parent, base := path.Split(abs); hasMeta(base) && !hasMeta(parent) {
		return f.globDir(path.Clean(parent), base, name)
	}
	names, err := fs.Glob(f.src.FS, rooted(abs))
	var all []file
	for _, m := range names {
		if !hiddenPath(m, rooted(abs)) {
			all = append(all, file{name: name("/" + m), path: f.canonical("/" + m)})
		}
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all, err
}

// withoutParents returns a pattern without "..", which package fs does not know. What stands
// before must be there: the parent of a directory that is a link is not where the link is.
func (f *files) withoutParents(abs string) (clean string, found bool) {
	before, after, ok := strings.Cut(abs, "/../")
	if !ok {
		return path.Clean(abs), true
	}
	if !hasMeta(before) {
		dir := f.canonical(path.Clean("/" + before))
		if info, err := fs.Stat(f.src.FS, rooted(dir)); err != nil || !info.IsDir() {
			return "", false
		}
		before = dir
	}
	return f.withoutParents(path.Dir(before) + "/" + after)
}

// globDir is glob for a pattern in one directory, the usual one. It need not ask for each
// file whether it is a symbolic link.
func (f *files) globDir(dir, pattern string, name func(abs string) string) ([]file, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, err
	}
	entries, _ := fs.ReadDir(f.src.FS, rooted(dir)) // no directory, no matches
	canonical := f.canonicalDir(dir)
	prefix := strings.TrimSuffix(dir, "/") + "/"
	shown := name(prefix)
	all := make([]file, 0, len(entries))
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); !ok || hidden(e.Name(), pattern) {
			continue
		}
		found := file{name: shown + e.Name(), path: prefix + e.Name(), regular: e.Type().IsRegular()}
		if canonical != dir || e.Type()&fs.ModeSymlink != 0 {
			found.path = f.canonical(found.path)
		}
		all = append(all, found)
	}
	return all, nil
}

func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[\`) }

// hidden reports whether a name begins with a dot that the pattern did not ask
// for.
func hidden(name, pattern string) bool {
	return strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".")
}

// hiddenPath is hidden for any part of a path.
func hiddenPath(name, pattern string) bool {
	parts, patterns := strings.Split(name, "/"), strings.Split(pattern, "/")
	for i := range min(len(parts), len(patterns)) {
		if hidden(parts[i], patterns[i]) {
			return true
		}
	}
	return false
}

// relative returns name as seen from dir.
func relative(dir, name string) string {
	if rel, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, "/")+"/"); ok {
		return rel
	}
	return name
}
