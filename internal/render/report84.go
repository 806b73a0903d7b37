package render

import (
	"fmt"
	"io"
	"strings"

	"drbdutils/netlinkapi"
	"drbdutils/schema"
)

// ShStatus writes volumes of DRBD 8.4 as assignments for shell scripts.
func ShStatus(w io.Writer, volumes []Volume84) error {
	var b strings.Builder
	for _, v := range volumes {
		shStatus(&b, v)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ShStatusUnknown is ShStatus for a minor that the module does not know.
func ShStatusUnknown(w io.Writer, minor uint32) error {
	_, err := fmt.Fprintf(w, "_minor=%d\n_res_name=\n_volume=-1\n%s\n_sh_status_process\n\n\n", minor, notAvailable84)
	return err
}

const notAvailable84 = "_known=NA # not available or not yet created\n\n" + unknown84

func shStatus(b *strings.Builder, v Volume84) {
	number := int64(-1) // a resource without volumes
	if n, ok := v.Number(); ok {
		number = int64(n)
	}
	s, told := v.State()
	fmt.Fprintf(b, "_minor=%d\n_res_name=%s\n_volume=%d\n", v.Minor, ShellWord(v.Resource()), number)
	switch {
	case !told:
		b.WriteString(notAvailable84)
	case s.Unconfigured() && s.Role() != "Primary":
		b.WriteString("_known=Unconfigured\n\n" + unknown84)
	default:
		b.WriteString("_known=Configured\n\n")
		shState(b, s, v.Percent())
	}
	b.WriteString("\n_sh_status_process\n\n\n")
}

// unknown84 is the state of a volume that is not configured.
const unknown84 = `_cstate=Unconfigured
_role=
_peer=
_disk=
_pdsk=
_flags_susp=
_flags_aftr_isp=
_flags_peer_isp=
_flags_user_isp=
_resynced_percent=
`

func shState(b *strings.Builder, s State84, percent string) {
	fmt.Fprintf(b, "_cstate=%s\n_role=%s\n_peer=%s\n_disk=%s\n_pdsk=%s\n\n",
		s.ConnText(), s.Role(), s.Peer(), s.Disk(), s.PeerDisk())
	flag := func(name string, on bool) {
		fmt.Fprintf(b, "_flags_%s=%s\n", name, strings.Repeat("1", boolInt(on)))
	}
	flag("susp", s.Suspended())
	flag("aftr_isp", s.AfterPaused())
	flag("peer_isp", s.PeerPaused())
	flag("user_isp", s.UserPaused())
	fmt.Fprintf(b, "\n_resynced_percent=%s\n", percent)
}

// Percent returns how much of a resync or verify is done, with one decimal, or
// "" if none runs.
func (v Volume84) Percent() string {
	if !has(v.info(), "bits_rs_total") {
		return ""
	}
	return v.progress()
}

// progress takes what the module does not tell for nothing: all is done.
func (v Volume84) progress() string {
	info := v.info()
	total := num(info, "bits_rs_total")
	left := num(info, "bits_oos") - num(info, "bits_rs_failed")
	shift := uint(10)
	if total >= 1<<32 {
		shift = 16
	}
	if left > total {
		return "0.0"
	}
	done := 1000 - (left>>shift)*1000/(1+total>>shift)
	return fmt.Sprintf("%d.%d", done/10, done%10)
}

// Reasons why DRBD 8.4 broadcasts the state of a volume.
const (
	reasonReply = iota + 1
	reasonStateChange
	reasonHelperPre
	reasonHelperPost
	reasonProgress
)

// Event84 writes a broadcast of DRBD 8.4, or an answer to GetStatus, as a line
// of its old event stream.
func Event84(w io.Writer, m *netlinkapi.Message) error {
	_, err := io.WriteString(w, event84(Volume84{m}))
	return err
}

func event84(v Volume84) string {
	context := v.Get(schema.CfgContext)
	if context == nil {
		return textEvent84(v)
	}
	volume, ok := v.Number()
	if !ok {
		return fmt.Sprintf("%d R - %s\n", v.Seq, v.Resource())
	}
	object := fmt.Sprintf("%d,%s[%d]", v.Minor, v.Resource(), volume)
	info := v.info()
	switch reason := num(info, "sib_reason"); reason {
	case reasonReply:
		return stateLine84(v.Seq, "ST", object, info, "current_state")
	case reasonStateChange:
		return stateLine84(v.Seq, "ST-prev", object, info, "prev_state") +
			stateLine84(v.Seq, "ST-new", object, info, "new_state") +
			stateLine84(v.Seq, "ST", object, info, "current_state")
	case reasonHelperPre:
		return fmt.Sprintf("%d UH %s %s\n", v.Seq, object, text(info, "helper"))
	case reasonHelperPost:
		return fmt.Sprintf("%d UH-post %s %s 0x%04x\n", v.Seq, object, text(info, "helper"), num(info, "helper_exit_code"))
	case reasonProgress:
		return fmt.Sprintf("%d SP %s %s\n", v.Seq, object, v.progress())
	default:
		return fmt.Sprintf("%d ?? %s <other message, state info broadcast reason:%d>\n", v.Seq, object, reason)
	}
}

// textEvent84 is for messages that are only about people.
func textEvent84(v Volume84) string {
	var b strings.Builder
	for _, t := range v.Texts() {
		fmt.Fprintf(&b, "%d # %s\n", v.Seq, strings.ReplaceAll(t, "\n", "_"))
	}
	return b.String()
}

func stateLine84(seq uint32, tag, object string, info *schema.Values, key string) string {
	if !has(info, key) {
		return ""
	}
	s := State84(num(info, key))
	flag := func(on bool, letter string) string {
		if on {
			return letter
		}
		return "-"
	}
	io := "r"
	if s.Suspended() {
		io = "s"
	}
	return fmt.Sprintf("%d %s %s { cs:%s ro:%s/%s ds:%s/%s %s%s%s%s }\n", seq, tag, object,
		s.ConnText(), s.Role(), s.Peer(), s.Disk(), s.PeerDisk(),
		io, flag(s.AfterPaused(), "a"), flag(s.PeerPaused(), "p"), flag(s.UserPaused(), "u"))
}
