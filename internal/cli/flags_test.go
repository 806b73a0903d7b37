package cli_test

import (
	"testing"

	"drbdutils/internal/cli"

	"github.com/stretchr/testify/require"
)

func flags() *cli.Flags {
	f := cli.NewFlags()
	f.Add("force", "", cli.OptionalArg)
	f.Add("al-extents", "", cli.RequiredArg)
	f.Add("al-updates", "", cli.OptionalArg)
	f.Add("color", "c", cli.OptionalArg)
	f.Add("verbose", "v", cli.NoArg)
	f.Add("config-file", "f", cli.RequiredArg)
	return f
}

func TestFlagsParse(t *testing.T) {
	opt := func(name string) cli.Option { return cli.Option{Name: name} }
	val := func(name, v string) cli.Option { return cli.Option{Name: name, Value: v, HasValue: true} }
	tests := []struct {
		name    string
		args    []string
		options []cli.Option
		words   []string
	}{
		{"options stand anywhere", []string{"primary", "--force", "r0"}, []cli.Option{opt("force")}, []string{"primary", "r0"}},
		{"unique abbreviation", []string{"--al-e=700", "--forc"}, []cli.Option{val("al-extents", "700"), opt("force")}, []string{}},
		{"value as next word", []string{"--al-extents", "7", "r0"}, []cli.Option{val("al-extents", "7")}, []string{"r0"}},
		{"optional value only with equals sign", []string{"--force", "no"}, []cli.Option{opt("force")}, []string{"no"}},
		{"optional value", []string{"--force=no"}, []cli.Option{val("force", "no")}, []string{}},
		{"two dashes end options", []string{"primary", "--", "--force"}, []cli.Option{}, []string{"primary", "--force"}},
		{"order is kept", []string{"--force", "--al-e", "1", "--force=no"}, []cli.Option{opt("force"), val("al-extents", "1"), val("force", "no")}, []string{}},
		{"short cluster", []string{"-vv", "-f", "x"}, []cli.Option{opt("verbose"), opt("verbose"), val("config-file", "x")}, []string{}},
		{"short with attached optional value", []string{"-calways"}, []cli.Option{val("color", "always")}, []string{}},
		{"empty value", []string{"--al-extents="}, []cli.Option{val("al-extents", "")}, []string{}},
		{"lone dash is a word", []string{"-f", "-", "-"}, []cli.Option{val("config-file", "-")}, []string{"-"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options, words, err := flags().Parse(tt.args)
			require.NoError(t, err)
			if len(tt.options) == 0 {
				require.Empty(t, options)
			} else {
				require.Equal(t, tt.options, options)
			}
			require.Equal(t, tt.words, words)
		})
	}
}

func TestFlagsParseErrors(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown", []string{"--nope"}, "option '--nope' is not known"},
		{"unknown short", []string{"-z"}, "option '-z' is not known"},
		{"help is an option like any other", []string{"--help"}, "option '--help' is not known"},
		{"ambiguous", []string{"--al=1"}, "option '--al' is ambiguous: it could be --al-extents, --al-updates"},
		{"value missing", []string{"--al-extents"}, "option '--al-extents' requires an argument"},
		{"value not wanted", []string{"--verbose=1"}, "option '--verbose' takes no value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := flags().Parse(tt.args)
			require.EqualError(t, err, tt.want)
			usage := &cli.UsageError{}
			require.ErrorAs(t, err, &usage)
		})
	}
}

func TestFlagsFirstWins(t *testing.T) {
	f := flags()
	f.FirstWins = true
	f.Add("force-resync", "", cli.OptionalArg)
	options, _, err := f.Parse([]string{"--forc"})
	require.NoError(t, err)
	require.Equal(t, []cli.Option{{Name: "force"}}, options)

	_, _, err = f.Parse([]string{"--al=1"})
	require.Error(t, err, "one of them needs a value, the other does not")

	f.AddUnique("forced", "", cli.OptionalArg)
	options, _, err = f.Parse([]string{"--force", "--forc"})
	require.EqualError(t, err, "option '--forc' is ambiguous: it could be --force, --force-resync, --forced")
	require.Equal(t, []cli.Option{{Name: "force"}}, options, "what stands before it")
}
