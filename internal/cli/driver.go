package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// CompatVersion is the release of drbd-utils that the tools stand in for, as
// --version reports it.
var CompatVersion = Version{9, 34, 0}

// A Version is a release of DRBD: major, minor, patch.
type Version [3]uint8

// Code returns the version as one number, 0xMMmmpp, the form in which scripts
// compare it.
func (v Version) Code() uint32 {
	return uint32(v[0])<<16 | uint32(v[1])<<8 | uint32(v[2])
}

// Known reports whether v is a version at all.
func (v Version) Known() bool { return v != Version{} }

// Is84 reports whether v belongs to the 8.4 generation.
func (v Version) Is84() bool { return v[0] == 8 && v[1] == 4 }

func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
}

// ParseVersion reads up to three numbers at the start of s; one that is missing is 0. What
// begins otherwise is the unknown version.
//
// compat: the original takes 8.4. and 8.4.x for 8.4.0, but 8.4 for nothing at all, and then
// judges for DRBD 9 without a word.
func ParseVersion(s string) Version {
	var v Version
	for i, part := range strings.SplitN(s, ".", len(v)) {
		digits := len(part) - len(strings.TrimLeft(part, "0123456789"))
		n, err := strconv.ParseUint(part[:digits], 10, 8)
		switch {
		case err == nil:
			v[i] = uint8(n)
		case i < len(v)-1:
			return Version{}
		}
	}
	return v
}

// Driver is what is known about the module of this host.
type Driver struct {
	Version Version // unknown if there is no module
	Asked   bool    // the version is that of DRBD_DRIVER_VERSION_OVERRIDE
	Loaded  bool    // /proc/drbd exists
	Compat  bool    // a 9 module that offers the 8.4 interface
}

// Driver finds the version of the module: the one that a test harness demands
// with DRBD_DRIVER_VERSION_OVERRIDE, else the loaded one, else the one that
// modprobe would load.
func (e Env) Driver(ctx context.Context) Driver {
	if v := ParseVersion(e.Getenv("DRBD_DRIVER_VERSION_OVERRIDE")); v.Known() {
		return Driver{Version: v, Asked: true}
	}
	// Who reads a line of /proc/drbd lets DRBD 8.4 list all its devices.
	if text, err := os.ReadFile(e.Path("/sys/module/drbd/version")); err == nil {
		if v := ParseVersion(string(text)); v.Is84() {
			return Driver{Version: v, Loaded: true}
		}
	}
	if head, err := readHead(e.Path("/proc/drbd")); err == nil {
		return loadedDriver(head)
	}
	if e.NetlinkSocket() != "" || !moduleInstalled() {
		return Driver{}
	}
	out, _ := exec.CommandContext(ctx, "modinfo", "-F", "version", "drbd").Output()
	return Driver{Version: ParseVersion(string(bytes.TrimSpace(out)))}
}

// readHead reads no more of a file than one call gives. /proc/drbd begins with
// what is of interest, and lists all devices of DRBD 8.4 after it.
func readHead(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 1024)
	n, err := f.Read(head)
	if err == io.EOF {
		err = nil
	}
	return head[:n], err
}

// loadedDriver reads the head of /proc/drbd.
func loadedDriver(text []byte) Driver {
	d := Driver{Loaded: true, Compat: bytes.Contains(text, []byte("(compat 8.4)"))}
	for line := range strings.Lines(string(text)) {
		if after, ok := strings.CutPrefix(line, "version:"); ok {
			d.Version = ParseVersion(strings.TrimSpace(after))
			break
		}
	}
	return d
}

// moduleInstalled reports whether modprobe could find the module, so that
// modinfo is only started where it has something to say.
func moduleInstalled() bool {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return false
	}
	dep := filepath.Join("/lib/modules", strings.TrimSpace(string(release)), "modules.dep")
	list, err := os.ReadFile(dep)
	return err == nil && bytes.Contains(list, []byte("/drbd.ko"))
}
