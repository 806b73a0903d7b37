package adm

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"drbdutils/confparse"
)

// A proxyState is what a running proxy says about a tunnel; nil if it does not
// know it.
type proxyState struct {
	memlimit confparse.Options
	plugins  []string
}

// Variables with files that take the place of the proxy's answer, for tests: for
// the tunnel's name, and for the name that older releases gave it.
const (
	proxyFile    = "FAKE_DRBD_PROXY_CTL"
	proxyFileOld = "FAKE_DRBD_PROXY_CTL_OLD"
)

// lookAtProxy learns what the proxy of this host knows of a resource's tunnel.
func (t *tool) lookAtProxy(ctx context.Context, s selection) {
	tun, ok := t.planner.tunnel(object{selection: s})
	if !ok {
		return
	}
	text := t.askProxy(ctx, tun.name, proxyFile)
	if text == "" && tun.oldName != tun.name {
		text = t.askProxy(ctx, tun.oldName, proxyFileOld)
	}
	if t.planner.proxies == nil {
		t.planner.proxies = map[string]*proxyState{}
	}
	t.planner.proxies[tun.name] = t.parseProxy(text)
}

// askProxy returns the settings of a tunnel as text, "" if there is none.
func (t *tool) askProxy(ctx context.Context, name, file string) string {
	if f := t.env.Getenv(file); f != "" {
		text, _ := os.ReadFile(f)
		return strings.TrimSpace(string(text))
	}
	text, _ := t.ask(ctx, proxyCtl, "-c", "show proxy-settings "+name)
	return strings.TrimSpace(text)
}

// parseProxy reads the answer, which is a proxy section.
func (t *tool) parseProxy(text string) *proxyState {
	if text == "" {
		return nil
	}
	shown, diags := confparse.ParseShow(t.gen, []byte("resource tunnel {\n"+text+"\n}\n"))
	if diags.Invalid() || len(shown) != 1 {
		return nil
	}
	return &proxyState{memlimit: shown[0].Proxy, plugins: pluginTexts(shown[0].Plugins)}
}

// adjustTunnel returns what makes a tunnel as it is configured.
func (p planner) adjustTunnel(o object, t tunnel) []Op {
	have := p.proxies[t.name]
	switch {
	case have == nil:
		return p.tunnelUp(o, t)
	case !sameMemlimit(t.options, have.memlimit) || moved(t.plugins, have.plugins):
		return append(p.tunnelDown(o, t), p.tunnelUp(o, t)...)
	}
	var set []string
	for i, text := range t.plugins {
		if i >= len(have.plugins) || have.plugins[i] != text {
			set = append(set, fmt.Sprintf("set plugin %s %d %s", t.name, i, text))
		}
	}
	if len(have.plugins) > len(t.plugins) {
		set = append(set, fmt.Sprintf("set plugin %s %d end", t.name, len(t.plugins)))
	}
	if len(set) == 0 {
		return nil
	}
	return []Op{p.proxyCall(o, set...)}
}

// moved reports whether a plugin stands at another place than it runs at. The
// proxy cannot move plugins.
func moved(want, have []string) bool {
	for i, text := range want {
		if at := slices.Index(have, text); at >= 0 && at != i {
			return true
		}
	}
	return false
}

// sameMemlimit compares the memory limits. The proxy rounds, so two percent more
// or less are the same.
func sameMemlimit(want, have confparse.Options) bool {
	w, h := find1(want, "memlimit"), find1(have, "memlimit")
	if w == nil || h == nil || w.Field == nil {
		return w == h
	}
	a, errA := w.Field.Parse(w.Value)
	b, errB := w.Field.Parse(h.Value)
	if errA != nil || errB != nil {
		return false
	}
	x, y := float64(a.Num), float64(b.Num)
	return x-y <= 0.02*x && y-x <= 0.02*x
}
