package render

import (
	"math"
	"strconv"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// progress tells how far a resync or verify is. Modules since 9.1 count it;
// of older ones it is guessed from what is out of sync.
type progress struct {
	stats    *schema.Values
	details  bool    // the module counts
	total    uint64  // sectors to do in all
	togo     uint64  // sectors left
	verify   bool    // it is a verify
	percent  float64 // done
	running  bool    // percent means something
	dt0, dt1 float64 // milliseconds since the two marks
	db0, db1 float64 // sectors left at the marks, less what is left now
}

// newProgress looks at a peer device whose local disk is d (nil without one).
func newProgress(g schema.Generation, p *netlinkapi.PeerDevice, d *netlinkapi.Device) progress {
	pr := progress{stats: p.Stats}
	pr.total = num(p.Stats, "peer_dev_rs_total")
	if pr.details = pr.total != 0 && pr.total != math.MaxUint64; pr.details {
		pr.fromDetails()
		return pr
	}
	counts := has(p.Stats, "peer_dev_rs_total") && pr.total == 0 // but there is nothing to do
	if pr.running = guessable(g, p.ReplState()) && !counts; pr.running && d != nil {
		pr.percent = inSync(num(p.Stats, "peer_dev_out_of_sync"), num(d.Stats, "dev_size"))
	}
	return pr
}

func (pr *progress) fromDetails() {
	pr.togo = num(pr.stats, "peer_dev_ov_left")
	if pr.verify = pr.togo != 0; !pr.verify {
		pr.togo = num(pr.stats, "peer_dev_out_of_sync") - num(pr.stats, "peer_dev_resync_failed")
	}
	pr.running = true
	pr.percent = max(0, 100*(float64(pr.total)-float64(pr.togo))/float64(pr.total)) // more may have become out of sync since
	pr.dt0 = atLeastOne(num(pr.stats, "peer_dev_rs_dt0_ms"))
	pr.dt1 = atLeastOne(num(pr.stats, "peer_dev_rs_dt1_ms"))
	pr.db0 = float64(int64(num(pr.stats, "peer_dev_rs_db0_sectors")))
	pr.db1 = float64(int64(num(pr.stats, "peer_dev_rs_db1_sectors")))
}

func atLeastOne(n uint64) float64 { return float64(max(n, 1)) }

// guessable reports whether percentages make sense in a state.
func guessable(g schema.Generation, s schema.ReplState) bool {
	switch s {
	case schema.SyncSource, schema.SyncTarget, schema.PausedSyncS, schema.PausedSyncT:
		return true
	case schema.VerifyS, schema.VerifyT:
		return g == schema.V84
	}
	return false
}

// inSync returns how many percent of size sectors are in sync, 0 without size.
func inSync(outOfSync, size uint64) float64 {
	if size == 0 {
		return 0
	}
	return 100 * (1 - float64(outOfSync)/float64(size))
}

// done returns the percentage with two decimals.
func (pr *progress) done() string { return fixed(pr.percent) }

// rate returns sectors per millisecond as MiB per second.
func rate(sectors, ms float64) string { return fixed(sectors / ms * 1000 / 2048) }

// average returns the rate since the start.
func (pr *progress) average() string {
	dt := num(pr.stats, "peer_dev_rs_dt_start_ms") - num(pr.stats, "peer_dev_rs_paused_ms")
	return rate(float64(pr.total)-float64(pr.togo), atLeastOne(dt))
}

func (pr *progress) rate0() string { return rate(pr.db0, pr.dt0) }
func (pr *progress) rate1() string { return rate(pr.db1, pr.dt1) }

// want returns the rate that the resync controller aims at.
func (pr *progress) want() string {
	return fixed(float64(num(pr.stats, "peer_dev_rs_c_sync_rate")) / 1024)
}

// seconds returns the time left, and false if nothing moves.
func (pr *progress) seconds() (string, bool) {
	if pr.db1 <= 0 {
		return "", false
	}
	return strconv.FormatFloat(pr.dt1/1000*float64(pr.togo)/pr.db1, 'f', 0, 64), true
}

func fixed(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

// A counter is a field shown as it is.
type counter struct {
	key, name string
	signed    bool
}

var (
	markCounters = []counter{
		{"peer_dev_rs_total", "rs-total", false}, {"peer_dev_rs_dt_start_ms", "rs-dt-start-ms", false},
		{"peer_dev_rs_paused_ms", "rs-paused-ms", false}, {"peer_dev_rs_dt0_ms", "rs-dt0-ms", false},
		{"peer_dev_rs_db0_sectors", "rs-db0-sectors", true}, {"peer_dev_rs_dt1_ms", "rs-dt1-ms", false},
		{"peer_dev_rs_db1_sectors", "rs-db1-sectors", true},
	}
	verifyCounters = []counter{
		{"peer_dev_ov_start_sector", "ov-start-sector", false}, {"peer_dev_ov_stop_sector", "ov-stop-sector", true},
		{"peer_dev_ov_position", "ov-position", false}, {"peer_dev_ov_left", "ov-left", false},
		{"peer_dev_ov_skipped", "ov-skipped", false},
	}
	resyncCounters = []counter{
		{"peer_dev_resync_failed", "rs-failed", false}, {"peer_dev_rs_same_csum", "rs-same-csum", false},
	}
)

// counters returns those of a resync or of a verify, after the marks.
func (pr *progress) counters() []counter {
	if pr.verify {
		return append(markCounters[:len(markCounters):len(markCounters)], verifyCounters...)
	}
	return append(markCounters[:len(markCounters):len(markCounters)], resyncCounters...)
}

// plain formats a counter for lines of words.
func (pr *progress) plain(c counter) string {
	if c.key == "peer_dev_ov_stop_sector" {
		return digits(num(pr.stats, c.key)) // compat: "no end" is 2^64-1 here, -1 in JSON
	}
	return pr.json(c)
}

// json formats a counter for JSON.
func (pr *progress) json(c counter) string {
	n := num(pr.stats, c.key)
	if c.signed {
		return strconv.FormatInt(int64(n), 10)
	}
	return digits(n)
}
