package tax

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// PutCategory describes a category, by its key.
func PutCategory(ctx context.Context, tx tenant.Tx, c Category) error {
	if c.Service == AnyService {
		c.Service = Telecom
	}
	if c.Name == "" {
		c.Name = c.Key
	}
	if err := c.Check(); err != nil {
		return err
	}
	table, err := Load(ctx, tx)
	if err != nil {
		return err
	}
	for _, r := range table.byCategory[c.Key] {
		if r.Percent.Sign() > 0 && !c.Code.Taxes() && r.To.IsZero() {
			return fmt.Errorf("category %s has a rate of %s %%, which %s may not have: %w", c.Key, r.Percent, c.Code, ErrCode)
		}
	}
	_, err = tx.Exec(ctx, `
		insert into tax_category (key, name, code, reason_code, reason, service) values ($1, $2, $3, $4, $5, $6)
		on conflict (key) do update
		   set name = excluded.name, code = excluded.code, reason_code = excluded.reason_code, reason = excluded.reason, service = excluded.service`,
		c.Key, c.Name, c.Code, c.Reason.Code, c.Reason.Text, c.Service)
	if err != nil {
		return fmt.Errorf("put tax category %s: %w", c.Key, err)
	}
	return raiseEpoch(ctx, tx)
}

// Descriptions lists the categories that are described or have a rate.
func (t Table) Descriptions() []Category {
	var list []Category
	seen := map[string]bool{}
	for _, key := range t.Categories() {
		c, _ := t.Category(key)
		list, seen[key] = append(list, c), true
	}
	for key, c := range t.categories {
		if !seen[key] {
			list = append(list, c)
		}
	}
	return list
}

// maxRules bounds what is walked for each line.
const maxRules = 200

// ErrTooMany is returned for more rules than are followed.
var ErrTooMany = errors.New("at most 200 tax rules")

// PutRules replaces all rules; they are tried in the order given.
func PutRules(ctx context.Context, tx tenant.Tx, rules []Rule) ([]Rule, error) {
	if len(rules) > maxRules {
		return nil, ErrTooMany
	}
	table, err := Load(ctx, tx)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	batch.Queue(`delete from tax_rule`)
	put := make([]Rule, len(rules))
	for i, r := range rules {
		if err := r.Check(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		if r.Treat == AsCategory && len(table.byCategory[r.Category]) == 0 {
			return nil, fmt.Errorf("rule %d: category %q: %w", i+1, r.Category, ErrNoRate)
		}
		r.ID, r.Position = uuid.Must(uuid.NewV7()), i+1
		put[i] = r
		batch.Queue(`
			insert into tax_rule (id, position, seller, buyer, kind, service, treatment, category, reason_code, reason)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			r.ID, r.Position, r.Seller, r.Buyer, r.Kind, r.Service, r.Treat, r.Category, r.Reason.Code, r.Reason.Text)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("put tax rules: %w", err)
	}
	return put, raiseEpoch(ctx, tx)
}

// UsualRules are what the member states of the EU have agreed on for services:
// a business of another member state owes the tax itself, one outside the EU is
// not taxed. Elsewhere nothing is usual.
func UsualRules(country string) []Rule {
	if !InEU(country) {
		return nil
	}
	return []Rule{
		{Position: 1, Seller: euCountries, Buyer: euCountries, Kind: Taxable, Treat: Reverse},
		{Position: 2, Seller: euCountries, Buyer: otherCountry, Kind: Business, Treat: NotSubject},
	}
}

// PutSettings replaces how documents are taxed; whose word holds stays as it is.
func PutSettings(ctx context.Context, tx tenant.Tx, s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	s.Engine = ""
	done, err := tx.Exec(ctx, `
		update operator set tax_settings = $1::jsonb || case when tax_settings ? 'engine' then jsonb_build_object('engine', tax_settings -> 'engine') else '{}'::jsonb end
		 where id = 1`, s)
	if err == nil && done.RowsAffected() != 1 {
		err = errors.New("the operator is not set up")
	}
	if err != nil {
		return fmt.Errorf("put tax settings: %w", err)
	}
	return raiseEpoch(ctx, tx)
}

// Errors of exemptions.
var (
	ErrExemption   = errors.New("an exemption has a code that taxes nothing, a reason and a day from which it holds")
	ErrNoExemption = errors.New("no such exemption, or it has ended")
)

// AddExemption frees an account of tax from a day on.
func AddExemption(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, e Exemption, by string) (Exemption, error) {
	if !e.Code.Valid() || e.Code.Taxes() || e.From.IsZero() || !e.To.IsZero() && !e.From.Before(e.To) {
		return Exemption{}, ErrExemption
	}
	if e.Reason.Text == "" {
		e.Reason.Text = UsualReason(e.Code).Text
	}
	if e.Reason.Text == "" {
		return Exemption{}, ErrExemption
	}
	id := uuid.Must(uuid.NewV7())
	e.ID = id.String()
	done, err := tx.Exec(ctx, `
		insert into tax_exemption (id, account_id, category, code, reason_code, reason, certificate, valid_from, valid_to, created_by, created_at)
		select $1, a.id, $3, $4, $5, $6, $7, $8, $9, $10, $11 from billing_account a where a.id = $2 for no key update`,
		id, accountID, e.Category, e.Code, e.Reason.Code, e.Reason.Text, e.Certificate, e.From, optional(e.To), by, tx.At)
	if err != nil {
		return Exemption{}, fmt.Errorf("exempt account %s: %w", accountID, err)
	}
	if done.RowsAffected() != 1 {
		return Exemption{}, fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	return e, account.RefreshTaxStatus(ctx, tx, accountID)
}

// EndExemption lets one run out before a day; one that has not begun by then
// ends with its first day.
func EndExemption(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID, before calendar.Date) error {
	done, err := tx.Exec(ctx, `
		update tax_exemption set valid_to = greatest($3, valid_from + 1)
		where id = $2 and account_id = $1 and (valid_to is null or valid_to > $3)`, accountID, id, before)
	if err != nil {
		return fmt.Errorf("end exemption %s: %w", id, err)
	}
	if done.RowsAffected() != 1 {
		return ErrNoExemption
	}
	return account.RefreshTaxStatus(ctx, tx, accountID)
}

// PutWithholding says what tax an account's customer keeps back from what it
// pays; nil: none.
func PutWithholding(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, w *Withholding) error {
	if w != nil {
		if err := w.Check(); err != nil {
			return err
		}
	}
	done, err := tx.Exec(ctx, `update billing_account set withholding = $2 where id = $1`, accountID, w)
	if err != nil {
		return fmt.Errorf("put withholding of account %s: %w", accountID, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("account %s: %w", accountID, account.ErrNotFound)
	}
	return nil
}
