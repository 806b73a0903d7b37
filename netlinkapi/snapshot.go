package netlinkapi

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"syscall"

	"drbdutils/schema"
)

// Snapshot asks for the state of the resource of that name, or of all for "".
// An unknown name gives an empty snapshot. The queries come one after the other:
// what is created or removed meanwhile may be missing.
func (c *Client) Snapshot(ctx context.Context, resource string) (*Snapshot, error) {
	s := NewSnapshot(c.Generation())
	err := c.dump(ctx, Request{Op: schema.GetResources, Object: cmp.Or(resource, "all")}, func(m Message) bool {
		if name := m.Get(schema.CfgContext).Str("ctx_resource_name"); resource == "" || name == resource {
			s.add(&m)
		} else {
			s.Others = true
		}
		return true
	})
	if err != nil || len(s.Resources) == 0 {
		return s, err
	}
	for _, op := range c.dialect.lists {
		if err := c.list(ctx, s, op, resource); err != nil {
			return s, err
		}
	}
	return s, nil
}

// SnapshotOf asks for the state of the resource to which a device belongs. An
// unknown minor gives an empty snapshot.
func (c *Client) SnapshotOf(ctx context.Context, minor uint32) (*Snapshot, error) {
	resource := ""
	err := c.dump(ctx, Request{Op: schema.GetDevices, Object: "all"}, func(m Message) bool {
		if m.Minor == minor {
			resource = m.Get(schema.CfgContext).Str("ctx_resource_name")
		}
		return true
	})
	if err != nil || resource == "" {
		return NewSnapshot(c.Generation()), err
	}
	return c.Snapshot(ctx, resource)
}

// list adds what one query answers. A query that the module does not know, or a
// resource that went away meanwhile, adds nothing.
func (c *Client) list(ctx context.Context, s *Snapshot, op schema.Op, resource string) error {
	if has, err := c.Has(ctx, op); err != nil || !has {
		return err
	}
	r := Request{Op: op, Object: cmp.Or(resource, "all")}
	if resource != "" {
		r.Sets = []*schema.Values{schema.CfgContext.In(c.Generation()).New().SetStr("ctx_resource_name", resource)}
	}
	err := c.dump(ctx, r, func(m Message) bool {
		s.add(&m)
		return true
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
		return nil
	}
	return err
}

// notice returns the notification that says the same as the answer to a query.
func notice(query schema.Op) schema.Op {
	switch query {
	case schema.GetResources:
		return schema.ResourceState
	case schema.GetDevices:
		return schema.DeviceState
	case schema.GetConnections:
		return schema.ConnectionState
	case schema.GetPeerDevices:
		return schema.PeerDeviceState
	}
	return schema.PathState
}

// add adds an object that a query told about.
func (s *Snapshot) add(m *Message) {
	as := *m
	as.Op = notice(m.Op)
	e := s.Apply(as)
	if m.Op != schema.GetConnections || e.New == nil {
		return
	}
	c := e.New.Connection(peerNodeID(m.Get(schema.CfgContext)))
	for path := range m.All(schema.PathParms) {
		if !path.Has("my_addr") {
			continue // the list is empty, but there
		}
		c.Paths = append(c.Paths, &Path{Local: Address(path.Str("my_addr")), Peer: Address(path.Str("peer_addr"))})
	}
}
