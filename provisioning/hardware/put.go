package hardware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Wanted is a piece as it should be in the register.
type Wanted struct {
	ID            uuid.UUID
	Serial        string
	Model         string
	Kind          Kind
	State         State // spare, in_use or retired: failures have commands of their own
	Operator      tenant.ID
	Machine       uuid.UUID
	Location      string
	Slot          *Slot
	PowerW        int
	BoughtOn      calendar.Date
	WarrantyUntil calendar.Date  // as its maker gives it
	SupportUntil  *calendar.Date // nil: three years from the day it was bought
}

func (w *Wanted) check() error {
	var f faults
	w.Serial, w.Model, w.Location = strings.TrimSpace(w.Serial), strings.TrimSpace(w.Model), strings.TrimSpace(w.Location)
	f.unless(w.ID != uuid.Nil, "id", "an id of your own choice, as a UUID")
	f.unless(within(w.Serial, 1, 100), "serial", "a serial number of 1 to 100 characters")
	f.unless(within(w.Model, 1, 100), "model", "a model of 1 to 100 characters")
	f.unless(within(w.Location, 0, 300), "location", "a place of at most 300 characters")
	f.unless(slices.Contains([]Kind{Appliance, Server, Part}, w.Kind), "kind", "appliance, server or part")
	f.unless(slices.Contains([]State{Spare, InUse, Retired}, w.State), "state", "spare, in_use or retired")
	f.unless(w.PowerW >= 0 && w.PowerW <= 100000, "power_w", "0 to 100000 watts")
	f.unless(!w.BoughtOn.IsZero(), "bought_on", "the day it was bought")
	f.unless(!w.WarrantyUntil.Before(w.BoughtOn), "warranty_until", "a day not before it was bought")
	if w.SupportUntil == nil && !w.BoughtOn.IsZero() {
		until := w.BoughtOn.AddMonths(12 * SupportYears)
		w.SupportUntil = &until
	}
	f.unless(w.SupportUntil == nil || !w.SupportUntil.Before(w.BoughtOn), "support_until", "a day not before it was bought")
	f.unless(w.State != InUse || w.Kind == Part || !w.Operator.IsZero(), "operator", "whose it is, while it is in use")
	f.unless(w.State != Spare || w.Operator.IsZero(), "operator", "none while it is a spare")
	f.unless(w.Slot == nil || w.Slot.First >= 1 && w.Slot.Units >= 1, "rack", "a first unit and a number of units from 1 on")
	return f.err()
}

func within(text string, least, most int) bool {
	n := len([]rune(text))
	return n >= least && n <= most
}

// Put writes a piece into the register, or changes it. A repeat changes
// nothing. One that has failed keeps its failure.
func Put(ctx context.Context, tx tenants.Tx, by tenants.Actor, w Wanted) (Piece, error) {
	if err := w.check(); err != nil {
		return Piece{}, err
	}
	p, err := one(ctx, tx, "for update", w.ID)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Piece{}, err
	}
	before := p
	if known && p.State == Failed && w.State == InUse {
		w.State = Failed
	}
	if known && !p.State.May(w.State) {
		return Piece{}, fmt.Errorf("move hardware %s from %s to %s: %w", w.ID, p.State, w.State, ErrState)
	}
	if !w.Operator.IsZero() {
		if _, err := tenants.GetOperator(ctx, tx, w.Operator); err != nil {
			return Piece{}, err
		}
	}
	p.ID, p.Serial, p.Model, p.Kind, p.State, p.Operator, p.Machine = w.ID, w.Serial, w.Model, w.Kind, w.State, w.Operator, w.Machine
	p.Location, p.Slot, p.PowerW, p.BoughtOn, p.WarrantyUntil, p.SupportUntil = w.Location, w.Slot, w.PowerW, w.BoughtOn, w.WarrantyUntil, *w.SupportUntil
	if p.State == Retired { // it stands nowhere any more
		p.Slot, p.Machine = nil, uuid.Nil
	}
	if known && same(before, p) {
		return before, nil
	}
	if err := fits(ctx, tx, p); err != nil {
		return Piece{}, err
	}
	if err := p.write(ctx, tx); err != nil {
		return Piece{}, err
	}
	p.ChangedAt = tx.At
	return p, tenants.Record(ctx, tx, by, tenants.Entry{Action: "hardware.put", Object: p.ID,
		Detail: map[string]any{"serial": p.Serial, "model": p.Model, "state": p.State}})
}

// same says whether two pieces are the same but for when they were changed.
func same(a, b Piece) bool {
	if (a.Slot == nil) != (b.Slot == nil) || a.Slot != nil && *a.Slot != *b.Slot {
		return false
	}
	a.Slot, b.Slot, a.ChangedAt = nil, nil, b.ChangedAt
	a.FailedAt, a.ReplaceBy, a.ReplacedAt = b.FailedAt, b.ReplaceBy, b.ReplacedAt // the register's own
	return a == b
}

// faults gathers refused fields, so that all are told at once.
type faults []tenants.FieldError

func (f *faults) unless(ok bool, field, want string) {
	if !ok {
		*f = append(*f, tenants.FieldError{Field: field, Want: want})
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return &tenants.InvalidError{Fields: *f}
}
