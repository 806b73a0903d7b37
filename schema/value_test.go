package schema

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseNumber(t *testing.T) {
	for _, test := range []struct {
		text  string
		scale Scale
		want  uint64
		err   error
	}{
		{"1000", Sectors, 1000, nil},
		{"1G", Sectors, 2097152, nil},
		{"100M", KiB, 102400, nil},
		{"8k", One, 8192, nil},
		{"64k", KiB, 64, nil},
		{"4096s", KiB, 2048, nil},
		{"1s", KiB, 1, nil}, // rounded up
		{"50K", Sectors, 100, nil},
		{"  7", One, 7, nil},
		{"+7", One, 7, nil},
		{"-1", One, math.MaxUint64, nil},
		{"-5", Sectors, math.MaxUint64 - 4, nil},
		{"99999999999999999999", One, math.MaxUint64, nil},
		{"18446744073709551615g", One, math.MaxUint64, nil},
		{"", One, 0, ErrMissing},
		{"k", One, 0, ErrNoNumber},
		{"-", One, 0, ErrNoNumber},
		{"1T", One, 0, ErrUnit},
		{"1 ", One, 0, ErrUnit},
		{"1kk", One, 0, ErrUnit},
		{"-1k", One, 0, ErrUnit},
		{"1.5", One, 0, ErrUnit},
	} {
		got, err := ParseNumber(test.text, test.scale)
		require.ErrorIs(t, err, test.err, test.text)
		require.Equal(t, test.want, got, test.text)
	}
}

func TestParseAndFormat(t *testing.T) {
	disk, net, res := DiskConf.In(V9), NetConf.In(V9), ResourceOpts.In(V9)
	for _, test := range []struct {
		field      *Field
		text, back string
	}{
		{disk.Option("size"), "1G", "2097152s"},
		{disk.Option("resync-after"), "-1", "-1"},
		{disk.Option("on-io-error"), "pass_on", "pass_on"},
		{disk.Option("disk-flushes"), "no", "no"},
		{net.Option("protocol"), "b", "B"},
		{net.Option("verify-alg"), "sha1", "sha1"},
		{res.Option("quorum"), "majority", "majority"},
		{res.Option("quorum"), "3", "3"},
		{PeerDeviceOpts.In(V9).Option("c-max-rate"), "100M", "102400k"},
	} {
		v, err := test.field.Parse(test.text)
		require.NoError(t, err, test.text)
		require.NoError(t, test.field.Check(v), test.text)
		require.Equal(t, test.back, test.field.Format(v))
	}
}

func TestValueErrors(t *testing.T) {
	disk, net, res := DiskConf.In(V9), NetConf.In(V9), ResourceOpts.In(V9)
	for _, test := range []struct {
		field  *Field
		text   string
		reason error
		says   string
	}{
		{disk.Option("on-io-error"), "panic", ErrWord, "pass_on, call-local-io-error, detach"},
		{disk.Option("disk-flushes"), "YES", ErrWord, "yes, no"},
		{net.Option("max-buffers"), "31", ErrOutOfRange, "32..131072"},
		{net.Option("timeout"), "601", ErrOutOfRange, "1/10 seconds"},
		{net.Option("ko-count"), "-1", ErrOutOfRange, "0..200"},
		{res.Option("quorum"), "33", ErrOutOfRange, "off, majority, all, 1..32"},
		{res.Option("cpu-mask"), strings.Repeat("f", 256), ErrTooLong, "at most 255 bytes"},
		{net.Option("timeout"), "ten", ErrNoNumber, "1..600"},
	} {
		err := test.field.check(test.text)
		require.ErrorIs(t, err, test.reason, test.text)
		require.ErrorContains(t, err, test.field.Name)
		require.ErrorContains(t, err, test.says)
	}
}

// check parses and checks a text.
func (f *Field) check(text string) error {
	v, err := f.Parse(text)
	if err != nil {
		return err
	}
	return f.Check(v)
}

func TestSecretsStaySecret(t *testing.T) {
	secret := NetConf.In(V84).Option("shared-secret")
	long := strings.Repeat("s3cret", 20)
	err := secret.check(long)
	require.ErrorIs(t, err, ErrTooLong)
	require.NotContains(t, err.Error(), "s3cret")
	require.Empty(t, secret.Format(Value{Text: "s3cret"}))
	require.Equal(t, "s3cret", secret.FormatSecret(Value{Text: "s3cret"}))
}

func TestValues(t *testing.T) {
	set := DiskConf.In(V84)
	v := set.New()
	require.True(t, v.Empty())
	v.SetStr("backing_dev", "/dev/a").SetStr("meta_dev", "/dev/b").SetInt("meta_dev_idx", -3).SetBool("disk_flushes", false)
	require.Equal(t, "/dev/a", v.Str("backing_dev"))
	require.Equal(t, int64(-3), v.Int("meta_dev_idx"))
	require.True(t, v.Has("disk_flushes"))
	require.False(t, v.Has("al_extents"))
	clone := v.Clone()
	require.True(t, v.Equal(clone))
	clone.SetStr("backing_dev", "/dev/c")
	require.Equal(t, "/dev/a", v.Str("backing_dev"))
	require.False(t, v.Equal(clone))
	v.Unset("meta_dev")
	require.Equal(t, "", v.Str("meta_dev"))
	var keys []string
	for f := range v.All() {
		keys = append(keys, f.Key)
	}
	require.Equal(t, []string{"backing_dev", "meta_dev_idx", "disk_flushes"}, keys)

	var none *Values
	require.True(t, none.Empty())
	require.True(t, none.Equal(set.New()))
	require.Zero(t, none.Uint("anything"))
	require.Panics(t, func() { v.Uint("no_such_field") })
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"1", "1G", "-1", "12s", " 5k"} {
		f.Add(s, uint8(1))
	}
	f.Fuzz(func(t *testing.T, text string, scale uint8) {
		n, err := ParseNumber(text, Scale(scale%3))
		if err != nil {
			require.Zero(t, n)
			require.True(t, errors.Is(err, ErrMissing) || errors.Is(err, ErrNoNumber) || errors.Is(err, ErrUnit))
		}
	})
}
