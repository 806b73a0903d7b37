package fake

import (
	"fmt"
	"slices"

	"drbdutils/schema"
)

func (m *Module) netOptions(r *request) schema.Code {
	if r.conn.net == nil {
		return r.refuse(schema.ErrInvalidRequest, "net conf missing, try connect")
	}
	net, code := r.options(m, schema.NetConf, r.conn.net)
	if code == schema.NoError {
		code = r.checkConnection(r.conn, r.conn.net, net)
	}
	if code == schema.NoError {
		r.conn.net = net
		r.conn.tellOptions()
	}
	return code
}

// tellOptions has the peer follow a change of the options that must fit.
func (c *connection) tellOptions() {
	if c.res.m.gen == schema.V9 && c.link != nil && c.state == wfReportParams {
		c.link.send(packet{Kind: netOptions, Options: appendFields(nil, c.fitting())})
	}
	for _, pd := range c.peers() {
		pd.tellRates()
	}
}

const (
	protocolC       = 3
	congestionBlock = 0
	fencingStonith  = 2
)

// checkConnection is checkOptions with a word about the reason.
func (r *request) checkConnection(c *connection, old, net *schema.Values) schema.Code {
	code := c.checkOptions(old, net)
	if text := algorithmTexts[code]; text != nil && c.res.m.gen == schema.V9 {
		r.refuse(code, text(net))
	}
	return code
}

// checkOptions refuses options that contradict each other or the state.
func (c *connection) checkOptions(old, net *schema.Values) schema.Code {
	protocol, two := net.Uint("wire_protocol"), net.Bool("two_primaries")
	if old != nil && !two && c.res.highestRole() == schema.Primary && c.role() == schema.Primary {
		return schema.ErrNeedTwoPrimaries
	}
	if two && protocol != protocolC {
		return schema.ErrNotProtoC
	}
	if c.fencing() == fencingStonith && protocol == protocolA {
		return schema.ErrStonithProtoA
	}
	for _, d := range c.res.devices {
		if d.own.role == schema.Primary && c.res.m.gen == schema.V84 && net.Bool("discard_my_data") {
			return schema.ErrDiscardImpossible
		}
	}
	if net.Uint("on_congestion") != congestionBlock && protocol != protocolA {
		return schema.ErrCongestNotProtoA
	}
	return c.checkAlgorithms(old, net)
}

// digests are the algorithms that the fake pretends its kernel to have.
var digests = []string{"crc32c", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"}

func (c *connection) checkAlgorithms(old, net *schema.Values) schema.Code {
	for _, a := range []struct {
		key     string
		code    schema.Code
		running schema.Code // refusal while it is in use
		inUse   func(conn) bool
	}{
		{"csums_alg", schema.ErrCsumsAlg, schema.ErrCsumsRunning, conn.syncing},
		{"verify_alg", schema.ErrVerifyAlg, schema.ErrVerifyRunning, conn.verifying},
		{"integrity_alg", schema.ErrIntegrityAlg, 0, nil},
		{"cram_hmac_alg", schema.ErrAuthAlg, 0, nil},
	} {
		alg := net.Str(a.key)
		if alg != "" && !slices.Contains(digests, alg) {
			return a.code
		}
		for _, pd := range c.peers() {
			if old != nil && a.inUse != nil && a.inUse(pd.part.conn) && alg != old.Str(a.key) {
				return a.running
			}
		}
	}
	return schema.NoError
}

// algorithmTexts explain algorithms that the kernel has not.
var algorithmTexts = map[schema.Code]func(net *schema.Values) string{
	schema.ErrAuthAlg: func(net *schema.Values) string {
		return fmt.Sprintf("failed to allocate hmac(%s) for hmac\n", net.Str("cram_hmac_alg"))
	},
	schema.ErrVerifyAlg:    func(net *schema.Values) string { return failedHash(net, "verify_alg", "verify") },
	schema.ErrCsumsAlg:     func(net *schema.Values) string { return failedHash(net, "csums_alg", "csums") },
	schema.ErrIntegrityAlg: func(net *schema.Values) string { return failedHash(net, "integrity_alg", "data integrity") },
}

func failedHash(net *schema.Values, key, what string) string {
	return fmt.Sprintf("failed to allocate %s for %s\n", net.Str(key), what)
}
