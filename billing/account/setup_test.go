package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func jakarta(t *testing.T) account.NewOperator {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatal(err)
	}
	return account.NewOperator{
		Profile: account.Profile{Name: "Kabel", Country: "ID", Zone: zone, Currency: money.MustCurrency("IDR"), Language: account.Indonesian, PaymentTermDays: 14},
		ClockAt: time.Date(2025, 1, 1, 0, 0, 0, 0, zone),
	}
}

func TestSetup_onceHoweverOftenRun(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t, pgtest.Options{Bare: true})
	for range 2 {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return account.Setup(ctx, tx, jakarta(t)) })
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		p, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		if p.Zone.String() != "Asia/Jakarta" || p.AnchorPolicy != calendar.Clamp || p.BrandColour == "" {
			t.Errorf("profile %+v", p)
		}
		var percent money.Decimal
		err = tx.QueryRow(ctx, `select percent from tax_rate where category = 'standard' and valid_to is null`).Scan(&percent)
		if err != nil || percent.String() != "11" {
			t.Errorf("standard rate %s, %v", percent, err)
		}
		return err
	})
}

func TestSetup_namesTheField(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t, pgtest.Options{Bare: true})
	for field, spoil := range map[string]func(*account.NewOperator){
		"name":      func(o *account.NewOperator) { o.Name = " " },
		"country":   func(o *account.NewOperator) { o.Country = "Germany" },
		"zone":      func(o *account.NewOperator) { o.Zone = nil },
		"tax_rates": func(o *account.NewOperator) { o.Country = "ZZ" },
		"language":  func(o *account.NewOperator) { o.Language = "xx" },
	} {
		o := jakarta(t)
		spoil(&o)
		err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error { return account.Setup(ctx, tx, o) })
		var refused *account.FieldError
		if !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestPutProfile_currencyIsFixedByTheFirstAccount(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	change := func(currency, colour string) error {
		return db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			p, err := account.GetProfile(ctx, tx)
			if err != nil {
				return err
			}
			p.Currency, p.BrandColour = money.MustCurrency(currency), colour
			return account.PutProfile(ctx, tx, p)
		})
	}
	if err := change("USD", "#112233"); err != nil {
		t.Fatal(err)
	}
	openOne(t, db, account.NewAccount{Kind: account.Postpaid})
	if err := change("EUR", "#112233"); !errors.Is(err, account.ErrCurrencyFixed) {
		t.Errorf("currency changed late: %v", err)
	}
	if err := change("USD", "#445566"); err != nil {
		t.Error(err)
	}
	if err := change("USD", "blue"); !errors.Is(err, account.ErrInvalid) {
		t.Errorf("a bad colour: %v", err)
	}
}

// What stands on every bill and in every mail is short, and on one line.
func TestPutProfile_textsOnOneLine(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	for field, spoil := range map[string]func(*account.Profile){
		"name":            func(p *account.Profile) { p.Name = "Name\r\nBcc: somebody@example.net" },
		"support_contact": func(p *account.Profile) { p.SupportContact = strings.Repeat("x", 201) },
	} {
		err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			p, err := account.GetProfile(ctx, tx)
			if err != nil {
				return err
			}
			spoil(&p)
			return account.PutProfile(ctx, tx, p)
		})
		var refused *account.FieldError
		if !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
