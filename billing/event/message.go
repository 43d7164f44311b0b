package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Stored is an event as it was kept.
type Stored struct {
	ID        uuid.UUID
	Type      Type
	Object    Object
	ObjectID  uuid.UUID
	Sequence  int64
	AccountID *uuid.UUID
	Data      json.RawMessage
	At        time.Time
}

// body is a message as it travels.
type body struct {
	Type      Type            `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	ID        uuid.UUID       `json:"id"`
	Object    bodyObject      `json:"object"`
	Sequence  int64           `json:"sequence"`
	AccountID *uuid.UUID      `json:"account_id,omitempty"`
	Data      json.RawMessage `json:"data"`
}

type bodyObject struct {
	Type Object    `json:"type"`
	ID   uuid.UUID `json:"id"`
}

// Body is the message that tells of an event, the same bytes each time.
func (s Stored) Body() ([]byte, error) {
	return json.Marshal(body{Type: s.Type, Timestamp: s.At.UTC(), ID: s.ID, Object: bodyObject{s.Object, s.ObjectID}, Sequence: s.Sequence,
		AccountID: s.AccountID, Data: s.Data})
}

// sign is the header webhook-signature: one signature for each secret, over
// id.timestamp.body.
func sign(id uuid.UUID, at time.Time, body []byte, secrets ...[]byte) string {
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id.String() + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}
