package adm

import (
	"slices"
	"strings"

	"drbdutils/confparse"
	"drbdutils/schema"
)

// How the words of the command line become selections.

// parseObjects takes all words apart before anything is done. Words that
// contradict each other stop here.
func (t *tool) parseObjects(given []string) ([]objectName, *refusal) {
	if given[0] == "all" {
		return []objectName{{text: "all", all: true}}, nil
	}
	if t.conf.Defined == 0 {
		return nil, refuse(exitUsage, "no resources defined!")
	}
	var all []objectName
	for _, word := range given {
		w, refused := parseName(t.gen, word)
		if refused != nil {
			return nil, refused
		}
		if w.minor && t.conf.Resource(word) != nil {
			w = objectName{text: word, res: word} // it is called like that
		}
		if t.gen == schema.V9 && slices.ContainsFunc(all, w.overlaps) {
			return nil, refuse(exitUsage, "'%s' names a connection that was named before", word)
		}
		all = append(all, w)
	}
	return all, nil
}

// resolve returns the resources that a word stands for.
func (t *tool) resolve(w objectName) ([]selection, *refusal) {
	if w.all {
		return t.resolveAll()
	}
	s, refused := selectWord(t.conf, w)
	if refused != nil {
		return nil, refused
	}
	if refused := t.admits(s, w); refused != nil {
		return nil, refused
	}
	if refused := t.onlyPeer(s, w); refused != nil {
		return nil, refused
	}
	if refused := s.fit(t.cmd); refused != nil {
		return nil, refused
	}
	return []selection{s}, nil
}

// onlyPeer refuses a second peer of a resource: the first one already stands for
// "this connection and no other".
func (t *tool) onlyPeer(s selection, w objectName) *refusal {
	if !s.peer {
		return nil
	}
	if first, ok := t.narrowed[w.res]; ok && first != s.peers[0] {
		return refuse(exitUsage, "'%s': the resource was narrowed to peer %s before; name its peers one call at a time", w.text, first.Name)
	}
	if t.narrowed == nil {
		t.narrowed = map[string]*confparse.Connection{}
	}
	t.narrowed[w.res] = s.peers[0]
	return nil
}

// proxies reports whether the command also works on hosts that only run a proxy.
func (t *tool) proxies() bool {
	return t.cmd.flags.has(needsProxy) || t.gen == schema.V9 && t.cmd.flags.has(readsState|showsConfig)
}

func (t *tool) resolveAll() ([]selection, *refusal) {
	all := selectAll(t.conf, t.req.stacked, t.proxies())
	if t.cmd.flags.has(needsProxy) {
		all = slices.DeleteFunc(all, func(s selection) bool { return !runsProxy(s.res, t.node) })
	}
	known := t.gen == schema.V9 && !t.cmd.flags.has(needsProxy) && len(selectAll(t.conf, t.req.stacked, true)) > 0
	if len(all) > 0 || known || t.shows() {
		return all, nil
	}
	switch {
	case len(t.conf.Resources) == 0:
		return nil, refuse(exitUsage, "no resources defined!")
	case t.req.stacked:
		return nil, refuse(exitUsage, "no stacked resource has this host (%s) in it", t.node)
	}
	return nil, refuse(exitUsage, "no resource has this host (%s) in it.\n"+
		"The configuration is for %s; does an 'on' section have this machine's name?",
		t.node, strings.Join(hostNames(t.conf.Resources), ", "))
}

// admits refuses resources of which this host has no part, or only the wrong
// one.
func (t *tool) admits(s selection, w objectName) *refusal {
	switch {
	case t.cmd.flags.has(needsProxy) && !runsProxy(s.res, t.node):
		return undefined(t.conf, w)
	case s.res.Ignored && !t.proxies() && t.gen == schema.V84:
		return undefined(t.conf, w)
	case s.res.Ignored && !t.proxies():
		return refuse(exitUsage, "'%s' ignored, since this host (%s) is a proxy node, not a DRBD node.", s.res.Name, t.node).goOn()
	case t.gen == schema.V9 || w.minor || t.shows() || s.res.Stacked == t.req.stacked:
		return nil
	case s.res.Stacked:
		return refuse(exitUsage, "'%s' is a stacked resource, and not available in normal mode.", s.res.Name).goOn()
	}
	return refuse(exitUsage, "'%s' is a normal resource, and not available in stacked mode.", s.res.Name).goOn()
}
