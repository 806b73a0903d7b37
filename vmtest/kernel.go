package vmtest

import (
	"bytes"
	"context"
	"debug/elf"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Kernel is an unpacked kernel package of Debian: boot/vmlinuz-VERSION and
// lib/modules/VERSION below Root.
type Kernel struct {
	Root    string
	Version string
}

// FetchKernel returns the newest kernel under cache. If there is none, it
// downloads that of Debian 12, about 70 MB.
func FetchKernel(ctx context.Context, cache string) (*Kernel, error) {
	if k := findKernel(cache); k != nil {
		return k, nil
	}
	if err := download(ctx, cache); err != nil {
		return nil, fmt.Errorf("no kernel in %s, and to download one: %w", cache, err)
	}
	if k := findKernel(cache); k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("the package downloaded to %s has no boot/vmlinuz-*", cache)
}

func findKernel(root string) *Kernel {
	images, _ := filepath.Glob(filepath.Join(root, "boot/vmlinuz-*"))
	if len(images) == 0 {
		return nil
	}
	_, version, _ := strings.Cut(images[len(images)-1], "vmlinuz-")
	return &Kernel{Root: root, Version: version}
}

//go:embed fetch-kernel
var fetchKernel string

// download unpacks beside cache and renames, so that a run that was
// interrupted leaves no half of a kernel.
func download(ctx context.Context, cache string) error {
	if err := os.MkdirAll(filepath.Dir(cache), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(cache), "unpack")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if out, err := command(ctx, tmp, "sh", "-c", fetchKernel).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return os.Rename(tmp, cache)
}

func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return cmd
}

// Uncompressed returns the kernel as an ELF file, unpacked once. QEMU starts it
// through its PVH entry; to unpack it in the emulated machine takes seconds.
func (k *Kernel) Uncompressed(ctx context.Context) (string, error) {
	out := filepath.Join(k.Root, "boot/vmlinux-"+k.Version)
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	image, err := os.ReadFile(filepath.Join(k.Root, "boot/vmlinuz-"+k.Version))
	if err != nil {
		return "", err
	}
	at := bytes.Index(image, []byte("\xfd7zXZ\x00"))
	if at < 0 {
		return "", fmt.Errorf("kernel %s is not compressed with xz", k.Version)
	}
	xz := command(ctx, "", "xz", "-dc", "--single-stream")
	xz.Stdin = bytes.NewReader(image[at:])
	plain, err := xz.Output()
	if err != nil || !bytes.HasPrefix(plain, []byte(elf.ELFMAG)) {
		return "", fmt.Errorf("kernel %s: no ELF file inside: %v", k.Version, err)
	}
	tmp := fmt.Sprintf("%s.%d", out, os.Getpid())
	if err := os.WriteFile(tmp, plain, 0o644); err != nil {
		return "", err
	}
	return out, os.Rename(tmp, out)
}

// AddModules puts the named modules and all that they depend on into im, with
// the index that modprobe reads.
func (k *Kernel) AddModules(im *Image, names ...string) error {
	set, err := k.moduleSet()
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := set.load(name); err != nil {
			return err
		}
	}
	dir := "lib/modules/" + k.Version + "/"
	var index strings.Builder
	for name, m := range set.loaded {
		im.Add(dir+modulePath(name), m.data)
		fmt.Fprintf(&index, "%s:", modulePath(name))
		for _, dep := range slices.Backward(m.deps) { // modprobe loads the last one first
			fmt.Fprintf(&index, " %s", modulePath(dep))
		}
		index.WriteByte('\n')
	}
	im.Add(dir+"modules.dep", []byte(index.String()))
	return nil
}

func modulePath(name string) string { return "kernel/" + name + ".ko" }

type moduleSet struct {
	paths  map[string]string // by name, in its form with underscores
	loaded map[string]*module
}

type module struct {
	data []byte
	deps []string // all of them, in the order in which they must be loaded
}

func (k *Kernel) moduleSet() (*moduleSet, error) {
	set := &moduleSet{map[string]string{}, map[string]*module{}}
	root := filepath.Join(k.Root, "lib/modules", k.Version)
	return set, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok {
			set.paths[underscores(name)] = path
		}
		return err
	})
}

func underscores(name string) string { return strings.ReplaceAll(name, "-", "_") }

func (s *moduleSet) load(name string) (*module, error) {
	name = underscores(name)
	if m := s.loaded[name]; m != nil {
		return m, nil
	}
	data, err := os.ReadFile(s.paths[name])
	if err != nil {
		return nil, fmt.Errorf("kernel module %s: %w", name, err)
	}
	direct, err := depends(data)
	if err != nil {
		return nil, fmt.Errorf("kernel module %s: %w", name, err)
	}
	m := &module{data: data}
	for _, dep := range direct {
		d, err := s.load(dep)
		if err != nil {
			return nil, err
		}
		for _, n := range append(slices.Clone(d.deps), underscores(dep)) {
			if !slices.Contains(m.deps, n) {
				m.deps = append(m.deps, n)
			}
		}
	}
	s.loaded[name] = m
	return m, nil
}

// depends reads the names in a module's "depends=" line.
func depends(data []byte) ([]string, error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := file.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo section")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(line, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
