package confparse

import (
	"encoding/json"
	"io"
)

// jsonVersion is the version of both documents. Members are added without a new
// number; one that changes or goes away gets one.
const jsonVersion = 1

// DiagnosticsDocument is how Diagnostics look as JSON.
type DiagnosticsDocument struct {
	Version     int              `json:"version"`
	Generation  string           `json:"generation"` // "8.4" or "9"
	Valid       bool             `json:"valid"`      // no error among them
	Diagnostics []JSONDiagnostic `json:"diagnostics"`
}

// JSONDiagnostic is one Diagnostic as JSON.
type JSONDiagnostic struct {
	Severity string     `json:"severity"` // "error" or "warning"
	Code     string     `json:"code"`     // the rule's stable name
	Place    *JSONPlace `json:"place,omitempty"`
	Message  string     `json:"message"`
	Detail   string     `json:"detail,omitempty"`
	Hint     string     `json:"hint,omitempty"`
	Other    *JSONPlace `json:"other,omitempty"` // the other definition
}

// JSONPlace is a Place as JSON.
type JSONPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func jsonPlace(p Place) *JSONPlace {
	if p.file == nil {
		return nil
	}
	return &JSONPlace{File: p.Path(), Line: p.Line(), Column: p.Column()}
}

// WriteJSON writes the diagnostics as a DiagnosticsDocument.
func (l Diagnostics) WriteJSON(w io.Writer, c *Config) error {
	doc := DiagnosticsDocument{
		Version: jsonVersion, Generation: c.Generation.String(), Valid: !l.Invalid(), Diagnostics: []JSONDiagnostic{},
	}
	for _, d := range l {
		doc.Diagnostics = append(doc.Diagnostics, JSONDiagnostic{
			Severity: d.Severity.String(), Code: d.Code, Place: jsonPlace(d.Place), Message: d.Message,
			Detail: d.Detail, Hint: d.Hint, Other: jsonPlace(d.Other),
		})
	}
	return writeJSON(w, doc)
}

func writeJSON(w io.Writer, doc any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(doc)
}

// ConfigDocument is how a Config looks as JSON: what takes effect, with
// inherited options marked.
type ConfigDocument struct {
	Version    int            `json:"version"`
	File       string         `json:"file"`
	Generation string         `json:"generation"`
	Node       string         `json:"node"`
	Global     JSONGlobal     `json:"global"`
	Resources  []JSONResource `json:"resources"`
}

// JSONGlobal is the global section as JSON. Times are in seconds.
type JSONGlobal struct {
	DisableIPVerification bool   `json:"disable-ip-verification"`
	UdevAlwaysUseVNR      bool   `json:"udev-always-use-vnr"`
	MinorCount            int    `json:"minor-count,omitempty"`
	DialogRefresh         int    `json:"dialog-refresh"`
	CmdTimeoutShort       int    `json:"cmd-timeout-short"`
	CmdTimeoutMedium      int    `json:"cmd-timeout-medium"`
	CmdTimeoutLong        int    `json:"cmd-timeout-long"`
	UsageCount            string `json:"usage-count"`
}

// JSONResource is a resource as JSON.
type JSONResource struct {
	Name        string           `json:"name"`
	Place       *JSONPlace       `json:"place,omitempty"`
	Ignored     bool             `json:"ignored"`
	Stacked     bool             `json:"stacked"`
	Template    string           `json:"template,omitempty"`
	Hosts       []JSONHost       `json:"hosts"`
	Connections []JSONConnection `json:"connections"`
	Net         []JSONOption     `json:"net,omitempty"` // DRBD 8.4; of 9 see connections
	Options     []JSONOption     `json:"options,omitempty"`
	Startup     []JSONOption     `json:"startup,omitempty"`
	Handlers    []JSONOption     `json:"handlers,omitempty"`
}

// JSONHost is a host section as JSON.
type JSONHost struct {
	Names     []string     `json:"names"`
	Local     bool         `json:"local"` // the section is for this node
	NodeID    *int         `json:"node-id,omitempty"`
	Address   *JSONAddress `json:"address,omitempty"`
	StackedOn string       `json:"stacked-on,omitempty"`
	Volumes   []JSONVolume `json:"volumes"`
}

// JSONAddress is an address as JSON.
type JSONAddress struct {
	Family  string `json:"family"`
	Address string `json:"address"`
	Port    string `json:"port"`
}

func jsonAddress(a *Address) *JSONAddress {
	if a == nil {
		return nil
	}
	return &JSONAddress{a.Family, a.Addr, a.Port}
}

