package bill

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Numbering is where a series of numbers stands.
type Numbering struct {
	Series
	Seller    string // the legal entity's name
	Next      string // the number that the next document gets, as printed
	LastIssue calendar.Date
	Template  string // how they are printed
}

// maxNumberings bounds a list of series: three a year for a few companies.
const maxNumberings = 200

// Numberings lists the series that were begun, the newest year first.
func Numberings(ctx context.Context, tx tenant.Tx) ([]Numbering, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	numbers, err := loadNumbering(ctx, tx, profile.Name)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		select s.legal_entity, s.document, s.year, s.next, s.last_issue, e.name, e.is_default
		  from number_series s
		  join legal_entity e on e.id = s.legal_entity
		 order by s.year desc, e.is_default desc, lower(e.name), s.document
		 limit $1`, maxNumberings)
	if err != nil {
		return nil, fmt.Errorf("list number series: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Numbering, err error) {
		var next int64
		seller := Seller{}
		err = row.Scan(&n.LegalEntity, &n.Kind, &n.Year, &next, &n.LastIssue, &n.Seller, &seller.isDefault)
		seller.id = n.LegalEntity
		n.Next, n.Template = numbers.text(seller, n.Series, next), numbers.template(n.LegalEntity, n.Kind)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("list number series: %w", err)
	}
	return list, nil
}
