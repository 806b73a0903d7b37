package schema

// Code is the ret_code of a reply: 101 is success, above it are refusals; 1 to
// 4 are successful state changes, 0 and below refused ones.
type Code int32

// The return codes, numbers as in DRBD 8.4 and 9.
const (
	NoError               Code = 101
	ErrLocalAddr          Code = 102
	ErrPeerAddr           Code = 103
	ErrOpenDisk           Code = 104
	ErrOpenMetaDisk       Code = 105
	ErrDiskNotBlock       Code = 107
	ErrMetaNotBlock       Code = 108
	ErrDiskTooSmall       Code = 111
	ErrMetaTooSmall       Code = 112
	ErrClaimDisk          Code = 114
	ErrClaimMetaDisk      Code = 115
	ErrMetaIndex          Code = 116
	ErrMetaIO             Code = 118
	ErrMetaInvalid        Code = 119
	ErrAuthAlg            Code = 120
	ErrAuthAlgNoDigest    Code = 121
	ErrNoMemory           Code = 122
	ErrDiscardImpossible  Code = 123
	ErrDiskConfigured     Code = 124
	ErrNetConfigured      Code = 125
	ErrMandatoryTag       Code = 126
	ErrMinorInvalid       Code = 127
	ErrInterrupted        Code = 129
	ErrResizeResync       Code = 130
	ErrNoPrimary          Code = 131
	ErrResyncAfter        Code = 132
	ErrResyncAfterCycle   Code = 133
	ErrPauseIsSet         Code = 134
	ErrPauseIsClear       Code = 135
	ErrNoDisk             Code = 138
	ErrNotProtoC          Code = 139
	ErrNoMemoryBitmap     Code = 140
	ErrIntegrityAlg       Code = 141
	ErrIntegrityNoDigest  Code = 142
	ErrCPUMask            Code = 143
	ErrCsumsAlg           Code = 144
	ErrCsumsNoDigest      Code = 145
	ErrVerifyAlg          Code = 146
	ErrVerifyNoDigest     Code = 147
	ErrCsumsRunning       Code = 148
	ErrVerifyRunning      Code = 149
	ErrDataNotCurrent     Code = 150
	ErrConnected          Code = 151
	ErrPermission         Code = 152
	ErrNeedProto93        Code = 153
	ErrStonithProtoA      Code = 154
	ErrCongestNotProtoA   Code = 155
	ErrPausedByDependency Code = 156
	ErrPausedByPeer       Code = 157
	ErrResourceUnknown    Code = 158
	ErrResourceInUse      Code = 159
	ErrMinorConfigured    Code = 160
	ErrMinorOrVolExists   Code = 161
	ErrInvalidRequest     Code = 162
	ErrNeedProto100       Code = 163
	ErrNeedTwoPrimaries   Code = 164
	ErrMetaUnclean        Code = 165
	ErrLayoutConnected    Code = 166
	ErrLayoutTooBig       Code = 167
	ErrLayoutTooSmall     Code = 168
	ErrLayoutNoFit        Code = 169
	ErrImplicitShrink     Code = 170
	ErrPeerNodeID         Code = 171 // from here on 9 only
	ErrCreateTransport    Code = 172
	ErrAddressPair        Code = 173
	ErrAlreadyExists      Code = 174
	ErrProtoTooLow        Code = 175
	ErrPathCollision      Code = 176
)

// The results of state changes.
const (
	StateNoNeed              Code = 4
	StateClusterWide         Code = 3
	StateNothingToDo         Code = 2
	StateDone                Code = 1
	StateUnknownError        Code = 0
	StateTwoPrimaries        Code = -1
	StateNoUpToDateDisk      Code = -2
	StateNoLocalDisk         Code = -4
	StateNoRemoteDisk        Code = -5
	StateConnectedOutdates   Code = -6
	StatePrimaryNop          Code = -7
	StateResyncRunning       Code = -8
	StateAlreadyStandAlone   Code = -9
	StateFailedByPeer        Code = -10
	StateIsDiskless          Code = -11
	StateDeviceInUse         Code = -12
	StateNoNetConfig         Code = -13
	StateNoVerifyAlg         Code = -14
	StateNeedConnection      Code = -15
	StateLowerThanOutdated   Code = -16
	StateNotSupported        Code = -17
	StateTransient           Code = -18
	StateConcurrent          Code = -19
	StateOtherVolPrimary     Code = -20
	StateInterrupted         Code = -21 // 8.4: graceful disconnect needs a connection
	StatePrimaryReader       Code = -22
	StateTimeout             Code = -23
	StateWeaklyConnected     Code = -24
	StateNoQuorum            Code = -25
	StateAttachNoBitmap      Code = -26
	StateHandshakeDisconnect Code = -27
	StateHandshakeRetry      Code = -28
)

// OK reports whether the code means success.
func (c Code) OK() bool { return c == NoError || c >= StateDone && c <= StateNoNeed }

// Refusal reports whether the code is one of a refused request (above 100).
func (c Code) Refusal() bool { return c > NoError }
