package fake

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// faults are what goes wrong between the module and its clients, on demand.
type faults struct {
	mu    sync.Mutex
	drop  int           // notifications to lose
	twice int           // notifications to send twice
	swap  int           // notifications to send after the one that follows
	held  []byte        // one that waits for that
	delay time.Duration // before each reply
	hang  bool          // replies never come
}

// faultCommands change the faults; the number is the argument.
var faultCommands = []struct {
	name, args, doc string
	set             func(f *faults, n int64)
}{
	{"drop", "COUNT", "lose the next notifications without a word", func(f *faults, n int64) { f.drop = int(n) }},
	{"duplicate", "COUNT", "send the next notifications twice", func(f *faults, n int64) { f.twice = int(n) }},
	{"swap", "COUNT", "let the next notifications change places with those that follow", func(f *faults, n int64) { f.swap = int(n) }},
	{"delay", "MILLISECONDS", "answer every request late", func(f *faults, n int64) { f.delay = time.Duration(n) * time.Millisecond }},
	{"hang", "0|1", "answer no request any more", func(f *faults, n int64) { f.hang = n != 0 }},
}

// command carries out a line of the control socket and reports whether it was
// one of faultCommands.
func (f *faults) command(line string) (known bool, err error) {
	words := strings.Fields(line)
	for _, c := range faultCommands {
		if len(words) == 0 || words[0] != c.name {
			continue
		}
		if len(words) != 2 {
			return true, fmt.Errorf("usage: %s %s", c.name, c.args)
		}
		n, err := numbers(words[1:], 1)
		if err != nil {
			return true, err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		c.set(f, n[0])
		return true, nil
	}
	return false, nil
}

// notify returns what clients get instead of a notification.
func (f *faults) notify(msg []byte) [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	var late [][]byte
	if f.held != nil {
		late, f.held = [][]byte{f.held}, nil
	}
	switch {
	case f.drop > 0:
		f.drop--
		return late
	case f.swap > 0 && late == nil:
		f.swap--
		f.held = msg
		return nil
	case f.twice > 0:
		f.twice--
		return append([][]byte{msg, msg}, late...)
	}
	return append([][]byte{msg}, late...)
}

// reply waits as long as a reply is to be late, and reports whether it is sent
// at all.
func (f *faults) reply() bool {
	f.mu.Lock()
	delay, hang := f.delay, f.hang
	f.mu.Unlock()
	time.Sleep(delay)
	return !hang
}
