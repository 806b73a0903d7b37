package meta

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// RawSuperblock reads the 4096 bytes where the superblock belongs, whatever they
// hold.
func RawSuperblock(d io.ReaderAt, off int64) ([]byte, error) { return readBlock(d, off) }

// LooksLike names the format whose magic number a block carries, or "UNKNOWN".
func LooksLike(block []byte) string {
	for _, f := range formats[1:] {
		if decodeMagic(block, f.Version()) {
			return f.Version().String()
		}
	}
	return "UNKNOWN"
}

// decodeMagic reports whether a block has the magic number of a format.
func decodeMagic(block []byte, v Version) bool {
	var old disk07
	var d disk08
	if decodeFixed(block, &old) != nil || decodeFixed(block, &d) != nil {
		return false
	}
	switch v {
	case V07:
		return old.Magic == magic07
	case V08:
		return d.Magic == magic08 || d.Magic == magic84Unclean
	}
	return v == V09 && d.Magic == magic09
}

// BlockInfo is what JSON says about a superblock besides its content.
type BlockInfo struct {
	Version Version // that it is taken for
	Time    time.Time
	Host    string
	Path    string
	Offset  int64
	Size    int64 // of the device
	Valid   string
}

// WriteBlockJSON writes a superblock as JSON, every field as it is on disk. Only
// v08 and v09 can be written.
func WriteBlockJSON(w io.Writer, block []byte, info BlockInfo) error {
	var b bytes.Buffer
	switch info.Version {
	case V08:
		json08(&b, block)
	case V09:
		json09(&b, block)
	default:
		return fmt.Errorf("no JSON for format %s", info.Version)
	}
	fmt.Fprintf(&b, ",\n  \"#meta\": {\n    \"dump_time_utc\": %q,\n    \"dump_host\": %q,\n    \"md_device_name\": %q,\n",
		info.Time.UTC().Format("2006-01-02 15:04:05"), info.Host, info.Path)
	fmt.Fprintf(&b, "    \"dump_offset\": %d,\n    \"bd_size\": %d,\n    \"dumped_as\": %q,\n    \"looks_like\": %q,\n    \"valid\": %q\n  }\n}\n",
		info.Offset, info.Size, info.Version, LooksLike(block), info.Valid)
	_, err := w.Write(b.Bytes())
	return err
}

func json08(b *bytes.Buffer, block []byte) {
	var d disk08
	_ = decodeFixed(block, &d)
	fmt.Fprintf(b, "{\n  \"effective_size\": %d,\n  \"current_uuid\": \"0x%s\",\n  \"device_uuid\": \"0x%s\",\n  \"flags\": \"0x%08X\",\n  \"magic\": \"0x%08X\",\n",
		d.EffectiveSize, d.Current, d.DeviceUUID, d.Flags, d.Magic)
	jsonPlaces(b, d.MDSizeSect, d.ALOffset, d.ALExtents, d.BMOffset, d.BytesPerBit, d.PeerMaxBioSize, d.ALStripes, d.ALStripeBlocks)
	fmt.Fprintf(b, "  \"peers\": [ { \"bitmap_uuid\": \"0x%s\" } ],\n", d.Bitmap)
	jsonHistory(b, d.History[:])
	jsonPadding(b, block, 100)
}

