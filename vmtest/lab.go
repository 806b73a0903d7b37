package vmtest

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// diskSize leaves more than the 300 MB that mkfs.xfs insists on.
const diskSize = 330 << 20

// originalTools are the original's programs, and where the image has them.
var originalTools = map[string]string{
	"original/drbdadm":      "/usr/sbin/drbdadm",
	"original/drbdsetup":    "/usr/sbin/drbdsetup",
	"original/drbdmeta":     "/usr/sbin/drbdmeta",
	"lib/drbd/drbdadm-84":   "/lib/drbd/drbdadm-84",
	"lib/drbd/drbdsetup-84": "/lib/drbd/drbdsetup-84",
	"original/init":         "/etc/init.d/drbd",
	"bin/bash":              "/usr/bin/bash", // for the init script and the agent, as the next two
	"bin/column":            "/usr/bin/column",
	"bin/join":              "/usr/bin/join",

	"usr/lib/ocf/resource.d/linbit/drbd":               "/usr/lib/ocf/resource.d/linbit/drbd",
	"usr/lib/ocf/resource.d/linbit/drbd.shellfuncs.sh": "/usr/lib/ocf/resource.d/linbit/drbd.shellfuncs.sh",
}

// hostTools are programs of this machine that stories use.
var hostTools = map[string]string{
	"sbin/mkfs.xfs":      "/usr/sbin/mkfs.xfs",
	"sbin/mkfs.ext4":     "/usr/sbin/mkfs.ext4",
	"sbin/dmsetup":       "/usr/sbin/dmsetup",
	"sbin/systemd-udevd": "/usr/bin/udevadm",
	"bin/script":         "/usr/bin/script", // a terminal
}

var kernelModules = []string{
	"virtio_pci", "virtio_scsi", "sd_mod", "virtio_net", "virtio_console",
	"crc32c_generic", "crc32c_intel", "xfs", "ext4", "loop", "dm_mod", "brd", "drbd",
}

var (
	//go:embed rc
	rc []byte

	files = map[string]string{
		"etc/inittab":      "::sysinit:/etc/rc\n::wait:/bin/agent /dev/vport0p1\n::once:/bin/poweroff -f\n",
		"etc/hosts":        "127.0.0.1 localhost\n192.168.154.128 drbd01\n192.168.154.129 drbd02\n",
		"etc/passwd":       "root::0:0:root:/root:/bin/sh\nnobody::65534:65534:nobody:/:/bin/sh\n",
		"etc/group":        "root:x:0:\nnogroup:x:65534:\n",
		"sbin/service":     "#!/bin/sh\nname=$1\nshift\nexec \"/etc/init.d/$name\" \"$@\"\n",
		"original/service": "#!/bin/sh\nexec /original/init \"$2\"\n",
	}
)

// A System is what machines boot: files with a kernel and a root file system.
type System struct {
	Kernel, Initrd string
}

// BuildSystem writes the root file system into dir. The tools in its /sbin are the
// ones below tools, or the original's if it is "".
func BuildSystem(ctx context.Context, dir, tools string) (System, error) {
	kernel, err := FetchKernel(ctx, cacheDir())
	if err != nil {
		return System{}, err
	}
	vmlinux, err := kernel.Uncompressed(ctx)
	if err != nil {
		return System{}, err
	}
	initrd := filepath.Join(dir, "initrd")
	return System{vmlinux, initrd}, buildImage(ctx, kernel, dir, tools, initrd)
}

// A Lab is the two machines of the tutorial.
type Lab struct {
	Guests [2]*Guest
}

// NewLab returns two machines, with disks and consoles in dir. It starts nothing.
func NewLab(dir string, system System) (*Lab, error) {
	ports, err := freePorts()
	if err != nil {
		return nil, err
	}
	lab := &Lab{}
	for i := range lab.Guests {
		name := fmt.Sprintf("drbd%02d", i+1)
		lab.Guests[i] = &Guest{
			Name:    name,
			Address: fmt.Sprintf("192.168.154.%d/24", 128+i),
			Kernel:  system.Kernel,
			Initrd:  system.Initrd,
			Disk:    filepath.Join(dir, name+".disk"),
			Console: filepath.Join(dir, name+".console"),
			Memory:  512,
			Port:    ports[i],
			Peer:    ports[1-i],
		}
	}
	return lab, nil
}

