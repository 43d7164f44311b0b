package billing

import (
	"context"
	"fmt"

	"tollhouse/billing/contact"
	"tollhouse/billing/event"
	"tollhouse/billing/identity"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/intake"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/sealed"
	"tollhouse/billing/tenant"
	"tollhouse/billing/voucher"
)

// StoredAnswer is the name under which the answers of commands are sealed: some
// show a secret once, which must not stand readable in the database.
const StoredAnswer = "stored_answer"

// Sealed lists all that a stack keeps sealed. What is not listed is lost when
// its key is rotated: a test compares the list with the schema.
func Sealed() []sealed.Place {
	places := []sealed.Place{secrets}
	places = append(places, identity.Sealed()...)
	places = append(places, onboarding.Sealed()...)
	places = append(places, contact.Sealed()...)
	places = append(places, intake.Sealed()...)
	places = append(places, voucher.Sealed()...)
	places = append(places, payment.Sealed()...)
	places = append(places, event.Sealed()...)
	return append(places, idempotency.Sealed(StoredAnswer)...)
}

// secrets are the stack's own, each sealed under its name.
var secrets = sealed.Column{
	Name:  "secret.sealed",
	First: []string{""},
	Read: `select array[name], sealed from secret
	        where name > ($1::text[])[1] order by name limit $2 for update`,
	Write:  `update secret set sealed = $2 where name = ($1::text[])[1]`,
	Sealed: func(key []string) string { return key[0] },
}

// resealAtOnce bounds the values in one transaction.
const resealAtOnce = 200

// Reseal has all sealed values of a stack sealed anew, in bounded steps while
// the stack runs, and says how many changed.
func Reseal(ctx context.Context, db *tenant.DB, ref tenant.Ref, again sealed.Again) (changed int, err error) {
	for _, place := range Sealed() {
		var after []string
		for {
			var step sealed.Step
			err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
				step, err = place.Reseal(ctx, tx, after, resealAtOnce, again)
				return err
			})
			if err != nil {
				return changed, fmt.Errorf("seal secrets of %s anew: %w", ref.Name, err)
			}
			changed += step.Changed
			if !step.More {
				break
			}
			after = step.Last
		}
	}
	return changed, nil
}
