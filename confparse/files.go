package confparse

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"drbdutils/schema"
)

// maxFile is the size of the largest file that is read, in bytes.
const maxFile = 1 << 30

// Reasons why a file is not read.
var (
	errDirectory = errors.New("is a directory")
	errDevice    = errors.New("is no regular file")
	errTooLarge  = fmt.Errorf("is larger than %d bytes", maxFile)
)

// files reads the files of a configuration, each at most once.
type files struct {
	src  Source
	seen map[string]bool   // canonical paths
	dirs map[string]string // canonical paths of directories
}

func newFiles(src Source) *files {
	f := &files{src: src, seen: map[string]bool{}, dirs: map[string]string{}}
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

// readFile reads a file. Only those that the user names himself may be something
// else than a regular file.
func (f *files) readFile(m match, named bool, texts *textReader) (*file, error) {
	in, err := f.open(rooted(m.abs), named)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var size int64
	if !m.regular {
		if size, err = readable(in, named); err != nil {
			return nil, &fs.PathError{Op: "read", Path: m.name, Err: err}
		}
	}
	text, err := texts.all(in, size)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: m.name, Err: err}
	}
	return &file{name: m.name, path: m.abs, text: text}, nil
}

// readable returns the size of a file in bytes, and an error if it is not to be read.
func readable(in fs.File, named bool) (int64, error) {
	info, err := in.Stat()
	switch {
	case err != nil:
		return 0, cause(err)
	case info.IsDir():
		return 0, errDirectory
	case !named && !info.Mode().IsRegular():
		return 0, errDevice
	}
	return info.Size(), nil
}

// open opens a file. What the user did not name is opened so that a pipe cannot
// stop everything.
func (f *files) open(name string, named bool) (fs.File, error) {
	if quick, ok := f.src.FS.(RegularOpener); ok && !named {
		return quick.OpenRegular(name)
	}
	return f.src.FS.Open(name)
}

// bufferSize is how much is read at once, textSize how much of what was read lies together, in bytes.
const (
	bufferSize = 32 << 10
	textSize   = 256 << 10
)

// A textReader reads files to their ends. Their texts lie together: to allocate thousands of
// small ones would cost more than to read them.
type textReader struct {
	buffer []byte
	texts  strings.Builder
}

func newTextReader() *textReader { return &textReader{buffer: make([]byte, bufferSize)} }

// all reads to the end, where size is probably how much that is.
func (r *textReader) all(in io.Reader, size int64) (string, error) {
	if need := max(int(min(size, maxFile)), bufferSize); r.texts.Cap()-r.texts.Len() < need {
		r.texts.Reset()
		r.texts.Grow(max(need, textSize))
	}
	start := r.texts.Len()
	for {
		n, err := in.Read(r.buffer)
		r.texts.Write(r.buffer[:n])
		switch {
		case r.texts.Len()-start > maxFile:
			return "", errTooLarge
		case errors.Is(err, io.EOF):
			return r.texts.String()[start:], nil
		case err != nil:
			return "", err
		}
	}
}

// mainFile returns the first candidate for the main file that can be opened, nil
// after a problem.
func (l *loader) mainFile() *file {
	p := l.part(&file{})
	if slices.Equal(l.src.Files, []string{"-"}) {
		text, err := newTextReader().all(l.src.Stdin, 0)
		if err != nil {
			p.broken("read standard input: %v", err)
			return nil
		}
		return &file{name: "STDIN", path: "STDIN", text: text}
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

// namedFile reads a file that the user named.
func (l *loader) namedFile(name string) (*file, error) {
	abs := l.files.canonical(l.files.absolute(name))
	f, err := l.files.readFile(match{name: name, abs: abs}, true, newTextReader())
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", name, cause(err))
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
	names, err := l.files.glob(dir, w.text)
	switch {
	case err != nil:
		p.fail("include", w, "include %q: %v", w.text, err)
		return
	case len(names) == 0 && !strings.ContainsAny(w.text, "*?["):
		p.fail("include", w, "include %q: no such file", w.text)
		return
	}
	for _, f := range l.readIncluded(p, w, names) {
		if f != nil {
			l.read(f)
		}
	}
}

// readIncluded reads the files that were not read before, all at once.
func (l *loader) readIncluded(p *part, w *word, found []match) []*file {
	found = slices.DeleteFunc(found, func(m match) bool {
		known := l.files.seen[m.abs]
		l.files.seen[m.abs] = true
		return known
	})
	read, errs := make([]*file, len(found)), make([]error, len(found))
	parallel(len(read), func() func(int) {
		texts := newTextReader()
		return func(i int) {
			if read[i], errs[i] = l.files.readFile(found[i], false, texts); errs[i] == nil {
				read[i].outline = readOutline(read[i].text)
			}
		}
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
	return read
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

// A match is a file that an include statement means.
type match struct {
	name    string // like the pattern, relative or not
	abs     string // canonical path
	regular bool   // the directory says that it is a regular file
}

// glob returns the files that match a pattern, sorted.
func (f *files) glob(dir, pattern string) ([]match, error) {
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
	var all []match
	for _, m := range names {
		if !hiddenPath(m, rooted(abs)) {
			all = append(all, match{name: name("/" + m), abs: f.canonical("/" + m)})
		}
	}
	slices.SortFunc(all, func(a, b match) int { return strings.Compare(a.name, b.name) })
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
func (f *files) globDir(dir, pattern string, name func(abs string) string) ([]match, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, err
	}
	entries, _ := fs.ReadDir(f.src.FS, rooted(dir)) // no directory, no matches
	canonical := f.canonicalDir(dir)
	all := make([]match, 0, len(entries))
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); !ok || hidden(e.Name(), pattern) {
			continue
		}
		abs := path.Join(dir, e.Name())
		m := match{name: name(abs), abs: abs, regular: e.Type().IsRegular()}
		if canonical != dir || e.Type()&fs.ModeSymlink != 0 {
			m.abs = f.canonical(abs)
		}
		all = append(all, m)
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