// cacheDir is where the kernel lies; VMTEST_KERNEL names another directory
// that has boot/vmlinuz-* and lib/modules.
func cacheDir() string {
	if dir := os.Getenv("VMTEST_KERNEL"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "drbdutils-vmtest/kernel")
}

// Restart gives both machines power and blank disks.
func (l *Lab) Restart(ctx context.Context) error {
	return l.each(func(g *Guest) error {
		if err := g.PowerCut(); err != nil {
			return err
		}
		if err := g.NewDisk(diskSize); err != nil {
			return err
		}
		return g.Boot(ctx)
	})
}

// Close stops both machines.
func (l *Lab) Close() error { return l.each((*Guest).PowerCut) }

// each runs do for both machines at the same time.
func (l *Lab) each(do func(*Guest) error) error {
	var wg sync.WaitGroup
	var errs [len(l.Guests)]error
	for i, g := range l.Guests {
		wg.Go(func() { errs[i] = do(g) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Build compiles the packages for a guest, statically, into dir.
func Build(ctx context.Context, dir, module string, packages ...string) error {
	args := append([]string{"build", "-trimpath", "-o", dir + "/"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %v: %w\n%s", packages, err, out)
	}
	return nil
}

func buildImage(ctx context.Context, kernel *Kernel, dir, tools, initrd string) error {
	im := &Image{}
	for _, d := range []string{"proc", "sys", "dev", "mnt", "root", "tmp", "run/lock", "var/lib/drbd", "etc/drbd.d"} {
		im.Dir(d)
	}
	for name, target := range map[string]string{
		"init": "bin/busybox", "lib64": "lib", "usr/bin": "../bin", "usr/sbin": "../sbin",
		"var/run": "../run", "var/lock": "../run/lock", "etc/mtab": "/proc/self/mounts",
	} {
		im.Link(name, target)
	}
	for name, text := range files {
		im.Add(name, []byte(text))
	}
	im.Add("etc/rc", rc)
	if err := addBusybox(ctx, im); err != nil {
		return err
	}
	if err := addPrograms(im, hostTools); err != nil {
		return err
	}
	if err := addPrograms(im, originalTools); err != nil {
		return err
	}
	if err := addTools(ctx, im, dir, tools); err != nil {
		return err
	}
	if err := kernel.AddModules(im, kernelModules...); err != nil {
		return err
	}
	return im.Write(initrd)
}

func addBusybox(ctx context.Context, im *Image) error {
	if err := im.AddProgram("bin/busybox", "/usr/bin/busybox"); err != nil {
		return err
	}
	names, err := command(ctx, "", "busybox", "--list").Output()
	if err != nil {
		return fmt.Errorf("busybox --list: %w", err)
	}
	for name := range strings.FieldsSeq(string(names)) {
		if name != "busybox" {
			im.Link("bin/"+name, "busybox")
		}
	}
	im.Link("sbin/modprobe", "../bin/busybox") // where the kernel looks for it
	return nil
}

func addPrograms(im *Image, programs map[string]string) error {
	for name, file := range programs {
		if err := im.AddProgram(name, file); err != nil {
			return fmt.Errorf("guest image: %w; .ci/packages installs what is needed", err)
		}
	}
	return nil
}

// addTools adds our agent, and the tools under test with all that is installed
// with them.
func addTools(ctx context.Context, im *Image, dir, tools string) error {
	if tools == "" {
		tools = "/usr/sbin"
	}
	if err := Build(ctx, dir, ".", "./agent"); err != nil {
		return err
	}
	root := filepath.Join(dir, "root")
	install := command(ctx, "", "sh", "../dist/install")
	install.Env = append(os.Environ(), "DESTDIR="+root, "BINDIR="+tools, "SBINDIR=/sbin")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", install, err, out)
	}
	if err := im.AddTree(root); err != nil {
		return err
	}
	return im.AddProgram("bin/agent", filepath.Join(dir, "agent"))
}

// given are the ports of all labs: a guest that has no power does not hold its own.
var given sync.Map

// freePorts returns two UDP ports on the loopback interface that nobody uses.
func freePorts() (ports [2]int, err error) {
	for i := range ports {
		for taken := true; taken; {
			c, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				return ports, err
			}
			ports[i] = c.LocalAddr().(*net.UDPAddr).Port
			_, taken = given.LoadOrStore(ports[i], true)
			c.Close()
		}
	}
	return ports, nil
}
