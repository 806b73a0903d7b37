package netlinkapi

import (
	"iter"

	"drbdutils/schema"
)

// Request is a command for the module.
type Request struct {
	Op     schema.Op
	Minor  *uint32          // the device it is about; nil: none
	Flags  uint32           // schema.SetDefaults or 0
	Sets   []*schema.Values // in the order sent; put CfgContext first
	Object string           // what it is about, for errors: "r0", "minor 3"
	Within string           // the resource of the device, if known: saves looking for it among all
}

// Message is a reply, a part of a dump, or a notification. On the module's side
// of the wire it is a request, too.
type Message struct {
	Op    schema.Op
	Minor uint32           // schema.NoMinor: none
	Code  schema.Code      // result; in a request the flags
	Seq   uint32           // of a reply: the request's; of a notification: the module's counter
	Sets  []*schema.Values // in the order received; a set may occur several times
}

// get returns the first set of that kind, nil if there is none.
func (r *Request) get(id schema.ID) *schema.Values { return first(r.Sets, id) }

// Get returns the first set of that kind, nil if there is none.
func (m *Message) Get(id schema.ID) *schema.Values { return first(m.Sets, id) }

func first(sets []*schema.Values, id schema.ID) *schema.Values {
	for _, v := range sets {
		if v.Set.ID == id {
			return v
		}
	}
	return nil
}

// All yields the sets of that kind.
func (m *Message) All(id schema.ID) iter.Seq[*schema.Values] {
	return func(yield func(*schema.Values) bool) {
		for _, v := range m.Sets {
			if v.Set.ID == id && !yield(v) {
				return
			}
		}
	}
}

// Texts returns what the module says to people with a reply, in order.
func (m *Message) Texts() []string {
	var texts []string
	for v := range m.All(schema.CfgReply) {
		texts = append(texts, v.Str("info_text"))
	}
	return texts
}
