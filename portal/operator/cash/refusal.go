package cash

import (
	"errors"
	"net/http"
	"strings"

	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/cashdesk"
	"tollhouse/billing/debit"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// fault is why something was not done: a field's or a rule's.
type fault struct{ field, words string }

// refusal is an error with words of its own for people, and the field of a form
// that it speaks of, if it does.
type refusal struct {
	err        error
	field, key string
}

// refusals are those that people meet on these pages: each says what to do.
var refusals = []refusal{
	{account.ErrNotFound, "number", "money.why.account"},
	{account.ErrClosed, "number", "money.why.closed"},
	{cashdesk.ErrNoShift, "", "money.why.noshift"},
	{cashdesk.ErrShiftOpen, "", "money.why.shiftopen"},
	{cashdesk.ErrState, "", "money.why.state"},
	{cashdesk.ErrSecondPerson, "", "money.why.second"},
	{cashdesk.ErrNotThere, "amount", "money.why.drawer"},
	{cashdesk.ErrNotCash, "receipt", "money.why.notcash"},
	{payment.ErrAmount, "amount", "money.why.amount"},
	{payment.ErrTooMuch, "amount", "money.why.toomuch"},
	{payment.ErrNotFound, "payment", "money.why.payment"},
	{payment.ErrBill, "", "money.why.bill"},
	{payment.ErrReason, "note", "money.why.reason"},
	{payment.ErrOtherParty, "number", "money.why.party"},
	{payment.ErrSameAccount, "number", "money.why.same"},
	{payment.ErrNothingToMove, "payment", "money.why.nothing"},
	{payment.ErrProviderNotConfigured, "", "money.why.unset"},
	{payment.ErrProviderUnavailable, "", "money.why.unreachable"},
	{payment.ErrProviderRefused, "", "money.why.provider"},
	{reconcile.ErrEntryState, "", "money.why.state"},
	{reconcile.ErrParts, "shares", "money.why.parts"},
	{debit.ErrReference, "reference", "money.why.reference"},
	{debit.ErrMandate, "", "money.why.mandate"},
	{debit.ErrNoCreditor, "", "money.why.creditor"},
	{debit.ErrRunState, "", "money.why.state"},
	{debit.ErrNothingDue, "collect_on", "money.why.due"},
	{debit.ErrDay, "collect_on", "money.why.day"},
}

// wants are what fields have to hold, where that is no name or number that reads
// the same in all languages.
var wants = map[string]string{"note": "money.wants.note", "receipt": "money.wants.receipt", "amount": "money.wants.amount", "counted": "money.wants.amount", "float": "money.wants.amount"}

// faultOf tells a refusal in the reader's language; a fault of ours is not known.
func faultOf(v *web.Visit, err error) (*fault, bool) {
	r := v.Reader
	var wrong *account.FieldError
	if errors.As(err, &wrong) {
		name := strings.NewReplacer("debit.", "", ".", "_").Replace(wrong.Field)
		return &fault{name, wanted(r, name, wrong.Want)}, true
	}
	for _, one := range refusals {
		if errors.Is(err, one.err) {
			return &fault{one.field, r.T(one.key)}, true
		}
	}
	p, is := problem.Of(err)
	if !is || p.Status >= http.StatusInternalServerError && p.Status != http.StatusServiceUnavailable {
		return nil, false
	}
	return &fault{"", r.T("money.refused", "why", err.Error())}, true
}

func wanted(r ui.Reader, field, want string) string {
	if key, known := wants[field]; known {
		return r.T(key)
	}
	return r.T("money.want", "what", want)
}
