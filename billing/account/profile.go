package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Profile is how the operator does business: one per stack.
type Profile struct {
	Name             string
	Country          string // ISO 3166-1 alpha-2
	Zone             *time.Location
	Currency         money.Currency
	Language         Language
	PricesIncludeTax bool
	AnchorPolicy     calendar.AnchorPolicy
	PaymentTermDays  int
	BillingRules            // PutBillingRules changes them
	BrandColour      string // #rrggbb, lower case
	SupportContact   string
	Standing         Standing // with the house; PutProfile leaves it alone
	Logo             string   // hash of the logo, for its address; empty: none. PutLogo changes it
}

// Errors of the profile.
var (
	ErrNotSetUp      = errors.New("the stack has no operator yet")
	ErrCurrencyFixed = errors.New("country and currency cannot change once accounts exist")
)

const maxPaymentTermDays = 365

var (
	countryCode = regexp.MustCompile(`^[A-Z]{2}$`)
	colourCode  = regexp.MustCompile(`^#[0-9a-f]{6}$`)
)

// check refuses what the schema would refuse, with the field's name.
func (p Profile) check() error {
	switch {
	case !printable(p.Name):
		return &FieldError{"name", "the operator's name, of up to 200 characters on one line"}
	case !fits(p.SupportContact):
		return &FieldError{"support_contact", "up to 200 characters on one line"}
	case !countryCode.MatchString(p.Country):
		return &FieldError{"country", "a two-letter country code (ISO 3166-1)"}
	case p.Zone == nil || p.Zone == time.Local:
		return &FieldError{"zone", "an IANA zone such as Asia/Jakarta"}
	case p.Currency == money.Currency{}:
		return &FieldError{"currency", "an ISO 4217 currency"}
	case p.AnchorPolicy != calendar.Clamp && p.AnchorPolicy != calendar.Sticky28:
		return &FieldError{"anchor_policy", "clamp or sticky_28"}
	case p.PaymentTermDays < 0 || p.PaymentTermDays > maxPaymentTermDays:
		return &FieldError{"payment_term_days", "a number of days from 0 to 365"}
	case !colourCode.MatchString(p.BrandColour):
		return &FieldError{"brand_colour", "a colour such as #3b4cca"}
	}
	_, err := ParseLanguage(string(p.Language))
	return err
}

// Counted is how parts of a period are counted.
func (p Profile) Counted() calendar.Counted {
	return calendar.Counted{By: p.Proration, Zone: p.Zone}
}

// LocalDate is the operator's calendar day at an instant.
func (p Profile) LocalDate(at time.Time) calendar.Date { return calendar.DateOf(at, p.Zone) }

const selectProfile = `
select name, country, zone, currency, language, prices_include_tax, anchor_policy,
       payment_term_days, proration, run_approval, coalesce(zone_next, ''), zone_from, brand_colour, support_contact, standing, standing_since, service_until,
       coalesce((select hash from operator_logo where operator_logo.id = 1), '')
  from operator
 where id = 1`

// GetProfile reads the operator's profile; ErrNotSetUp if there is none.
func GetProfile(ctx context.Context, tx tenant.Tx) (Profile, error) {
	var p Profile
	var zone string
	var since, until *time.Time
	err := tx.QueryRow(ctx, selectProfile).Scan(&p.Name, &p.Country, &zone, &p.Currency, &p.Language,
		&p.PricesIncludeTax, &p.AnchorPolicy, &p.PaymentTermDays, &p.Proration, &p.RunApproval, &p.ZoneNext, &p.ZoneFrom, &p.BrandColour, &p.SupportContact, &p.Standing.State, &since, &until, &p.Logo)
	if errors.Is(err, pgx.ErrNoRows) {
		return Profile{}, ErrNotSetUp
	}
	if err != nil {
		return Profile{}, fmt.Errorf("read profile: %w", err)
	}
	p.Standing.setTimes(since, until)
	if p.Zone, err = time.LoadLocation(zone); err != nil {
		return Profile{}, fmt.Errorf("read profile: %w", err)
	}
	return p, nil
}

// Money of two currencies, or documents under two countries' laws, must not
// meet in one stack: both are fixed by the first account. Prices that change
// from net to gross would change what is sold already, so that is fixed too.
const updateProfile = `
update operator
   set name = $1, country = $2, zone = case when exists (select from billing_account) then zone else $3 end, currency = $4, language = $5, prices_include_tax = $6,
       anchor_policy = $7, payment_term_days = $8, brand_colour = $9, support_contact = $10
 where id = 1
   and ((country = $2 and currency = $4 and prices_include_tax = $6)
        or not exists (select from billing_account))`

// PutProfile replaces the operator's profile. It returns a *FieldError for a
// value that is not allowed and ErrCurrencyFixed for one that came too late.
func PutProfile(ctx context.Context, tx tenant.Tx, p Profile) error {
	if err := p.check(); err != nil {
		return err
	}
	now, err := GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	done, err := tx.Exec(ctx, updateProfile, p.Name, p.Country, p.Zone.String(), p.Currency, p.Language,
		p.PricesIncludeTax, p.AnchorPolicy, p.PaymentTermDays, p.BrandColour, p.SupportContact)
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	if done.RowsAffected() == 0 {
		return ErrCurrencyFixed
	}
	if err := laterZone(ctx, tx, now, p.Zone); err != nil {
		return err
	}
	return nil
}
