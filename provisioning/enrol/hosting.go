package enrol

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/hosting"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// News answers a host that asks what its operator has agreed with us and owes.
// Other machines are told nothing: an agent runs beside what we don't carry.
func (d *Desk) News(ctx context.Context, s machine.Signed, address string) (machine.News, error) {
	m, err := d.heard(ctx, s, address)
	if err != nil || m.Role != machine.Host || d.Hosting == nil {
		return machine.News{}, err
	}
	news, known, err := d.Hosting.News(ctx, m.Operator)
	if err != nil {
		return machine.News{}, fmt.Errorf("tell machine %s of hosting: %w", m.ID, err)
	}
	return machine.News{Known: known, News: news}, nil
}

// Document answers a host that asks for a bill of its operator's;
// hosting.ErrNotFound for any other bill.
func (d *Desk) Document(ctx context.Context, s machine.Signed, address string, bill uuid.UUID) (machine.Document, error) {
	m, err := d.heard(ctx, s, address)
	if err != nil {
		return machine.Document{}, err
	}
	if m.Role != machine.Host || d.Hosting == nil {
		return machine.Document{}, hosting.ErrNotFound
	}
	pdf, err := d.Hosting.Document(ctx, m.Operator, bill)
	if err != nil {
		return machine.Document{}, fmt.Errorf("give machine %s bill %s: %w", m.ID, bill, err)
	}
	return machine.Document{PDF: pdf}, nil
}

// heard says whose request it is, where it is a machine's own and new.
func (d *Desk) heard(ctx context.Context, s machine.Signed, address string) (heard Machine, err error) {
	err = d.hear(ctx, s, address, func(_ context.Context, _ tenants.Tx, m Machine) error {
		heard = m
		return nil
	})
	return heard, err
}
