// Command compare runs the original drbd-utils and ours in turn on the same
// input, and prints as a Markdown table: medians of time, from start to end and of
// processors, peak memory, and their ratios. A ratio below 1 is in our favour.
//
// Both run the same number of times, interleaved, after runs that warm caches
// and are not counted. Neither needs a kernel module: the
// generation is set through DRBD_DRIVER_VERSION_OVERRIDE.
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	runs := flag.Int("n", 11, "runs of each command")
	original := flag.String("original", "/usr/sbin", "directory of the original tools")
	ours := flag.String("ours", "bin", "directory of our tools")
	only := flag.String("only", "", "measure only what has this in its name, such as 'pvc-0005'")
	onDisk := flag.Bool("meta", false, "compare drbdmeta on large disks instead")
	flag.Parse()
	var err error
	if *onDisk {
		err = compareMeta(*original, *ours, *runs)
	} else {
		err = compare(*original, *ours, *only, *runs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(original, ours, only string, runs int) error {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if ours, err = filepath.Abs(ours); err != nil {
		return err
	}
	cases, err := prepare(dir)
	if err != nil {
		return err
	}
	fmt.Println("| command | module | original ms | ours ms | ratio | processor time | original MiB | ours MiB | ratio | output |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range cases {
		if !strings.Contains(c.name, only) {
			continue
		}
		a, b, err := c.measure(original, ours, runs)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %s | %.2f | %.2f | %.2f | %.2f | %.1f | %.1f | %.2f | %s |\n", c.label(), c.version,
			a.ms(), b.ms(), b.ms()/a.ms(), b.cpu()/a.cpu(), a.mib(), b.mib(), b.mib()/a.mib(), verdict(a, b))
	}
	return nil
}

// verdict says whether the two did the same work, without which the numbers
// beside it mean little.
func verdict(original, ours result) string {
	switch {
	case original.code != ours.code:
		return fmt.Sprintf("exit %d, ours %d", original.code, ours.code)
	case !bytes.Equal(original.output, ours.output):
		return "differs"
	}
	return "same"
}

// A benchCase is one command that both toolsets run.
type benchCase struct {
	name    string // the command, and after a comma its input
	version string // of the module that both are told to see
	tool    string
	args    []string
	image   string // sparse file made anew before each run, or ""
}

// label returns the name with the command as code.
func (c benchCase) label() string {
	command, input, _ := strings.Cut(c.name, ", ")
	if input != "" {
		input = ", " + input
	}
	return "`" + command + "`" + input
}

// A result is what one toolset needed for the runs of a case.
type result struct {
	output []byte
	code   int
	times  []time.Duration
	cpus   []time.Duration // of the program and the kernel for it, on all processors
	peak   int64           // KiB
}

func (r *result) ms() float64  { return median(r.times).Seconds() * 1000 }
func (r *result) cpu() float64 { return median(r.cpus).Seconds() * 1000 }
func (r *result) mib() float64 { return float64(r.peak) / 1024 }

func median[T cmp.Ordered](values []T) T {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

func (c benchCase) measure(original, ours string, runs int) (a, b result, err error) {
	results := [2]*result{&a, &b}
	dirs := [2]string{original, ours}
	for i, r := range results {
		if err = c.warmUp(dirs[i], r); err != nil {
			return a, b, err
		}
	}
	for run := range runs {
		for i := range 2 {
			i ^= run & 1 // neither is always the first
			if err = c.run(dirs[i], results[i]); err != nil {
				return a, b, err
			}
		}
	}
	return a, b, nil
}

func (c benchCase) command(dir string) (*exec.Cmd, error) {
	if c.image != "" {
		if err := blank(c.image); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(filepath.Join(dir, c.tool), c.args...)
	cmd.Env = append(os.Environ(), "__DRBD_NODE__=alpha", "DRBD_DRIVER_VERSION_OVERRIDE="+c.version,
		"DRBD_DONT_WARN_ON_VERSION_MISMATCH=1", "INIT_VERSION=1")
	return cmd, nil
}

// warmUp runs the command twice: for its output, and traced for its memory.
func (c benchCase) warmUp(dir string, r *result) error {
	cmd, err := c.command(dir)
	if err != nil {
		return err
	}
	r.output, err = cmd.Output()
	if cmd.ProcessState == nil {
		return err
	}
	r.code = cmd.ProcessState.ExitCode()
	if cmd, err = c.command(dir); err != nil {
		return err
	}
	r.peak, err = peakMemory(cmd)
	return err
}

func (c benchCase) run(dir string, r *result) error {
	cmd, err := c.command(dir)
	if err != nil {
		return err
	}
	began := time.Now()
	cmd.Run() // the exit code was judged in the warm-up
	r.times = append(r.times, time.Since(began))
	r.cpus = append(r.cpus, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	return nil
}
