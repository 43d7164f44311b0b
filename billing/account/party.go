package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// PartyKind says whether a party is a person or not.
type PartyKind string

// The kinds of party.
const (
	Individual   PartyKind = "individual"
	Organization PartyKind = "organization"
)

// Party is a person or an organization that the operator deals with.
type Party struct {
	ID         uuid.UUID // given by AddParties
	Kind       PartyKind
	Name       string
	Email      string
	Phone      string
	BirthDate  *calendar.Date
	IDDocument string // kind and number, as shown at the desk
	TaxID      string
	Language   Language // empty: English
	Address    Address
	CreatedAt  time.Time
}

func (p Party) check() error {
	if strings.TrimSpace(p.Name) == "" {
		return &FieldError{"party.name", "a name"}
	}
	if p.Kind != Individual && p.Kind != Organization {
		return &FieldError{"party.kind", "individual or organization"}
	}
	_, err := ParseLanguage(string(p.Language))
	return err
}

var partyColumns = []string{"id", "kind", "name", "email", "phone", "birth_date", "id_document", "tax_id", "language", "address", "created_at"}

// AddParties stores new parties, in one statement, and returns them with their
// ids in the order given.
func AddParties(ctx context.Context, tx tenant.Tx, parties []Party) ([]Party, error) {
	added := make([]Party, len(parties))
	for i, p := range parties {
		if p.Language == "" {
			p.Language = English
		}
		if err := p.check(); err != nil {
			return nil, err
		}
		p.ID, p.CreatedAt = uuid.Must(uuid.NewV7()), tx.At
		added[i] = p
	}
	rows := pgx.CopyFromSlice(len(added), func(i int) ([]any, error) {
		p := added[i]
		return []any{p.ID, p.Kind, p.Name, p.Email, p.Phone, p.BirthDate, p.IDDocument, p.TaxID, p.Language, p.Address, p.CreatedAt}, nil
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"party"}, partyColumns, rows); err != nil {
		return nil, fmt.Errorf("add parties: %w", err)
	}
	return added, recordParties(ctx, tx, event.PartyCreated, added...)
}

// GetParty reads a party; ErrNotFound if there is none.
func GetParty(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Party, error) {
	var p Party
	err := tx.QueryRow(ctx, `
		select id, kind, name, email, phone, birth_date, id_document, tax_id, language, address, created_at
		  from party
		 where id = $1`, id).
		Scan(&p.ID, &p.Kind, &p.Name, &p.Email, &p.Phone, &p.BirthDate, &p.IDDocument, &p.TaxID, &p.Language, &p.Address, &p.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Party{}, fmt.Errorf("party %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Party{}, fmt.Errorf("read party %s: %w", id, err)
	}
	p.CreatedAt = p.CreatedAt.UTC()
	return p, nil
}

// PutParty replaces what is known of a party, by its id.
func PutParty(ctx context.Context, tx tenant.Tx, p Party) error {
	if err := p.check(); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `
		update party
		   set kind = $2, name = $3, email = $4, phone = $5, birth_date = $6, id_document = $7, tax_id = $8,
		       language = $9, address = $10
		 where id = $1`,
		p.ID, p.Kind, p.Name, p.Email, p.Phone, p.BirthDate, p.IDDocument, p.TaxID, p.Language, p.Address)
	if err != nil {
		return fmt.Errorf("write party %s: %w", p.ID, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("party %s: %w", p.ID, ErrNotFound)
	}
	if err := refreshTax(ctx, tx, `a.party_id = $1`, p.ID); err != nil {
		return err
	}
	return recordParties(ctx, tx, event.PartyChanged, p)
}
