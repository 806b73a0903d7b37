package fake

import "drbdutils/schema"

// How fast a resync may be, and how a verify compares: DRBD 8.4 tells its peer, which
// takes it over, when they connect and when it is changed.

// rates are the disk options that are told.
var rates = []string{"resync_rate", "c_plan_ahead", "c_delay_target", "c_fill_target", "c_max_rate"}

// tellRates tells the peer. Without a disk, it hears of the defaults.
func (pd *peerDevice) tellRates() {
	if pd.res.m.gen != schema.V84 || pd.conn.link == nil || pd.conn.state < wfReportParams {
		return
	}
	conf := pd.res.m.defaults(schema.DiskConf)
	if pd.disk != nil {
		conf = pd.disk.conf
	}
	told := pd.res.m.set(schema.DiskConf)
	for _, key := range rates {
		told.SetUint(key, conf.Uint(key))
	}
	pd.conn.link.send(packet{Kind: syncRates, Volume: pd.volume, Options: appendFields(nil, told), Verify: pd.conn.net.Str("verify_alg")})
}

// takeRates takes over what the peer told. That it has no algorithm changes nothing.
func (pd *peerDevice) takeRates(p packet) {
	if pd.disk != nil {
		_ = decodeInto(pd.disk.conf, p.Options) // made by appendFields
	}
	if p.Verify != "" && pd.conn.net != nil {
		pd.conn.net.SetStr("verify_alg", p.Verify)
	}
}
