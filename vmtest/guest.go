package vmtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A Guest is one machine. Its fields are set before Boot.
type Guest struct {
	Name    string // host name
	Address string // on the link, with prefix length
	Kernel  string // an uncompressed kernel
	Initrd  string
	Disk    string // raw image that the guest sees as /dev/sdb
	Console string // file that receives what the guest prints
	Memory  int    // MiB
	Port    int    // UDP port on the loopback interface: this end of the link
	Peer    int    // and the other guest's

	cmd *exec.Cmd
	out *json.Encoder
	in  *json.Decoder
	rd  *os.File
}

const (
	bootTimeout    = 10 * time.Minute
	commandTimeout = 10 * time.Minute
)

// Boot starts the machine and waits until its agent answers.
func (g *Guest) Boot(ctx context.Context) error {
	if err := g.start(ctx); err != nil {
		return err
	}
	g.rd.SetReadDeadline(time.Now().Add(bootTimeout))
	var hello Reply
	if err := g.in.Decode(&hello); err != nil {
		return fmt.Errorf("%s did not boot: %w; see %s", g.Name, err, g.Console)
	}
	return nil
}

// start runs QEMU. Its standard input and output are the agent's port, so the
// end of the process is the end of the file, and no path or port is needed.
func (g *Guest) start(ctx context.Context) error {
	rd, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	g.cmd = exec.CommandContext(ctx, "qemu-system-x86_64", g.arguments()...)
	g.cmd.Stdout, g.cmd.Stderr = theirs, os.Stderr
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // with a test that is killed
	in, err := g.cmd.StdinPipe()
	if err != nil {
		return err
	}
	g.rd, g.in, g.out = rd, json.NewDecoder(rd), json.NewEncoder(in)
	return g.cmd.Start()
}

func (g *Guest) arguments() []string {
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", strconv.Itoa(g.Memory),
		"-kernel", g.Kernel, "-initrd", g.Initrd,
		"-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check tsc=reliable " +
			"random.trust_cpu=on audit=0 net.ifnames=0 cryptomgr.notests " +
			"vmtest.name=" + g.Name + " vmtest.address=" + g.Address,
		"-chardev", "file,id=console,append=on,path=" + g.Console, "-serial", "chardev:console",
		"-device", "virtio-serial-pci",
		"-chardev", "stdio,id=agent,signal=off", "-device", "virtserialport,chardev=agent",
		"-netdev", fmt.Sprintf("socket,id=link,udp=127.0.0.1:%d,localaddr=127.0.0.1:%d", g.Peer, g.Port),
		"-device", fmt.Sprintf("virtio-net-pci,netdev=link,romfile=,mac=52:54:00:00:%02x:%02x", g.Port>>8, g.Port&255),
		"-device", "virtio-scsi-pci",
		"-drive", "if=none,id=sda,driver=null-co,size=1M", "-device", "scsi-hd,drive=sda,lun=0",
		"-drive", "if=none,id=sdb,format=raw,cache=unsafe,file=" + g.Disk, "-device", "scsi-hd,drive=sdb,lun=1",
	}
}

// Run executes a shell command. The error is for a machine or command that
// gave no exit code, not for an exit code other than zero.
func (g *Guest) Run(command string, stdin []byte) (Reply, error) {
	var reply Reply
	if g.cmd == nil {
		return reply, fmt.Errorf("%s has no power", g.Name)
	}
	if err := g.out.Encode(Request{command, stdin, commandTimeout}); err != nil {
		return reply, fmt.Errorf("%s: %w", g.Name, err)
	}
	g.rd.SetReadDeadline(time.Now().Add(commandTimeout + 30*time.Second))
	if err := g.in.Decode(&reply); err != nil {
		return reply, fmt.Errorf("%s: %s: no answer: %w; see %s", g.Name, command, err, g.Console)
	}
	if reply.Problem != "" {
		return reply, fmt.Errorf("%s: %s: %s", g.Name, command, reply.Problem)
	}
	return reply, nil
}

// PowerCut stops the machine at once. What it wrote to its disk is kept, as a
// disk keeps what it has acknowledged.
func (g *Guest) PowerCut() error {
	if g.cmd == nil {
		return nil
	}
	err := g.cmd.Process.Kill()
	g.cmd.Wait()
	g.rd.Close()
	g.cmd = nil
	if errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s had stopped by itself; see %s", g.Name, g.Console)
	}
	return err
}

// NewDisk replaces the guest's disk by a blank one of size bytes with one
// partition.
func (g *Guest) NewDisk(size int64) error {
	if err := os.RemoveAll(g.Disk); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(g.Disk), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(g.Disk, partitionTable(size), 0o644); err != nil {
		return err
	}
	return os.Truncate(g.Disk, size)
}

// partitionStart is where a guest's partition begins, in bytes.
const partitionStart = 1 << 20

// partitionTable returns an MBR with one Linux partition to the end of the
// disk. All numbers in it are little-endian.
func partitionTable(size int64) []byte {
	const first = partitionStart / 512
	sectors := uint32(size/512) - first
	mbr := make([]byte, 512)
	mbr[446+4] = 0x83
	for i := range 4 {
		mbr[446+8+i] = byte(uint32(first) >> (8 * i))
		mbr[446+12+i] = byte(sectors >> (8 * i))
	}
	mbr[510], mbr[511] = 0x55, 0xaa
	return mbr
}
