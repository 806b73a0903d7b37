package adm

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"drbdutils/internal/testkit"
	"drbdutils/schema"

	"github.com/stretchr/testify/require"
)

var (
	compareCount = flag.Int("compare", 0, "random configurations to compare with the installed drbdadm, per generation; 0: 150, or 1000 where CI is set")
	compareSeed  = flag.Uint64("seed", 1, "the first of them")
)

// installed is the drbdadm that ours is compared with: version 9.22 with its
// companion for DRBD 8.4, as Debian has it.
const installed = "/usr/sbin/drbdadm"

// randomCount returns how many configurations are compared.
func randomCount() int {
	switch {
	case *compareCount > 0:
		return *compareCount
	case os.Getenv("CI") != "":
		return 1000
	}
	return 150
}

// TestRandomConfigurations runs the installed drbdadm and ours over random
// configurations, most of them valid. Where they differ, the configuration is
// cut down to the lines that make the difference.
func TestRandomConfigurations(t *testing.T) {
	if out, err := exec.Command(installed, "--version").Output(); err != nil || !bytes.Contains(out, []byte("DRBDADM_VERSION=9.22.")) {
		t.Skip("the reference is not installed")
	}
	for _, g := range []schema.Generation{schema.V9, schema.V84} {
		t.Run(g.String(), func(t *testing.T) {
			c := comparison{gen: g, dir: filepath.Join(t.TempDir(), "case")}
			for i := range randomCount() {
				seed := *compareSeed + uint64(i)
				lines := newInventor(g, seed).lines()
				if problem := c.compare(t, lines); problem != "" {
					lines = c.shrink(t, lines)
					t.Errorf("seed %d: %s\n%s", seed, c.compare(t, lines), strings.Join(lines, "\n"))
				}
			}
		})
	}
}

type comparison struct {
	gen schema.Generation
	dir string
}

// compare returns in what the two differ, "" if in nothing.
func (c comparison) compare(t *testing.T, lines []string) string {
	t.Helper()
	c.write(t, lines)
	ours := testkit.ConfigCase{Node: "alpha"}
	for _, command := range []string{"sh-nop", "dump", "dump-xml", "sh-dev all"} {
		args := strings.Fields(command)
		wantOut, want := c.reference(t, args)
		if want < 0 || want > 100 {
			return "" // it crashed or hung
		}
		out, stderr, code := runConfig(t, ours, c.dir, c.version(), args)
		switch {
		case code != want:
			return fmt.Sprintf("%s: exit code %d, but %d here\n%s", command, want, code, stderr)
		case code == 0 && out != newer922(wantOut):
			return fmt.Sprintf("%s: prints\n%s\nbut here\n%s", command, wantOut, out)
		}
	}
	return ""
}

// fileMark begins a line that names the file of the lines after it.
const fileMark = "#### "

// write writes the files of a configuration: input.conf, and those that marks name.
func (c comparison) write(t *testing.T, lines []string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(c.dir))
	texts, name := map[string]string{"input.conf": ""}, "input.conf"
	for _, line := range lines {
		if other, ok := strings.CutPrefix(line, fileMark); ok {
			name = other
			continue
		}
		texts[name] += line + "\n"
	}
	for name, text := range texts {
		require.NoError(t, os.MkdirAll(filepath.Join(c.dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644))
	}
}

func (c comparison) version() string {
	if c.gen == schema.V84 {
		return "8.4.11"
	}
	return "9.2.0"
}

// newer922 returns what the reference's next releases print instead.
func newer922(out string) string {
	out = floatingName.ReplaceAllString(out, `name="${1}_$2"`)
	out = openTemplate.ReplaceAllString(out, "$1/>")
	out = nullAddress.ReplaceAllString(out, "")
	return halfConnection.ReplaceAllString(out, "")
}

var floatingName = regexp.MustCompile(`name="([0-9.]+):(\d+)"`)

// openTemplate is an element that the reference does not close.
var openTemplate = regexp.MustCompile(`(?m)^( *<template file=".*")>$`)

// halfConnection is what the reference prints if one of two hosts has no address.
var halfConnection = regexp.MustCompile(`(?m)^ *<connection>\n *<host .*</host>\n *</connection>\n`)

// nullAddress is what the reference prints for a host without an address.
var nullAddress = regexp.MustCompile(`(?m)^ *<address family="\(null\)" port="\(null\)">\(null\)</address>\n`)

// reference runs the installed drbdadm.
func (c comparison) reference(t *testing.T, args []string) (stdout string, exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, installed, append([]string{"-c", "input.conf"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "__DRBD_NODE__=alpha", "DRBD_DRIVER_VERSION_OVERRIDE="+c.version())
	out, err := cmd.Output()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// shrink removes lines as long as a difference remains.
func (c comparison) shrink(t *testing.T, lines []string) []string {
	t.Helper()
	for size := len(lines) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(lines); {
			shorter := slices.Concat(lines[:at], lines[at+size:])
			if c.compare(t, shorter) != "" {
				lines = shorter
				continue
			}
			at++
		}
	}
	return lines
}
