// Package confparse reads the configuration of DRBD, /etc/drbd.conf and what it
// includes, and the text of "drbdsetup show", which is the same language. It
// checks what it reads against package schema and returns a typed model.
//
// Reading has three steps. Load finds the statements of all files and returns
// the model as written, with hosts, connections and node ids worked out.
// Config.Expand hands options and volumes down to where they take effect.
// Problems come back as Diagnostics, all of them, each with its place.
//
//	cfg, diags := confparse.Load(confparse.Source{
//		Generation: schema.V9,
//		Node:       "alpha",
//		Files:      confparse.DefaultFiles(schema.V9),
//		FS:         os.DirFS("/"),
//	})
//	diags = append(diags, cfg.Expand()...)
//	if diags.Invalid() {
//		return diags.ExitCode()
//	}
//	for _, res := range cfg.Resources {
//		for _, conn := range res.Connections {
//			fmt.Println(res.Name, conn.Name, conn.Paths[0].Peer.Address)
//		}
//	}
//
// # How thousands of resources are read
//
// A reader reads files, an outliner cuts their texts into statements without looking into blocks,
// and a tree reads a block that is to be decoded. Files are read, and blocks decoded, on all
// processors.
//
// Who wants to know about one resource (Source.Want) gets the same refusals as if all were read,
// in a fifth of the time: of the others, a glance notes which minors, devices, disks and addresses
// they use, as hashes, and nothing else of them is kept. A sieve finds out whether two use the
// same. Whenever a glance is not enough, since there is such a pair, a statement that it does not
// understand, or hardly any other resource, Load begins again and reads everything.
//
// The package knows no kernel and prints nothing by itself.
package confparse
