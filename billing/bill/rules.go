package bill

import (
	"context"
	"fmt"

	"tollhouse/billing/account"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
)

// VoidRule says which bills may be voided. The law of the operator's country
// decides; a credit note is always possible.
type VoidRule string

// The rules.
const (
	VoidNever  VoidRule = "never"
	VoidUnsent VoidRule = "unsent" // not sent to anybody yet, and not paid
	VoidUnpaid VoidRule = "unpaid" // sent or not
)

// Rules are what an operator has laid down about correcting bills.
type Rules struct {
	Void      VoidRule `json:"void"`
	TaxRelief bool     `json:"tax_relief"` // a write-off takes its part of the tax back
}

// GetRules reads the operator's rules. Where nothing is laid down, what was
// not sent may be voided, and bad debt keeps its tax.
func GetRules(ctx context.Context, tx tenant.Tx) (Rules, error) {
	rules := Rules{Void: VoidUnsent}
	if _, err := policy.Load(ctx, tx, policy.Note, &rules); err != nil {
		return Rules{}, err
	}
	return rules, nil
}

// PutRules replaces the operator's rules.
func PutRules(ctx context.Context, tx tenant.Tx, r Rules, by string) error {
	if r.Void != VoidNever && r.Void != VoidUnsent && r.Void != VoidUnpaid {
		return &account.FieldError{Field: "void", Want: "never, unsent or unpaid"}
	}
	if err := policy.Save(ctx, tx, policy.Note, r, by); err != nil {
		return fmt.Errorf("rules of notes: %w", err)
	}
	return nil
}
