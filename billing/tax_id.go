package billing

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// LookUpTaxID asks the register about an account's customer, outside any
// transaction. That it gives no answer is no error: it is an answer to be noted
// (tax.AddCheck), and refuses no sale.
func (s *Stack) LookUpTaxID(ctx context.Context, accountID uuid.UUID) (q tax.Inquiry, r tax.Registration, silent, err error) {
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		q, err = tax.InquiryOf(ctx, tx, accountID)
		return err
	})
	if err != nil {
		return q, r, nil, err
	}
	if s.host.config.TaxIDs == nil {
		return q, r, tax.ErrRegistryUnreachable, nil
	}
	r, err = s.host.config.TaxIDs.Lookup(ctx, q)
	if errors.Is(err, tax.ErrRegistryUnreachable) {
		return q, tax.Registration{}, err, nil
	}
	return q, r, nil, err
}
