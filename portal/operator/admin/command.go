package admin

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
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
	c := &command.Command{Action: action, Part: v.Sent() + "\x00" + part}
	c.Do = func(ctx context.Context, tx tenant.Tx) (next string, err error) {
		done, err := do(ctx, tx)
		c.Recorded, c.Object, c.ID, c.Detail = done.object == "", done.object, done.id, done.detail
		return "", err // where it leads is the page's own
	}
	_, err = command.CarryOut(v, c)
	return !c.Fresh, err
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
