package account

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Address is a postal address, as it is stored and printed.
type Address struct {
	Street   string `json:"street"` // with the house number
	Postcode string `json:"postcode"`
	City     string `json:"city"`
	Region   string `json:"region,omitempty"`
	Country  string `json:"country"`
}

// TaxRate is one rate of a category, from a day on until a later one replaces it.
type TaxRate struct {
	Category  string
	Name      string
	Percent   money.Decimal
	ValidFrom calendar.Date
	ValidTo   *calendar.Date // nil: still in force
}

// NewOperator is what a stack is set up with.
type NewOperator struct {
	Profile
	LegalEntity LegalEntity // an empty name takes the profile's
	Branch      string      // an empty name takes the city, or the profile's name
	TaxRates    []TaxRate   // none: the country's own, if we know them
	// ClockAt is a sandbox's first business time; zero for a live stack.
	ClockAt time.Time
}

// Setup writes what a new stack needs before its first command: the operator,
// its default legal entity and branch, tax rates, both epochs and, for a
// sandbox, its clock. It runs in a transaction opened with Sandbox false, as
// there is no clock to read yet. A stack that is set up already stays as it is.
func Setup(ctx context.Context, tx tenant.Tx, o NewOperator) error {
	if err := o.fill(); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `
		insert into operator (id, name, country, zone, currency, language, prices_include_tax, anchor_policy,
		                      payment_term_days, brand_colour, support_contact, created_at)
		values (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		on conflict (id) do nothing`,
		o.Name, o.Country, o.Zone.String(), o.Currency, o.Language, o.PricesIncludeTax, o.AnchorPolicy,
		o.PaymentTermDays, o.BrandColour, o.SupportContact, tx.At)
	if err != nil {
		return fmt.Errorf("set up operator: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, o.batch(tx.At)).Close(); err != nil {
		return fmt.Errorf("set up operator: %w", err)
	}
	return nil
}

const defaultBrandColour = "#3b4cca"

// fill puts in what follows from the rest and refuses what is wrong.
func (o *NewOperator) fill() error {
	if o.BrandColour == "" {
		o.BrandColour = defaultBrandColour
	}
	if o.AnchorPolicy == "" {
		o.AnchorPolicy = calendar.Clamp
	}
	if o.LegalEntity.Name == "" {
		o.LegalEntity.Name = o.Name
	}
	if o.LegalEntity.Address.Country == "" {
		o.LegalEntity.Address.Country = o.Country
	}
	if o.Branch == "" {
		o.Branch = o.LegalEntity.Address.City
	}
	if o.Branch == "" {
		o.Branch = o.Name
	}
	if err := o.check(); err != nil {
		return err
	}
	if len(o.TaxRates) > 0 {
		return nil
	}
	var err error
	o.TaxRates, err = TaxRatesOf(o.Country)
	return err
}

func (o *NewOperator) batch(at time.Time) *pgx.Batch {
	var b pgx.Batch
	entity, e := uuid.Must(uuid.NewV7()), o.LegalEntity
	b.Queue(`
		insert into legal_entity (id, name, address, country, tax_id, register_id, bank_name, bank_iban, bank_bic, is_default, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10)`,
		entity, e.Name, e.Address, e.Address.Country, e.TaxID, e.RegisterID, e.BankName, e.BankIBAN, e.BankBIC, at)
	b.Queue(`insert into branch (id, legal_entity, name, is_default, created_at) values ($1, $2, $3, true, $4)`,
		uuid.Must(uuid.NewV7()), entity, o.Branch, at)
	for _, r := range o.TaxRates {
		b.Queue(`insert into tax_rate (id, category, name, percent, valid_from, valid_to) values ($1, $2, $3, $4, $5, $6)`,
			uuid.Must(uuid.NewV7()), r.Category, r.Name, r.Percent, r.ValidFrom, r.ValidTo)
	}
	if InEU(o.Country) {
		b.Queue(insertUsualTaxRules, uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()))
	}
	b.Queue(`insert into catalog_epoch (id, epoch) values (1, 1)`)
	b.Queue(`insert into account_epoch (id, epoch) values (1, 1)`)
	if !o.ClockAt.IsZero() {
		b.Queue(`insert into clock (id, at) values (1, $1) on conflict (id) do nothing`, o.ClockAt.UTC().Truncate(time.Microsecond))
	}
	return &b
}
