package house

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

const (
	// billDay is the day of the month on which operators' cycles begin.
	billDay = 3
	// graceDays is how many days a month stays open after its end: the last
	// day's total is signed and gathered then.
	graceDays = 1
)

// Books are the house's stack.
type Books struct {
	DB  *tenant.DB
	Ref tenant.Ref
}

// ErrPrices means that the house writes prices with tax, and contracts without.
var ErrPrices = errors.New("the house's prices include tax; contracts are without tax: set the house's prices to be without")

// Now is the house's business time, with its zone.
func (b Books) Now(ctx context.Context) (at time.Time, zone *time.Location, err error) {
	err = b.DB.Read(ctx, b.Ref, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		at, zone = tx.At, profile.Zone
		return err
	})
	return at, zone, err
}

// Enter puts a charge onto the operator's next bill. The same charge again
// changes nothing; bill.ErrItemDiffers refuses another one under its key.
func (b Books) Enter(ctx context.Context, operator tenants.Operator, h contract.HouseCharge) error {
	return b.DB.Write(ctx, b.Ref, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		if profile.PricesIncludeTax {
			return ErrPrices
		}
		owed, err := b.account(ctx, tx, profile, operator, h.Amount.Currency())
		if err != nil {
			return err
		}
		kind := bill.ItemCharge
		if h.Amount.Sign() < 0 {
			kind = bill.ItemCredit
		}
		words := map[string]string{}
		for language, text := range h.Words {
			words[language] = text + note(language, h.Charge)
		}
		_, err = bill.AddItem(ctx, tx, bill.Item{Account: owed, Kind: kind, Code: h.Code, Words: words, Period: h.Period, Price: h.Amount,
			Cause: bill.Cause{Kind: cause, ID: h.Key}, By: "system"})
		return err
	})
}

// cause is what the items exist for: a charge of a contract.
const cause = "house_charge"

// note says on the bill what a charge was reckoned from, where that is not
// plain: a share at its minimum.
func note(language string, c contract.Charge) string {
	if len(c.Detail.Missing) == 0 {
		return ""
	}
	text := map[string]string{"en": " (minimum: %d days not reported)", "id": " (minimum: %d hari belum dilaporkan)", "ru": " (минимум: нет отчётов за %d дн.)"}[language]
	if text == "" {
		return ""
	}
	return fmt.Sprintf(text, len(c.Detail.Missing))
}

// account finds the operator's account in a currency, and opens it where there
// is none. Two who open at once wait for each other at the operator's row.
func (b Books) account(ctx context.Context, tx tenant.Tx, profile account.Profile, operator tenants.Operator, currency money.Currency) (uuid.UUID, error) {
	if _, err := tx.Exec(ctx, `select id from operator where id = 1 for no key update`); err != nil {
		return uuid.Nil, fmt.Errorf("lock the house: %w", err)
	}
	id, err := AccountOf(ctx, tx, operator.ID, currency)
	if err != nil || id != uuid.Nil {
		return id, err
	}
	entity := operator.Settings.LegalEntity
	parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Organization, Name: operator.LegalName, Email: operator.OwnerEmail,
		TaxID: entity.TaxID, Language: account.Language(operator.Settings.Language),
		Address: account.Address{Street: entity.Address.Street, Postcode: entity.Address.Postcode, City: entity.Address.City, Region: entity.Address.Region, Country: operator.Country}}})
	if err != nil {
		return uuid.Nil, fmt.Errorf("open account of %s: %w", operator.Name, err)
	}
	today := profile.LocalDate(tx.At)
	anchor := calendar.Date{Year: today.Year, Month: today.Month, Day: billDay}
	if anchor.After(today) {
		anchor = anchor.AddMonths(-1)
	}
	opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid, Anchor: anchor, Currency: currency}})
	if err != nil {
		return uuid.Nil, fmt.Errorf("open account of %s: %w", operator.Name, err)
	}
	done, err := tx.Exec(ctx, `update billing_account set tags = array[$2::text] where id = $1`, opened[0].ID, tag(operator.ID))
	if err == nil && done.RowsAffected() != 1 {
		err = account.ErrNotFound
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("mark account of %s: %w", operator.Name, err)
	}
	return opened[0].ID, bill.Schedule(ctx, tx, profile.Zone, opened[0].Cycle.To)
}

// tag names an operator on its accounts in the house's stack.
func tag(operator tenant.ID) string { return "operator:" + operator.String() }

// AccountOf finds an operator's account in the house's stack; uuid.Nil if it
// has none in the currency.
func AccountOf(ctx context.Context, tx tenant.Tx, operator tenant.ID, currency money.Currency) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `select id from billing_account where $1 = any (tags) and currency = $2 order by id limit 1`, tag(operator), currency).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("look for the account of operator %s: %w", operator, err)
	}
	return id, nil
}

// AccountsOf lists all accounts of an operator in the house's stack.
func AccountsOf(ctx context.Context, tx tenant.Tx, operator tenant.ID) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select id from billing_account where $1 = any (tags) order by id`, tag(operator))
	if err != nil {
		return nil, fmt.Errorf("list accounts of operator %s: %w", operator, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
