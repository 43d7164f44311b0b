package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// act is what a command did, for its audit row.
type act struct {
	object string
	id     uuid.UUID
	detail map[string]any
}

// recorded is the act of a command whose domain writes the audit row itself.
var recorded act

// once carries out what a form asks for, in one transaction with its audit row.
// The same form sent again changes nothing more: again is true then. What was
// typed and where it went count into the key, so that a form which is gone back
// to and changed is another one.
func once(v *web.Visit, action string, do func(ctx context.Context, tx tenant.Tx) (act, error)) (again bool, err error) {
	return oncePart(v, action, "", do)
}

// oncePart is once for one of the several things that a form asks for, such as
// each of its files.
func oncePart(v *web.Visit, action, part string, do func(ctx context.Context, tx tenant.Tx) (act, error)) (again bool, err error) {
	sent := idempotency.Fingerprint(action+" "+part, []byte(v.Sent()))
	request := idempotency.Request{Actor: v.Who.Actor(), Operation: "console." + action, Key: hex.EncodeToString(sent), BodyHash: sent, WallAt: v.Caller().WallAt}
	err = v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		again = true // unless the key is new; a transaction that lost a race runs again
		_, err := idempotency.Do(ctx, tx, request, func(ctx context.Context, tx tenant.Tx) (idempotency.Answer, error) {
			again = false
			done, err := do(ctx, tx)
			if err != nil {
				return idempotency.Answer{}, err
			}
			return idempotency.Answer{Status: http.StatusSeeOther}, record(ctx, tx, v, action, done)
		})
		return err
	})
	return again, err
}

// record writes the audit row of a command, unless its domain did.
func record(ctx context.Context, tx tenant.Tx, v *web.Visit, action string, done act) error {
	if done.object == "" {
		return nil
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: action, Object: done.object, ObjectID: done.id, Detail: done.detail})
}

// read runs fn on one snapshot of the visitor's operator.
func read(v *web.Visit, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return v.Stack.Read(v.Context(), fn)
}

// idIn is a path's part that names a thing by its id; what is no id names
// nothing.
func idIn(v *web.Visit, name string) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param(name))
	if err != nil {
		return uuid.Nil, account.ErrNotFound
	}
	return id, nil
}

// after says that a form did its work: on the page at a path of the console,
// with the words of admin.done.<what>.
func after(v *web.Visit, path, what string) error {
	return v.Lead(v.Console(path, "done", what))
}

// cursor is the id after which a list goes on; zero at its beginning.
func cursor(v *web.Visit) uuid.UUID {
	id, err := uuid.Parse(v.Query("before"))
	if err != nil {
		return uuid.Nil
	}
	return id
}

// fieldOf names the field that the domain refused, or nothing.
func fieldOf(err error) string {
	var field *account.FieldError
	if errors.As(err, &field) {
		return field.Field
	}
	return ""
}

// refusedBy says whether the domain refused by one of some errors.
func refusedBy(err error, refusals ...error) bool {
	return slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(err, r) })
}
