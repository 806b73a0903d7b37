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
// The package knows no kernel and prints nothing by itself.
package confparse
