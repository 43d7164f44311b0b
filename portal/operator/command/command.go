package command

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// Command is what a form asks for: what is written to the audit trail, and how
// it is carried out.
type Command struct {
	Action string         // what was done, as the audit trail names it: subscription.suspend
	Object string         // the kind of thing; empty for none
	ID     uuid.UUID      // may be set by Do, like Detail
	Detail map[string]any // what changed; never a secret
	// Part tells apart what one form may ask for several times over, such as each
	// of its files, or what it held when it was gone back to. Without one, a form
	// that comes again with something else in it is refused.
	Part string
	// Recorded is set where the domain writes the audit row itself.
	Recorded bool
	// Do carries it out and gives the address of the page that tells of it. What
	// it refuses leaves nothing behind, so that the same form may be sent again.
	Do func(ctx context.Context, tx tenant.Tx) (next string, err error)
	// Fresh says afterwards that this was the first time, and no repeat.
	Fresh bool
}

// CarryOut does a form's command once: however often the form is sent, it is
// one command, one audit row and one answer.
func CarryOut(v *web.Visit, c *Command) (next string, err error) {
	err = v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		c.Fresh = false // a transaction that lost a race runs again
		answer, err := idempotency.Do(ctx, tx, request(v, c), func(ctx context.Context, tx tenant.Tx) (idempotency.Answer, error) {
			c.Fresh = true
			next, err := c.Do(ctx, tx)
			if err != nil {
				return idempotency.Answer{}, err
			}
			if err := record(ctx, tx, v, c); err != nil {
				return idempotency.Answer{}, err
			}
			body, err := v.Stack.Seal(billing.StoredAnswer, []byte(next))
			return idempotency.Answer{Status: http.StatusSeeOther, Body: body}, err
		})
		if err != nil {
			return err
		}
		body, err := v.Stack.Unseal(billing.StoredAnswer, answer.Body)
		next = string(body)
		return err
	})
	return next, err
}

func record(ctx context.Context, tx tenant.Tx, v *web.Visit, c *Command) error {
	if c.Recorded {
		return nil
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: c.Action, Object: c.Object, ObjectID: c.ID, Detail: c.Detail})
}

// longestKey bounds what is taken for a form's key.
const longestKey = 200

// request names a form by its hidden key. A form without one is a command of
// its own.
func request(v *web.Visit, c *Command) idempotency.Request {
	key := v.Form("key")
	if key == "" || len(key) > longestKey {
		key = NewKey()
	}
	if c.Part != "" {
		key = hex.EncodeToString(idempotency.Fingerprint(key, []byte(c.Part)))
	}
	return idempotency.Request{Actor: v.Who.Actor(), Operation: c.Action, Key: "console/" + key, BodyHash: fingerprint(v, c.Action), WallAt: v.Caller().WallAt}
}

// fingerprint tells whether a form sent twice asks for the same: everything in
// it counts but what proves that it is ours.
func fingerprint(v *web.Visit, action string) []byte {
	var names []string
	for name := range v.Fields() {
		if name != "csrf" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var body strings.Builder
	for _, name := range names {
		body.WriteString(name + "\x00" + strings.Join(v.Fields()[name], "\x00") + "\x01")
	}
	return idempotency.Fingerprint(action, []byte(body.String()))
}

// NewKey is for the hidden field of a new form.
func NewKey() string { return uuid.Must(uuid.NewV7()).String() }

// ID is an id for what a form makes, the same however often it is sent.
func ID(v *web.Visit) uuid.UUID {
	key, err := uuid.Parse(v.Form("key"))
	if err != nil || key.Version() != 7 {
		return uuid.Must(uuid.NewV7())
	}
	return key
}
