package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockDirs are the directories in which drbd-utils keeps a lock file for each
// minor: releases since 9.25 the first, older ones the second. Taking both keeps
// out either kind of original beside us.
var lockDirs = []string{"/var/run/drbd/lock", "/var/lock"}

// lockPatience is how long LockMinor waits for another process.
const lockPatience = time.Second

// A LockedError says which process holds the lock of a minor.
type LockedError struct {
	Path string
	PID  int
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("lock on %s currently held by pid:%d", e.Path, e.PID)
}

// LockMinor keeps other tools from changing the device minor until unlock is
// called. It waits up to a second; then its error is a *LockedError.
func (e Env) LockMinor(minor uint32) (unlock func(), err error) {
	var files []*os.File
	unlock = func() {
		for _, f := range files {
			f.Close()
		}
	}
	deadline := time.Now().Add(lockPatience)
	for _, dir := range lockDirs {
		f, err := lockFile(filepath.Join(e.Path(dir), fmt.Sprintf("drbd-147-%d", minor)), deadline)
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w (to change DRBD devices needs root)", err)
		}
		if err != nil {
			unlock()
			return nil, err
		}
		files = append(files, f)
	}
	return unlock, nil
}

func lockFile(path string, deadline time.Time) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			break
		}
		if time.Now().After(deadline) {
			err = &LockedError{Path: path, PID: holder(f)}
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.Close()
	if _, locked := errors.AsType[*LockedError](err); locked {
		return nil, err
	}
	return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
}

// holder returns the process that holds the lock on f, 0 if it let go meanwhile.
func holder(f *os.File) int {
	l := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &l); err != nil || l.Type == unix.F_UNLCK {
		return 0
	}
	return int(l.Pid)
}
