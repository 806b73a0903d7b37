package setup

import (
	"context"

	"drbdutils/schema"
)

// A command is one row of the tables: a word of the command line and what it
// stands for.
type command struct {
	name    string
	words   []word    // what stands behind it, in order
	op      schema.Op // what to ask of the module; 0: run decides
	set     schema.ID // the set that options and words go to; 0: none
	edit    bool      // changes what exists: no options for creation, but --set-defaults
	flags   []option  // options that are not in a set
	hidden  []string  // options that usage does not tell
	older   alias     // an older name of an option
	form84  *command  // the form with addresses that DRBD 8.4 has for it
	lenient bool      // compat: words too many are ignored
	lock    bool      // nobody else may change the same device meanwhile
	summary string    // for people; "": the schema's
	run     func(context.Context, *call) error
}

// An alias is an older name of an option of the set.
type alias struct{ name, of string }

// A word is one argument of a command.
type word struct {
	name    string // as usage names it
	allowed string // what it may be, for messages
	take    func(context.Context, *call, string) error
	or      []string    // other kinds of objects it may name, for usage: "all"
	absent  func(*call) // what happens if it is left out; nil: it must not
}

// find returns the row of that name, or nil.
func find(table []command, name string) *command {
	for i := range table {
		if table[i].name == name {
			return &table[i]
		}
	}
	return nil
}

// commandsOf returns the table of a generation.
func commandsOf(g schema.Generation) []command {
	if g == schema.V84 {
		return commands84()
	}
	return commands9()
}

// fields returns the options of a command that are in its set, in the order of
// the table.
func (c *command) fields(g schema.Generation) []*schema.Field {
	set := c.set.In(g)
	if set == nil {
		return nil
	}
	var fields []*schema.Field
	for i := range set.Fields {
		if f := &set.Fields[i]; c.offers(f) {
			fields = append(fields, f)
		}
	}
	return fields
}

// field returns the option of that name in the command's set, or nil.
func (c *command) field(g schema.Generation, name string) *schema.Field {
	for _, f := range c.fields(g) {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// offers reports whether the command takes the field as an option.
func (c *command) offers(f *schema.Field) bool {
	return f.Name != "" && !(c.edit && f.Is(schema.Invariant))
}

// about returns the command's sentence for people.
func (c *command) about(g schema.Generation) string {
	if c.summary != "" {
		return c.summary
	}
	return c.op.In(g).Doc
}
