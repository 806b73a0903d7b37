package adm

import "context"

// Commands that need the configuration only.

func dump(context.Context, *tool, []selection) int        { return 0 }
func dumpXML(context.Context, *tool, []selection) int     { return 0 }
func shNop(context.Context, *tool, []selection) int       { return 0 }
func shResources(context.Context, *tool, []selection) int { return 0 }
func shModParms(context.Context, *tool, []selection) int  { return 0 }
func shResource(*tool, object) int                        { return 0 }
func shDev(*tool, object) int                             { return 0 }
func shUdev(*tool, object) int                            { return 0 }
func shMinor(*tool, object) int                           { return 0 }
func shLowerDev(*tool, object) int                        { return 0 }
func shMetaDev(*tool, object) int                         { return 0 }
func shMetaIndex(*tool, object) int                       { return 0 }
func shIP(*tool, object) int                              { return 0 }
func shLowerResource(*tool, object) int                   { return 0 }
func shListConfigFile(*tool, object) int                  { return 0 }
