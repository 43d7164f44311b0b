package bill

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// frame is what the accounts of a chunk have in common.
type frame struct {
	profile   account.Profile
	counted   calendar.Counted
	rates     tax.Table
	sellers   map[uuid.UUID]Seller
	offerings map[uuid.UUID]catalog.Offering
	exchange  *catalog.Rates // nil: nothing is converted
	at        time.Time
	numbers   numbering
	locks     bool // what is loaded besides is locked too
	settles   bool // credit is applied to new bills in the same transaction
	quotes    tax.Quotes
	outside   Outside
}

func loadFrame(ctx context.Context, tx tenant.Tx) (*frame, error) {
	f := &frame{sellers: map[uuid.UUID]Seller{}, offerings: map[uuid.UUID]catalog.Offering{}, at: tx.At}
	var err error
	if f.profile, err = account.GetProfile(ctx, tx); err != nil {
		return nil, err
	}
	f.counted = f.profile.Counted()
	if f.rates, err = tax.Load(ctx, tx); err != nil {
		return nil, err
	}
	if f.numbers, err = loadNumbering(ctx, tx, f.profile.Name); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		select id, is_default, name, address, country, tax_id, register_id, bank_name, bank_iban, bank_bic
		from legal_entity`)
	if err != nil {
		return nil, fmt.Errorf("read legal entities: %w", err)
	}
	var s Seller
	var country string
	_, err = pgx.ForEachRow(rows, []any{&s.id, &s.isDefault, &s.Name, &s.Address, &country, &s.TaxID, &s.RegisterID, &s.Bank.Name, &s.Bank.IBAN, &s.Bank.BIC}, func() error {
		s.Address.Country = country
		f.sellers[s.id] = s
		s = Seller{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read legal entities: %w", err)
	}
	return f, nil
}
