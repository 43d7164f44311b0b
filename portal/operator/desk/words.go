package desk

import (
	"errors"
	"strings"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
)

// refusals are what the domain refuses, with the key of the words for it.
var refusals = []struct {
	err error
	key string
}{
	{access.ErrHeld, "held"}, {account.ErrNoPart, "nopart"}, {onboarding.ErrRequiredPart, "needed"}, {desk.ErrSamePlan, "same"}, {desk.ErrOtherBilling, "billing"}, {desk.ErrNewService, "service"}, {desk.ErrNotRunning, "state"},
	{account.ErrChangeScheduled, "scheduled"}, {account.ErrChangeEnded, "ended"}, {account.ErrMove, "state"}, {account.ErrClosed, "closed"}, {account.ErrPaused, "state"}, {account.ErrNotPaused, "state"}, {charging.ErrInsufficient, "insufficient"}, {bill.ErrNothingToBill, "nothing"}, {account.ErrSameCycle, "samecycle"},
	{balance.ErrInsufficient, "insufficient"}, {balance.ErrAmount, "amount"}, {payment.ErrAmount, "amount"}, {payment.ErrPurpose, "purpose"},
	{bill.ErrSent, "sent"}, {bill.ErrHasMoney, "moved"}, {bill.ErrVoidForbidden, "novoid"}, {bill.ErrNotCreditable, "notcreditable"}, {bill.ErrCredited, "credited"},
	{bill.ErrInstalments, "instalments"}, {bill.ErrWriteOff, "writeoff"}, {bill.ErrDepositAmount, "deposit"}, {bill.ErrNoteReason, "reason"}, {payment.ErrTooMuch, "refundless"},
	{bill.ErrCertificateAmount, "certificate"}, {bill.ErrNothingWithheld, "certificate"},
	{account.ErrSuspended, "suspended"}, {onboarding.ErrNotSold, "sold"}, {onboarding.ErrIncomplete, "incomplete"}, {onboarding.ErrOrderEnded, "ended"}, {account.ErrIdentityInUse, "taken"},
}

// dones are what pages tell after a command.
var dones = map[string]string{
	"adjusted": "desk.done.adjusted", "redeemed": "desk.done.redeemed", "credited": "desk.done.credited", "paid": "desk.done.paid", "noted": "desk.done.noted", "pinned": "desk.done.pinned",
	"suspended": "desk.done.suspended", "resumed": "desk.done.resumed", "terminated": "desk.done.terminated", "planned": "desk.done.planned",
	"wallet": "desk.done.wallet", "asked": "desk.done.asked", "ending": "desk.done.ending", "shared": "desk.done.shared",
	"tax": "desk.done.tax", "certified": "correct.done.certified", "debited": "correct.done.debited", "voided": "correct.done.voided", "writtenoff": "correct.done.writtenoff", "parted": "correct.done.parted",
	"calledin": "correct.done.calledin", "refunded": "correct.done.refunded", "deposit": "correct.done.deposit", "returned": "correct.done.returned",
	"advance": "correct.done.advance", "committed": "correct.done.committed", "back": "correct.done.back",
	"paused": "desk.done.paused", "cycle": "desk.done.cycle", "item": "desk.done.item",
	"parent": "more.parent.done", "marketing": "more.marketing.done",
	"cancelled": "desk.done.cancelled", "sent": "desk.done.sent", "contact": "desk.done.contact", "login": "desk.done.login",
}

func doneWords(r ui.Reader, done string) string {
	if key, known := dones[done]; known {
		return r.T(key)
	}
	return ""
}

// actorWords tells by what sort of caller something was done.
func actorWords(r ui.Reader, actor string, names map[string]string) string {
	if name := names[actor]; name != "" {
		return name
	}
	kind, _, _ := strings.Cut(actor, ":")
	switch kind {
	case "user", "key", "staff", "job", "subscriber", "clerk", "stripe":
		return r.T("desk.actor." + kind)
	}
	return actor
}

// bucketName is what people call a balance.
func (p *person) bucketName(r ui.Reader, b balance.Bucket) string {
	if allowance, found := explain.AllowanceNamed(p.planOf(&b), b.Code); found {
		return allowance.Names.In(r.Locale.Language)
	}
	switch {
	case b.Unit == money.Point:
		return r.T("wallet.points")
	case b.Origin == balance.Main:
		return r.T("desk.bucket.main")
	case b.Origin == balance.Promotion:
		return r.T("left.gift")
	}
	return b.Code
}

// quantityOf writes what a balance holds.
func (p *person) quantityOf(r ui.Reader, b balance.Bucket) string {
	if b.Unit.IsCurrency() {
		return unitWords(r, b.Value, b.Unit)
	}
	if b.Unit == money.Point {
		return r.Number(b.Value)
	}
	level := r.Level(b.Value, b.Initial, b.Unit)
	return level.Text(r)
}

// identities are the numbers and logins of a subscription.
func identities(s account.Subscription) string {
	var all []string
	for _, one := range s.Services {
		for _, i := range one.Identities {
			if i.Kind != account.IMSI {
				all = append(all, explain.Readable(i.Value))
			}
		}
	}
	return strings.Join(all, ", ")
}

// methodWords names how money came.
func methodWords(r ui.Reader, m string) string { return r.T("desk.method." + m) }

// priceWords are an offering's recurring prices.
func priceWords(r ui.Reader, o catalog.Offering) string {
	var words string
	for _, price := range o.Prices.Recurring {
		words = joined(words, r.T("desk.service.price", "amount", r.Exact(money.New(price.Amount, o.Currency)), "months", r.Every(price.Period())))
	}
	if words == "" {
		return r.T("desk.plan.free")
	}
	return words
}

// priced is an amount in an offering's currency.
func priced(o catalog.Offering, d money.Decimal) money.Amount { return money.New(d, o.Currency) }

func upper(text string) string { return strings.ToUpper(strings.TrimSpace(text)) }

func isNotFound(err error) bool { return errors.Is(err, account.ErrNotFound) }