// JSONVolume is a volume of a host as JSON. A volume without disk is diskless.
type JSONVolume struct {
	Number    int          `json:"number"`
	Implicit  bool         `json:"implicit"`
	Device    string       `json:"device"`
	Minor     int          `json:"minor"`
	Disk      string       `json:"disk,omitempty"`
	MetaDisk  string       `json:"meta-disk,omitempty"`
	MetaIndex string       `json:"meta-index,omitempty"` // internal, flexible or a number
	Options   []JSONOption `json:"disk-options,omitempty"`
}

// JSONConnection is a connection as JSON.
type JSONConnection struct {
	Name        string           `json:"name,omitempty"` // seen from this node
	Implicit    bool             `json:"implicit"`
	Local       bool             `json:"local"` // this node is one end
	Paths       [][]JSONEndpoint `json:"paths"`
	Net         []JSONOption     `json:"net,omitempty"`
	PeerDevices []JSONPeerDevice `json:"peer-devices"`
}

// JSONEndpoint is one end of a path as JSON.
type JSONEndpoint struct {
	Hosts   []string     `json:"hosts"`
	Address *JSONAddress `json:"address,omitempty"`
	Outside *JSONAddress `json:"outside-address,omitempty"`
}

// JSONPeerDevice is a peer device as JSON.
type JSONPeerDevice struct {
	Volume  int          `json:"volume"`
	Options []JSONOption `json:"options,omitempty"`
}

// JSONOption is an option as JSON. The value is as written.
type JSONOption struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	Inherited bool   `json:"inherited"`
}

func jsonOptions(lists ...Options) []JSONOption {
	var all []JSONOption
	for _, l := range lists {
		for _, o := range l {
			all = append(all, JSONOption{o.Name, o.Value, o.Inherited})
		}
	}
	return all
}

// WriteJSON writes the expanded configuration as a ConfigDocument.
func (c *Config) WriteJSON(w io.Writer) error {
	g := c.Global
	doc := ConfigDocument{
		Version: jsonVersion, File: c.File, Generation: c.Generation.String(), Node: c.Node, Resources: []JSONResource{},
		Global: JSONGlobal{
			g.DisableIPVerification, g.UdevAlwaysUseVNR, g.MinorCount, g.DialogRefresh,
			g.CmdTimeoutShort, g.CmdTimeoutMedium, g.CmdTimeoutLong, g.UsageCount,
		},
	}
	for _, r := range c.Resources {
		doc.Resources = append(doc.Resources, r.json())
	}
	return writeJSON(w, doc)
}

func (r *Resource) json() JSONResource {
	out := JSONResource{
		Name: r.Name, Place: jsonPlace(r.Place), Ignored: r.Ignored, Stacked: r.Stacked, Template: r.Template,
		Hosts: []JSONHost{}, Connections: []JSONConnection{},
		Options: jsonOptions(r.Options), Startup: jsonOptions(r.startup()), Handlers: jsonOptions(r.Handlers),
	}
	if len(r.Connections) == 0 {
		out.Net = jsonOptions(r.Net)
	}
	for _, h := range r.Hosts {
		out.Hosts = append(out.Hosts, h.json(h == r.Me))
	}
	for _, c := range r.Connections {
		out.Connections = append(out.Connections, c.json())
	}
	return out
}

func (h *Host) json(local bool) JSONHost {
	out := JSONHost{
		Names: h.Names, Local: local, Address: jsonAddress(h.Address), StackedOn: h.LowerName, Volumes: []JSONVolume{},
	}
	if h.NodeID >= 0 {
		out.NodeID = &h.NodeID
	}
	for _, v := range h.Volumes {
		out.Volumes = append(out.Volumes, JSONVolume{
			v.Number, v.Implicit, v.DeviceName, v.Minor, v.Disk, v.MetaDisk, v.MetaIndex,
			jsonOptions(v.DeviceOptions, v.DiskOptions),
		})
	}
	return out
}

func (c *Connection) json() JSONConnection {
	out := JSONConnection{
		Name: c.Name, Implicit: c.Implicit, Local: !c.Ignored, Net: jsonOptions(c.Net),
		Paths: [][]JSONEndpoint{}, PeerDevices: []JSONPeerDevice{},
	}
	for _, p := range c.Paths {
		ends := []JSONEndpoint{}
		for _, e := range p.Endpoints {
			end := JSONEndpoint{Hosts: []string{}, Address: jsonAddress(e.Address), Outside: jsonAddress(e.Outside)}
			if e.Host != nil {
				end.Hosts = e.Host.Names
			}
			ends = append(ends, end)
		}
		out.Paths = append(out.Paths, ends)
	}
	for _, d := range c.PeerDevices {
		out.PeerDevices = append(out.PeerDevices, JSONPeerDevice{d.Number, jsonOptions(d.Options)})
	}
	return out
}
