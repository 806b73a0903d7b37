package netlinkapi

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"drbdutils/schema"
)

func TestEncodeAttachAsCaptured(t *testing.T) {
	// drbdsetup attach 0 /dev/vda /dev/vda internal, as DRBD 8.4.11 received it.
	const captured = "0c01000000000000000000002c0003800d0001002f6465762f766461000000000d0002002f6465762f7664610000000008000300fdffffff"
	conf := schema.DiskConf.In(schema.V84).New().
		SetStr("backing_dev", "/dev/vda").SetStr("meta_dev", "/dev/vda").SetInt("meta_dev_idx", -3)
	m := Message{Op: schema.Attach, Sets: []*schema.Values{conf}}
	got, err := Codec{Generation: schema.V84}.Encode(&m)
	require.NoError(t, err)
	require.Equal(t, captured, hex.EncodeToString(got))
}
