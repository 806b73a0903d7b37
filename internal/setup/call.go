package setup

import (
	"context"
	"errors"
	"strings"

	"drbdutils/internal/cli"
	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// A call is a command with its words and options, ready to be run.
type call struct {
	*tool
	cmd      *command
	object   string // what it is about, as typed, for messages
	resource string // "": all
	minor    *uint32
	peer     uint32 // node id
	volume   uint32
	context  *schema.Values // names the object for the module
	payload  *schema.Values // the command's set; nil if nothing was given for it
	given    []cli.Option   // options that are not in a set, in order
	defaults bool           // --set-defaults

	path      *schema.Values // addresses that name a connection of DRBD 9
	addresses []string       // the same as typed
}

// setDefaults asks the module to start from the defaults.
const setDefaults = "set-defaults"

// newCall parses the words behind a command.
func (t *tool) newCall(ctx context.Context, cmd *command, args []string) (*call, error) {
	options, words, err := t.flags(cmd).Parse(args)
	if err != nil {
		return nil, t.badOption(cmd, err)
	}
	c := &call{tool: t, cmd: cmd, object: "??", context: schema.CfgContext.In(t.gen).New()}
	if err := c.takeWords(ctx, words); err != nil {
		return nil, err
	}
	return c, c.takeOptions(ctx, options)
}

// flags returns the options of a command.
//
// compat: as with getopt_long, an abbreviation that fits several options which
// take values in the same way stands for the first of them.
func (t *tool) flags(cmd *command) *cli.Flags {
	flags := cli.NewFlags()
	flags.FirstWins = true
	for _, f := range cmd.fields(t.gen) {
		arg := cli.RequiredArg
		if f.Kind == schema.Bool || f.Kind == schema.Flag {
			arg = cli.OptionalArg
		}
		flags.Add(f.Name, "", arg)
		if cmd.older.of == f.Name {
			flags.AddUnique(cmd.older.name, "", arg)
		}
	}
	if cmd.edit {
		flags.Add(setDefaults, "", cli.NoArg)
	}
	for _, name := range cmd.hidden {
		flags.Add(name, "", cli.RequiredArg)
	}
	for _, o := range cmd.flags {
		flags.Add(o.name, o.short, [...]cli.Arg{cli.NoArg, cli.RequiredArg, cli.OptionalArg}[o.arg])
	}
	return flags
}

// badOption says what is wrong with an option, and what its value may be.
func (t *tool) badOption(cmd *command, err error) error {
	told := misuse("%s %s: %v", t.Name, cmd.name, err)
	if usage, ok := errors.AsType[*cli.UsageError](err); ok {
		if f := cmd.field(t.gen, strings.TrimPrefix(usage.Option, "--")); f != nil {
			return allowing(told, usage.Option, f.Allowed())
		}
	}
	return told
}

func (c *call) takeWords(ctx context.Context, words []string) error {
	for i := range c.cmd.words {
		w := &c.cmd.words[i]
		if len(words) == 0 {
			if w.absent != nil {
				w.absent(c)
				break
			}
			return misuse("Missing argument '%s' to command %s", w.name, c.cmd.name)
		}
		if err := w.take(ctx, c, words[0]); err != nil {
			return allowing(err, w.name, w.allowed)
		}
		words = words[1:]
	}
	if len(words) > 0 && !c.cmd.lenient {
		return fail(exitUsage, "Excess arguments: %s", strings.Join(words, " "))
	}
	return nil
}

func (c *call) takeOptions(ctx context.Context, options []cli.Option) error {
	for _, o := range options {
		name := o.Name
		if name == c.cmd.older.name {
			name = c.cmd.older.of
		}
		f := c.cmd.field(c.gen, name)
		switch {
		case f != nil:
			if err := c.takeOption(ctx, f, o); err != nil {
				return err
			}
		case name == setDefaults:
			c.defaults = true
		default:
			c.given = append(c.given, o)
		}
	}
	return nil
}

func (c *call) takeOption(ctx context.Context, f *schema.Field, o cli.Option) error {
	text := o.Value
	if !o.HasValue {
		text = "yes" // only flags and booleans may stand without a value
	}
	var v schema.Value
	var err error
	if f.Kind == schema.Address {
		var a netlinkapi.Address
		a, err = c.parseAddress(ctx, text)
		v.Text = string(a)
	} else {
		v, err = c.parseValue(f, text)
	}
	if err != nil {
		return err
	}
	if p := c.body(); f.Kind == schema.Flag && v.Num == 0 {
		p.Unset(f.Key)
	} else {
		p.Put(f, v)
	}
	return nil
}

// body returns the command's set, to be filled.
func (c *call) body() *schema.Values {
	if c.payload == nil {
		c.payload = c.cmd.set.In(c.gen).New()
	}
	return c.payload
}

// has reports how often an option that is not in a set was given.
func (c *call) has(name string) int {
	n := 0
	for _, o := range c.given {
		if o.Name == name {
			n++
		}
	}
	return n
}

// value returns the last value given for an option that is not in a set.
func (c *call) value(name string) (o cli.Option, ok bool) {
	for _, g := range c.given {
		if g.Name == name {
			o, ok = g, true
		}
	}
	return o, ok
}
