package confparse

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"drbdutils/schema"
)

// resourceText returns a resource as LINSTOR writes it, with three hosts.
func resourceText(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "resource \"r%d\" {\n    options { on-no-quorum suspend-io; quorum majority; }\n", i)
	fmt.Fprintf(&b, "    net { cram-hmac-alg sha1; shared-secret \"abcDEF%d\"; }\n", i)
	for h := 1; h <= 3; h++ {
		fmt.Fprintf(&b, `    on node%d {
        node-id %d;
        address ipv4 10.0.%d.%d:%d;
        volume 0 {
            device minor %d;
            disk /dev/vg0/res%d_00000;
            meta-disk internal;
            disk { discard-zeroes-if-aligned yes; rs-discard-granularity 65536; }
        }
    }
`, h, h-1, i/250, h, 7000+i, i, i)
	}
	for _, pair := range [][2]int{{1, 2}, {1, 3}, {2, 3}} {
		b.WriteString("    connection {\n")
		for _, h := range pair {
			fmt.Fprintf(&b, "        host node%d address ipv4 10.0.%d.%d:%d;\n", h, i/250, h, 7000+i)
		}
		b.WriteString("    }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// oneFile returns n resources in one file, manyFiles in one file each.
func oneFile(n int) fs.FS {
	var b strings.Builder
	b.WriteString("global { usage-count no; }\ncommon { net { protocol C; } disk { c-max-rate 100M; } }\n")
	for i := range n {
		b.WriteString(resourceText(i))
	}
	return fstest.MapFS{"etc/drbd.conf": {Data: []byte(b.String())}}
}

func manyFiles(n int) fs.FS {
	files := fstest.MapFS{"etc/drbd.conf": {Data: []byte("include \"drbd.d/*.res\";\n")}}
	for i := range n {
		files[fmt.Sprintf("etc/drbd.d/r%d.res", i)] = &fstest.MapFile{Data: []byte(resourceText(i))}
	}
	return files
}

func source(files fs.FS) Source {
	return Source{
		Generation: schema.V9, Version: [3]int{9, 2, 12}, Node: "node1",
		Files: []string{"/etc/drbd.conf"}, Dir: "/", FS: files, Local: netip.Addr.IsLoopback,
	}
}

// load loads, hands down and fails if something is wrong.
func load(tb testing.TB, src Source) *Config {
	tb.Helper()
	cfg, diags := Load(src)
	if !diags.Invalid() {
		diags = append(diags, cfg.Expand()...)
	}
	if diags.Invalid() {
		tb.Fatal(diags)
	}
	return cfg
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1, 100, 1500, 5000} {
		src := source(oneFile(n))
		b.Run(fmt.Sprintf("resources=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				load(b, src)
			}
		})
		src.Want = []string{"r0"}
		b.Run(fmt.Sprintf("one-of=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				load(b, src)
			}
		})
	}
}

func BenchmarkLoadFiles(b *testing.B) {
	src := source(manyFiles(1500))
	b.ReportAllocs()
	for b.Loop() {
		load(b, src)
	}
}
