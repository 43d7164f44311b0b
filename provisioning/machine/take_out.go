package machine

import "github.com/google/uuid"

// TakeOutWanted asks a host for all that its operator has, in open files: its
// site is to be taken away.
type TakeOutWanted struct {
	ID   uuid.UUID `json:"id"`
	Next int       `json:"next"` // the part that is wanted next, from 1 on
}

// PartBytes is how long each part of a take-out is, but for the last.
const PartBytes = 2 << 20

// TakeOutPart is a part of a take-out. The whole is the same file for all parts.
type TakeOutPart struct {
	No          int    `json:"no"`
	Data        []byte `json:"data"`
	SHA256      string `json:"sha256"` // of the data
	Parts       int    `json:"parts"`
	WholeBytes  int64  `json:"whole_bytes"`
	WholeSHA256 string `json:"whole_sha256"`
}

// TakeOutNext answers a part: the one that is wanted next; more than there are
// once all are here.
type TakeOutNext struct {
	Next int `json:"next"`
}
