package partner

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Partner is somebody whose services are sold.
type Partner struct {
	Code      string
	Name      string
	Active    bool
	CreatedAt time.Time
}

// Errors of partners.
var (
	ErrNotFound = errors.New("no such partner")
	// ErrPartner is wrapped by every FieldError.
	ErrPartner = errors.New("not a partner's data")
)

// FieldError names a field and what would be right.
type FieldError struct{ Field, Want string }

func (e *FieldError) Error() string { return e.Field + ": want " + e.Want }

// Is lets errors.Is find ErrPartner.
func (e *FieldError) Is(target error) bool { return target == ErrPartner }

var codePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Put stores a partner over the one of its code.
func Put(ctx context.Context, tx tenant.Tx, p Partner) (Partner, error) {
	const maxName = 200
	p.Name = strings.TrimSpace(p.Name)
	switch {
	case !codePattern.MatchString(p.Code):
		return Partner{}, &FieldError{"code", "1 to 64 lower-case letters, digits, -, _ or ., beginning with a letter or digit"}
	case p.Name == "" || len(p.Name) > maxName || strings.ContainsAny(p.Name, "\x00\r\n"):
		return Partner{}, &FieldError{"name", "a name of up to 200 characters on one line"}
	}
	err := tx.QueryRow(ctx, `
		insert into partner (code, name, active, created_at) values ($1, $2, $3, $4)
		on conflict (code) do update set name = excluded.name, active = excluded.active
		returning created_at`, p.Code, p.Name, p.Active, tx.At).Scan(&p.CreatedAt)
	if err != nil {
		return Partner{}, fmt.Errorf("store partner %s: %w", p.Code, err)
	}
	return p, nil
}

// Get reads one; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, code string) (Partner, error) {
	var p Partner
	err := tx.QueryRow(ctx, `select code, name, active, created_at from partner where code = $1`, code).Scan(&p.Code, &p.Name, &p.Active, &p.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Partner{}, fmt.Errorf("read partner %.64q: %w", code, err)
	}
	return p, nil
}

// Owed is a partner with what its shares come to.
type Owed struct {
	Partner
	Share money.Decimal // in the operator's currency
	Lines int64
}

// maxPartners bounds a list.
const maxPartners = 1000

// List gives the partners by code.
func List(ctx context.Context, tx tenant.Tx) ([]Owed, error) {
	rows, err := tx.Query(ctx, `
		select p.code, p.name, p.active, p.created_at, coalesce(sum(s.share), 0), count(s.id)
		  from partner p
		  left join partner_share s on s.partner = p.code
		 group by p.code
		 order by p.code
		 limit $1`, maxPartners)
	if err != nil {
		return nil, fmt.Errorf("list partners: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Owed, error) {
		var o Owed
		err := row.Scan(&o.Code, &o.Name, &o.Active, &o.CreatedAt, &o.Share, &o.Lines)
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("list partners: %w", err)
	}
	return list, nil
}