func json09(b *bytes.Buffer, block []byte) {
	var d disk09
	_ = decodeFixed(block, &d)
	fmt.Fprintf(b, "{\n  \"effective_size\": %d,\n  \"current_uuid\": \"0x%s\",\n  \"device_uuid\": \"0x%s\",\n  \"flags\": \"0x%08X\",\n  \"magic\": \"0x%08X\",\n",
		d.EffectiveSize, d.Current, d.DeviceUUID, d.Flags, d.Magic)
	jsonPlaces(b, d.MDSizeSect, d.ALOffset, d.ALExtents, d.BMOffset, d.BytesPerBit, d.PeerMaxBioSize, d.ALStripes, d.ALStripeBlocks)
	b.WriteString("  \"peers\": [\n")
	for i, p := range d.Peers {
		fmt.Fprintf(b, "    { \"bitmap_uuid\": \"0x%s\",  \"bitmap_dagtag\": %d,  \"flags\": \"0x%08X\",  \"bitmap_index\": %d,  \"reserved_u32\": [ \"0x%08X\", \"0x%08X\" ] }%s\n",
			p.BitmapUUID, p.BitmapDagtag, p.Flags, p.BitmapIndex, p.Reserved[0], p.Reserved[1], comma(i, len(d.Peers)))
	}
	fmt.Fprintf(b, "  ],\n  \"bm_max_peers\": %d,\n  \"node_id\": %d,\n  \"members\": \"0x%016X\",\n", d.MaxPeers, d.NodeID, d.Members)
	fmt.Fprintf(b, "  \"reserved_u64\": [ \"0x%016X\", \"0x%016X\", \"0x%016X\" ],\n  \"reserved_u32\": [ \"0x%08X\", \"0x%08X\" ],\n",
		d.Reserved[0], d.Reserved[1], d.Reserved[2], d.Reserved2[0], d.Reserved2[1])
	jsonHistory(b, d.History[:])
	jsonPadding(b, block, 1392)
}

func comma(i, n int) string {
	if i < n-1 {
		return ","
	}
	return ""
}

func jsonPlaces(b *bytes.Buffer, mdSize uint32, al int32, extents uint32, bm int32, perBit, bio, stripes, blocks uint32) {
	fmt.Fprintf(b, "  \"md_size_sect\": %d,\n  \"al_offset\": %d,\n  \"al_nr_extents\": %d,\n  \"bm_offset\": %d,\n", mdSize, al, extents, bm)
	fmt.Fprintf(b, "  \"bm_bytes_per_bit\": %d,\n  \"la_peer_max_bio_size\": %d,\n  \"al_stripes\": %d,\n  \"al_stripe_size_4k\": %d,\n", perBit, bio, stripes, blocks)
}

func jsonHistory(b *bytes.Buffer, history []UUID) {
	b.WriteString("  \"history_uuids\": [")
	for i, u := range history {
		separator := " "
		if i%4 == 0 {
			separator = "\n    "
		}
		fmt.Fprintf(b, "%s\"0x%s\"%s", separator, u, comma(i, len(history)))
	}
	b.WriteString("\n  ],\n")
}

// jsonPadding lists the bytes after the last field that are not zero.
func jsonPadding(b *bytes.Buffer, block []byte, start int) {
	var odd []string
	for i, c := range block[start:] {
		if c != 0 {
			odd = append(odd, fmt.Sprintf("\n      \"%d\": \"0x%02x\"", start+i, c))
		}
	}
	if len(odd) == 0 {
		fmt.Fprintf(b, "  \"padding\": { \"start\": %d, \"end\": %d, \"non-zero\": { } }", start, len(block))
		return
	}
	fmt.Fprintf(b, "  \"padding\": {\n    \"start\": %d,\n    \"end\": %d,\n    \"non-zero\": {%s\n    }\n  }",
		start, len(block), strings.Join(odd, ","))
}

// WriteHexDump writes a block the way hd does: 16 bytes a line, repeated lines
// as a star, the last line always.
func WriteHexDump(w io.Writer, block []byte, off int64) error {
	var b bytes.Buffer
	star := false
	for i := 0; i+16 <= len(block); i += 16 {
		line := block[i : i+16]
		if i > 0 && i+16 < len(block) && bytes.Equal(line, block[i-16:i]) {
			if !star {
				b.WriteString("*\n")
			}
			star = true
			continue
		}
		star = false
		fmt.Fprintf(&b, "%08x  % x  % x  |%s|\n", off+int64(i), line[:8], line[8:], printable(line))
	}
	fmt.Fprintf(&b, "%08x\n", off+int64(len(block)))
	_, err := w.Write(b.Bytes())
	return err
}

func printable(line []byte) string {
	text := bytes.Clone(line)
	for i, c := range text {
		if c < ' ' || c > '~' {
			text[i] = '.'
		}
	}
	return string(text)
}
