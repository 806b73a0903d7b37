package vmtest

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
)

var measure = flag.Int("measure", 0, "runs of each command in TestMeasure, which does nothing without")

// Resources on RAM disks. The original's tables for DRBD 8.4 hold no more than
// some 430 endpoints, which makes 200 resources the largest round number.
const (
	resources  = 200
	configured = 1500
)

// TestMeasure compares our tools with the original's on one machine with many
// resources, and prints a table in Markdown. The two take turns, with the
// kernel in the same state, and each brings up and down what it measures.
func TestMeasure(t *testing.T) {
	if *measure == 0 {
		t.Skip("give -measure=RUNS")
	}
	lab := newLab(t)
	g := lab.Guests[0]
	g.Memory = 1536
	require.NoError(t, g.NewDisk(diskSize))
	require.NoError(t, g.Boot(t.Context()))
	m := meter{t: t, guest: g, results: map[string]*[2]samples{}}
	m.prepare()
	for run := range *measure {
		m.round(run)
	}
	m.print()
}

// toolsets are what PATH begins with for the original and for us.
var toolsets = [2]string{"/original", "/sbin"}

// samples are one toolset's runs of one command.
type samples struct {
	elapsed, cpu []time.Duration
	peak         int // KiB
	failed       bool
}

type meter struct {
	t       *testing.T
	guest   *Guest
	order   []string
	results map[string]*[2]samples
}

func (m *meter) must(command string) {
	reply, err := m.guest.Run(command, nil)
	require.NoError(m.t, err)
	require.Zero(m.t, reply.Code, "%s: %s%s", command, reply.Stdout, reply.Stderr)
}

func (m *meter) prepare() {
	m.must(fmt.Sprintf("modprobe brd rd_nr=%d rd_size=2048 && modprobe drbd minor_count=32", resources))
	for n, file := range map[int]string{resources: "/etc/drbd.conf", configured: "/etc/many.conf"} {
		require.NoError(m.t, (put{m.guest, file, []byte(configuration(n))}).do())
	}
	m.must("drbdadm create-md --force all")
}

// configuration returns n resources as people write them.
func configuration(n int) string {
	var b strings.Builder
	b.WriteString("global { usage-count no; }\ncommon { net { protocol C; connect-int 120; } }\n")
	for i := range n {
		fmt.Fprintf(&b, "resource r%d {\n  net { max-buffers 8000; verify-alg crc32c; }\n  disk { on-io-error detach; c-max-rate 100M; }\n"+
			"  device minor %d;\n  disk /dev/ram%d;\n  meta-disk internal;\n"+
			"  on drbd01 { address 192.168.154.128:%d; }\n  on drbd02 { address 192.168.154.129:%d; }\n}\n", i, i, i, 7000+i, 7000+i)
	}
	return b.String()
}

// round lets each toolset bring everything up and down, and both look at it. Short
// commands run several times: the machine's other work weighs more on them.
func (m *meter) round(run int) {
	for i := range toolsets {
		own := (i + run) & 1 // neither is always the first
		m.time(own, "drbdadm up all")
		for _, command := range []string{"drbdadm adjust all", "drbdadm status"} {
			m.time(own, command)
			m.time(1-own, command)
		}
		for _, command := range []string{
			"drbdadm adjust r5", "drbdadm -c /etc/many.conf adjust r5",
			"drbdsetup status", "drbdsetup events2 --now", "drbdsetup show", "drbdsetup role 5",
		} {
			for turn := range 5 {
				m.time(own^turn&1, command)
				m.time(1-own^turn&1, command)
			}
		}
		m.time(own, "drbdadm down all")
	}
}

// pageKiB is the factor by which busybox's time is wrong: it takes the kernel's
// KiB for pages.
const pageKiB = 4

// time runs a command with one toolset.
func (m *meter) time(toolset int, command string) {
	reply, err := m.guest.Run("PATH="+toolsets[toolset]+":$PATH; exec time -o /peak -f %M "+command+" >/dev/null", nil)
	require.NoError(m.t, err)
	if m.results[command] == nil {
		m.results[command] = &[2]samples{}
		m.order = append(m.order, command)
	}
	s := &m.results[command][toolset]
	s.elapsed, s.cpu = append(s.elapsed, reply.Elapsed), append(s.cpu, reply.CPU)
	s.failed = s.failed || reply.Code != 0
	peak, err := m.guest.Run("tail -n 1 /peak", nil)
	require.NoError(m.t, err)
	kib, err := strconv.Atoi(strings.TrimSpace(string(peak.Stdout)))
	require.NoError(m.t, err)
	s.peak = max(s.peak, kib/pageKiB)
	m.t.Logf("%s: %s: exit code %d after %s %s", toolsets[toolset], command, reply.Code, reply.Elapsed.Round(time.Millisecond), reply.Stderr)
}

func (m *meter) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "| command\t| original ms\t| ours ms\t| ratio\t| original CPU ms\t| ours CPU ms\t| original MiB\t| ours MiB\t|\n|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|\n")
	for _, command := range m.order {
		a, b := &m.results[command][0], &m.results[command][1]
		fmt.Fprintf(w, "| `%s`\t| %s\t| %s\t| %.2f\t| %.0f\t| %.0f\t| %.1f\t| %.1f\t|\n", command, a.ms(), b.ms(),
			float64(median(b.elapsed))/float64(median(a.elapsed)), millis(median(a.cpu)), millis(median(b.cpu)),
			float64(a.peak)/1024, float64(b.peak)/1024)
	}
}

func (s *samples) ms() string {
	if s.failed {
		return "fails"
	}
	return fmt.Sprintf("%.0f", millis(median(s.elapsed)))
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

func median[T cmp.Ordered](values []T) T {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}
