package vmtest

import (
	"bufio"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// An Image is the root file system of a guest, written as an initramfs.
type Image struct {
	nodes map[string]node // by path without a leading slash
}

type node struct {
	mode uint32 // as in stat(2)
	data []byte
}

const (
	modeDir     = 0o040000
	modeRegular = 0o100000
	modeLink    = 0o120000
)

// Add puts an executable file, and the directories above it, into the image.
func (im *Image) Add(name string, data []byte) {
	im.put(name, node{modeRegular | 0o755, data})
}

// Link adds a symbolic link.
func (im *Image) Link(name, target string) {
	im.put(name, node{modeLink | 0o777, []byte(target)})
}

// Dir adds an empty directory.
func (im *Image) Dir(name string) {
	im.put(name, node{mode: modeDir | 0o755})
}

func (im *Image) put(name string, n node) {
	if im.nodes == nil {
		im.nodes = map[string]node{}
	}
	name = strings.TrimPrefix(path.Clean(name), "/")
	im.nodes[name] = n
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := im.nodes[dir]; !ok {
			im.nodes[dir] = node{mode: modeDir | 0o755}
		}
	}
}

// AddProgram adds a program or a script of this machine under the given name, with
// the shared libraries that it needs.
func (im *Image) AddProgram(name, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	im.Add(name, data)
	return im.addLibraries(file)
}

// AddTree adds all files and links below root.
func (im *Image) AddTree(root string) error {
	return filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(file, root)
		if err != nil || name == "" {
			return err
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			im.Link(name, target)
			return err
		case d.IsDir():
			im.Dir(name)
			return nil
		}
		data, err := os.ReadFile(file)
		im.Add(name, data)
		return err
	})
}

// libraryPath is where the dynamic linker of an amd64 Debian looks.
var libraryPath = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/lib", "/usr/lib"}

func (im *Image) addLibraries(file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return nil // a script
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			interp, _ := io.ReadAll(p.Open())
			needed = append(needed, strings.TrimRight(string(interp), "\x00"))
		}
	}
	for _, lib := range needed {
		if err := im.addLibrary(lib); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func (im *Image) addLibrary(name string) error {
	for _, dir := range libraryPath {
		lib := filepath.Join(dir, filepath.Base(name))
		data, err := os.ReadFile(lib)
		if err != nil {
			continue
		}
		target := "lib/" + filepath.Base(name)
		if _, done := im.nodes[target]; done {
			return nil
		}
		im.Add(target, data)
		return im.addLibraries(lib)
	}
	return fmt.Errorf("library %s not found", name)
}

// Write writes the image as an archive in the kernel's "newc" cpio format,
// with a console, which the kernel wants before the first program runs.
func (im *Image) Write(file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriter(out)
	for i, name := range slices.Sorted(maps.Keys(im.nodes)) {
		entry(w, i+1, name, im.nodes[name], 0, 0)
	}
	entry(w, 0, "dev/console", node{mode: 0o020600}, 5, 1)
	entry(w, 0, "TRAILER!!!", node{}, 0, 0)
	if err := w.Flush(); err != nil {
		return err
	}
	return out.Close()
}

func entry(w io.Writer, ino int, name string, n node, major, minor int) {
	fmt.Fprintf(w, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		ino, n.mode, 0, 0, 1, 0, len(n.data), 0, 0, major, minor, len(name)+1, 0)
	fmt.Fprintf(w, "%s\x00%s", name, pad(110+len(name)+1))
	w.Write(n.data)
	io.WriteString(w, pad(len(n.data)))
}

// pad returns the zeros from n up to the next multiple of four.
func pad(n int) string { return strings.Repeat("\x00", -n&3) }
