package billing

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/sealed"
	"tollhouse/billing/tenant"
)

// StoredAnswer is the name under which the answers of commands are sealed: some
// show a secret once, which must not stand readable in the database.
const StoredAnswer = "stored_answer"

// Sealed lists all that a stack keeps sealed. What is not listed is lost when
// its key is rotated: a test compares the list with the schema.
func Sealed() []sealed.Place {
	places := []sealed.Place{secrets, importFiles}
	places = append(places, identity.Sealed()...)
	places = append(places, onboarding.Sealed()...)
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

// importFiles are those of an import, which carry credentials. They may be
// large: few are in memory at once.
var importFiles = sealed.Column{
	Name:   "intake_file.sealed",
	AtOnce: 2,
	First:  []string{uuid.Nil.String()},
	Read: `select array[id::text], sealed from intake_file
	        where id > ($1::text[])[1]::uuid order by id limit $2 for update`,
	Write:  `update intake_file set sealed = $2 where id = ($1::text[])[1]::uuid`,
	Sealed: func(key []string) string { return "intake_file/" + key[0] },
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
