package setup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// A sizeStep is one of a sequence of check-resize commands, with the files that
// were there after it.
type sizeStep struct {
	run
	Files map[string]string `json:"libdir_after"`
}

// What the record does not tell: which disk the module names at each step.
func TestRecordedCheckResize(t *testing.T) {
	disks := []struct {
		lower string
		index int64
	}{
		{"/dev/loop0", schema.MetaIndexFlexInt},
		{"/dev/loop0", schema.MetaIndexInternal},
		{"/dev/loop0", 0}, // external: nothing to remember
		{"/nonexistent", schema.MetaIndexFlexInt},
		{"", 0}, // without a disk
	}
	for _, version := range []byte{1, 2} {
		root := t.TempDir() // what was noted stays from step to step
		loop := filepath.Join(root, "loop0")
		require.NoError(t, os.WriteFile(loop, nil, 0o600))
		for i, step := range records[sizeStep](t, "checkresize.jsonl.gz") {
			t.Run(fmt.Sprintf("%d of generation %d", i, version), func(t *testing.T) {
				dir := t.TempDir()
				require.NoError(t, os.MkdirAll(filepath.Join(root, "lib"), 0o755))
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "var/lib"), 0o755))
				require.NoError(t, os.Symlink(filepath.Join(root, "lib"), filepath.Join(dir, "var/lib/drbd")))
				lower := strings.Replace(disks[i].lower, "/dev/loop0", loop, 1)
				p := newPeer(t, version)
				p.messages = diskMessages(t, version, lower, disks[i].index)
				p.start(t, dir)
				got := drbdsetup(t, dir, "", step.Argv...)
				require.Equal(t, result{exitOf(t, step.run), step.Stdout, step.Stderr}, got)
				checkDir(t, filepath.Join(root, "lib"), step.Files, loop)
			})
		}
	}
}

func exitOf(t *testing.T, r run) int {
	n, err := strconv.Atoi(string(r.Exit))
	require.NoError(t, err)
	return n
}

// checkDir checks that a directory holds these files and no others.
func checkDir(t *testing.T, dir string, want map[string]string, loop string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	got := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		got[e.Name()] = strings.Replace(string(content), loop, "/dev/loop0", 1)
	}
	require.Equal(t, want, got)
}

// diskMessages returns the messages about a device 5 with a disk, or without one.
func diskMessages(t *testing.T, version byte, lower string, index int64) []recorded {
	g, name := schema.V9, "two-node-primary"
	if version == 1 {
		g, name = schema.V84, "connected-primary"
	}
	var all []recorded
	for _, r := range sceneMessages(t, version, name) {
		all = append(all, reshape(t, g, r, func(m *netlinkapi.Message) {
			if m.Minor != schema.NoMinor {
				m.Minor = 5
			}
			if disk := m.Get(schema.DiskConf); disk != nil && lower != "" {
				disk.SetStr("backing_dev", lower).SetInt("meta_dev_idx", index)
			}
			if lower == "" {
				m.Sets = slices.DeleteFunc(m.Sets, func(v *schema.Values) bool { return v.Set.ID == schema.DiskConf })
			}
		}))
	}
	return all
}

// What drbdmeta added to the note about a disk of the same size stays.
func TestCheckResizeKeepsTheIdentifier(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	require.NoError(t, os.WriteFile(disk, make([]byte, 4096), 0o600))
	p := newPeer(t, 2)
	p.messages = diskMessages(t, 2, disk, schema.MetaIndexFlexInt)
	p.start(t, dir)
	note := filepath.Join(dir, "var/lib/drbd/drbd-minor-5.lkbd")
	require.Equal(t, result{}, drbdsetup(t, dir, "", "check-resize", "5"))
	checkFile(t, note, "4096\t"+disk+"\n")
	require.NoError(t, os.WriteFile(note, []byte("4096\t"+disk+"\nuuid:\t0123456789ABCDEF\n"), 0o600))
	require.Equal(t, result{}, drbdsetup(t, dir, "", "check-resize", "5"))
	checkFile(t, note, "4096\t"+disk+"\nuuid:\t0123456789ABCDEF\n")
	require.NoError(t, os.Truncate(disk, 8192))
	require.Equal(t, result{}, drbdsetup(t, dir, "", "check-resize", "5"))
	checkFile(t, note, "8192\t"+disk+"\n")
}
