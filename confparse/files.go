package confparse

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"drbdutils/schema"
)

// files finds the files of a configuration, each at most once.
type files struct {
	src   Source
	seen  map[string]bool   // canonical paths
	dirs  map[string]string // canonical paths of directories
	named map[string]*file  // those that the user named: a pipe can be read only once
}

func newFiles(src Source, named map[string]*file) *files {
	f := &files{src: src, seen: map[string]bool{}, dirs: map[string]string{}, named: named}
	for _, name := range src.Exclude {
		f.seen[f.canonical(f.absolute(name))] = true
	}
	return f
}

// absolute completes a name that is relative to the working directory.
func (f *files) absolute(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(f.src.Dir, name)
}

// rooted returns an absolute path as package fs names it.
func rooted(abs string) string {
	if rel := strings.TrimPrefix(abs, "/"); rel != "" {
		return rel
	}
	return "."
}

// canonical resolves symbolic links. What does not exist stays as it is.
func (f *files) canonical(abs string) string {
	for range 40 {
		if abs == "/" || abs == "." {
			return abs
		}
		dir := f.canonicalDir(path.Dir(abs))
		abs = path.Join(dir, path.Base(abs))
		info, err := fs.Lstat(f.src.FS, rooted(abs))
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return abs
		}
		target, err := fs.ReadLink(f.src.FS, rooted(abs))
		if err != nil {
			return abs
		}
		if !path.IsAbs(target) {
			target = path.Join(dir, target)
		}
		abs = path.Clean(target)
	}
	return abs
}

func (f *files) canonicalDir(dir string) string {
	known, ok := f.dirs[dir]
	if !ok {
		f.dirs[dir] = dir // ends loops
		known = f.canonical(dir)
		f.dirs[dir] = known
	}
	return known
}

// mainFile returns the first candidate for the main file that can be opened, nil
// after a problem.
func (l *loader) mainFile() *file {
	p := l.part(&file{})
	if slices.Equal(l.src.Files, []string{"-"}) {
		f, err := l.stdin()
		if err != nil {
			p.broken("read standard input: %v", err)
		}
		return f
	}
	var last error
	for _, name := range l.src.Files {
		f, err := l.namedFile(name)
		if err == nil {
			return f
		}
		last = err
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	p.broken("%v", last)
	p.diags[0].Exit = l.unreadableExit(last)
	if len(l.src.Files) > 1 && errors.Is(last, fs.ErrNotExist) {
		p.diags[0].Exit = 10
		p.diags[0].Message = fmt.Sprintf("no configuration: none of %s exists", strings.Join(l.src.Files, ", "))
	}
	return nil
}

// stdin reads standard input, once.
func (l *loader) stdin() (*file, error) {
	const name = "STDIN"
	if f := l.files.named[name]; f != nil {
		return f, nil
	}
	text, err := new(reader).all(l.src.Stdin, 0)
	if err != nil {
		return nil, err
	}
	l.files.named[name] = &file{name: name, path: name, text: text}
	return l.files.named[name], nil
}

// namedFile reads a file that the user named, once.
func (l *loader) namedFile(name string) (*file, error) {
	abs := l.files.canonical(l.files.absolute(name))
	f := l.files.named[abs]
	if f == nil {
		f = &file{name: name, path: abs}
		in := reader{fs: l.src.FS}
		if err := in.read(f, true); err != nil {
			return nil, fmt.Errorf("configuration file %s: %w", name, cause(err))
		}
		l.files.named[abs] = f
	}
	l.files.seen[abs] = true
	return f, nil
}

// cause returns the reason in an error about a file, without its path.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// broken reports that a file cannot be read at all.
func (p *part) broken(format string, args ...any) {
	p.diags = append(p.diags, Diagnostic{Severity: Error, Code: "file", Message: fmt.Sprintf(format, args...), Exit: 20})
}

// readTests reads the files that are to be tested.
func (l *loader) readTests() {
	for _, name := range l.src.Test {
		f, err := l.namedFile(name)
		if err != nil {
			l.part(&file{}).broken("%v", err)
			continue
		}
		l.read(f)
	}
}

// include reads the files of an include statement.
func (l *loader) include(p *part) {
	s := p.head()
	c := p.cursor(&s, 1)
	w := c.name("a file name or pattern")
	if !c.end() {
		return
	}
	dir := path.Dir(p.file.path)
	if p.file.path == "STDIN" {
		dir = l.src.Dir
	}
	found, err := l.files.glob(dir, w.text)
	switch {
	case err != nil:
		p.fail("include", w, "include %q: %v", w.text, err)
		return
	case w.text == "", len(found) == 0 && !strings.ContainsAny(w.text, "*?["):
		p.fail("include", w, "include %q: no such file", w.text)
		return
	}
	found = slices.DeleteFunc(found, func(f file) bool {
		known := l.files.seen[f.path]
		l.files.seen[f.path] = true
		return known
	})
	l.readIncluded(p, w, found)
	for i := range found {
		if found[i].outline != nil {
			l.read(&found[i])
		}
	}
}

// readIncluded reads the outlines of files, all at once. One without anything that is wanted,
// or that cannot be read, has none.
func (l *loader) readIncluded(p *part, w *word, found []file) {
	errs := make([]error, len(found))
	parallel(len(found), func() func(int) {
		r := reader{fs: l.src.FS, outliner: outliner{glance: l.newGlance(len(found) <= few)}}
		return func(i int) { errs[i] = r.readOutline(&found[i]) }
	})
	for i, err := range errs {
		if err == nil {
			continue
		}
		diag := p.fail("include", w, "include %s: %v", found[i].name, cause(err))
		if errors.Is(err, fs.ErrNotExist) {
			diag.Severity = Warning // it vanished since the pattern matched it
		}
		if errors.Is(err, errDirectory) {
			diag.Exit = l.unreadableExit(err)
		}
	}
}

// unreadableExit returns the exit code for a file that is there but cannot be
// read.
//
// compat: the language of 8.4 notices a directory late.
func (l *loader) unreadableExit(err error) int {
	if l.src.Generation == schema.V84 && errors.Is(err, errDirectory) {
		return 2
	}
	return 20
}
