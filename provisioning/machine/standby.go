package machine

import (
	"time"

	"github.com/google/uuid"
)

// Copy is how far the copy of a site's database on its standby is.
type Copy struct {
	Streams       bool  `json:"streams"`        // it receives the log now
	BehindBytes   int64 `json:"behind_bytes"`   // of the log that is not in it yet
	BehindSeconds int64 `json:"behind_seconds"` // how old what is not in it is, at most
	Waits         bool  `json:"waits"`          // of a host: its commits wait for the copy
}

// Following is how a standby follows its host, as the host sees it.
type Following struct {
	Standby       uuid.UUID `json:"standby"`        // which machine
	Waits         bool      `json:"waits"`          // the host's commits wait for it
	Follows       bool      `json:"follows"`        // it receives the log and has nearly all of it
	InStep        bool      `json:"in_step"`        // it has each commit before that is answered
	MissedSeconds int64     `json:"missed_seconds"` // for how long it has not followed
}

// Waiting says whether a host's commits are to wait for its standby.
type Waiting struct {
	Waits bool `json:"waits"`
}

// StandbyPatience is how long a standby may be missed before its host's commits
// wait for it no longer.
const StandbyPatience = 5 * time.Second
