package account

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/bank"
	"tollhouse/billing/tenant"
)

// LegalEntity is a company that issues bills.
type LegalEntity struct {
	ID         uuid.UUID // given by AddLegalEntity
	Default    bool      // set by ChangeBranch, with its branch
	Name       string
	Address    Address
	TaxID      string // VAT id, NPWP
	RegisterID string // HRB, NIB
	BankName   string
	BankIBAN   string // or the account number where there is no IBAN
	BankBIC    string
}

// fits says whether a text, or none, goes on one line of a bill.
func fits(text string) bool {
	return utf8.RuneCountInString(text) <= maxLine && !strings.ContainsFunc(text, unicode.IsControl)
}

// check asks for what a bill has to name by law, and for bank details that can
// be paid to.
func (e LegalEntity) check() error {
	switch {
	case !printable(e.Name):
		return &FieldError{"name", "the company's name, on one line"}
	case !printable(e.Address.Street):
		return &FieldError{"address.street", "the street and house number that bills print"}
	case !printable(e.Address.City):
		return &FieldError{"address.city", "the city that bills print"}
	case !countryCode.MatchString(e.Address.Country):
		return &FieldError{"address.country", "a two-letter country code (ISO 3166-1)"}
	case e.BankIBAN != "" && !bank.ValidAccount(e.BankIBAN):
		return &FieldError{"bank_iban", "an IBAN with the right check digits, or a plain account number where there is none"}
	case e.BankBIC != "" && !bank.ValidCode(e.BankBIC):
		return &FieldError{"bank_bic", "a BIC of 8 or 11 characters"}
	}
	for _, line := range [][2]string{
		{"address.postcode", e.Address.Postcode}, {"address.region", e.Address.Region},
		{"tax_id", e.TaxID}, {"register_id", e.RegisterID}, {"bank_name", e.BankName},
	} {
		if !fits(line[1]) {
			return &FieldError{line[0], "at most 200 characters on one line"}
		}
	}
	return nil
}

// AddLegalEntity founds a company that issues bills of its own, with a first
// branch of the same name. ErrNameTaken for a name that another has.
func AddLegalEntity(ctx context.Context, tx tenant.Tx, e LegalEntity) (LegalEntity, error) {
	if err := e.check(); err != nil {
		return LegalEntity{}, err
	}
	e.ID, e.Name, e.Default = uuid.Must(uuid.NewV7()), strings.TrimSpace(e.Name), false
	_, err := tx.Exec(ctx, `
		insert into legal_entity (id, name, address, country, tax_id, register_id, bank_name, bank_iban, bank_bic, is_default, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, false, $10)`,
		e.ID, e.Name, e.Address, e.Address.Country, e.TaxID, e.RegisterID, e.BankName, e.BankIBAN, e.BankBIC, tx.At)
	if err != nil {
		return LegalEntity{}, fmt.Errorf("add legal entity: %w", nameTaken(err))
	}
	_, err = AddBranch(ctx, tx, Branch{LegalEntity: e.ID, Name: e.Name})
	return e, err
}

// ChangeLegalEntity replaces what is known of a company, by its id. Documents
// that it has issued keep what they say.
func ChangeLegalEntity(ctx context.Context, tx tenant.Tx, e LegalEntity) error {
	if err := e.check(); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `
		update legal_entity
		   set name = $2, address = $3, country = $4, tax_id = $5, register_id = $6, bank_name = $7, bank_iban = $8, bank_bic = $9
		 where id = $1`,
		e.ID, strings.TrimSpace(e.Name), e.Address, e.Address.Country, e.TaxID, e.RegisterID, e.BankName, e.BankIBAN, e.BankBIC)
	if err != nil {
		return fmt.Errorf("change legal entity %s: %w", e.ID, nameTaken(err))
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("legal entity %s: %w", e.ID, ErrNotFound)
	}
	return refreshTax(ctx, tx, `a.legal_entity = $1`, e.ID)
}

// LegalEntities lists the companies by name, the default one first.
func LegalEntities(ctx context.Context, tx tenant.Tx) ([]LegalEntity, error) {
	rows, err := tx.Query(ctx, `
		select id, is_default, name, address, country, tax_id, register_id, bank_name, bank_iban, bank_bic
		  from legal_entity
		 order by is_default desc, lower(name), id`)
	if err != nil {
		return nil, fmt.Errorf("list legal entities: %w", err)
	}
	entities, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (LegalEntity, error) {
		var e LegalEntity
		var country string
		err := row.Scan(&e.ID, &e.Default, &e.Name, &e.Address, &country, &e.TaxID, &e.RegisterID, &e.BankName, &e.BankIBAN, &e.BankBIC)
		e.Address.Country = country
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list legal entities: %w", err)
	}
	return entities, nil
}
