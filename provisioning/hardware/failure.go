package hardware

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// Fail writes down that a piece has failed, since when, and how. An appliance's
// clock begins then. A repeat changes nothing.
func Fail(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, since time.Time, fault string) (Piece, error) {
	var f faults
	fault = strings.TrimSpace(fault)
	f.unless(within(fault, 1, 500), "fault", "what is wrong, in 1 to 500 characters")
	f.unless(!since.After(tx.At) && tx.At.Sub(since) < 30*24*time.Hour, "since", "an instant of the last 30 days")
	if err := f.err(); err != nil {
		return Piece{}, err
	}
	p, err := one(ctx, tx, "for update", id)
	if err != nil || p.State == Failed {
		return p, err
	}
	if p.State != InUse {
		return Piece{}, fmt.Errorf("hardware %s fails while it is %s: %w", id, p.State, ErrState)
	}
	p.State, p.FailedAt, p.Fault = Failed, &since, fault
	if p.Kind == Appliance {
		by := since.Add(ReplaceWithin)
		p.ReplaceBy = &by
	}
	if err := p.write(ctx, tx); err != nil {
		return Piece{}, err
	}
	return p, tenants.Record(ctx, tx, by, tenants.Entry{Action: "hardware.fail", Object: id, Detail: map[string]any{"serial": p.Serial, "fault": fault, "since": since}})
}

// Repair writes down that a failed piece works again, where it is: nothing had
// to be replaced, and its clock stops.
func Repair(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Piece, error) {
	p, err := one(ctx, tx, "for update", id)
	if err != nil || p.State == InUse {
		return p, err
	}
	if p.State != Failed {
		return Piece{}, fmt.Errorf("repair hardware %s while it is %s: %w", id, p.State, ErrState)
	}
	kept := !p.Overdue(tx.At)
	p.State, p.FailedAt, p.Fault, p.ReplaceBy = InUse, nil, "", nil
	if err := p.write(ctx, tx); err != nil {
		return Piece{}, err
	}
	if err := alarm.Clear(ctx, tx, alarm.ReplacementMissed, id); err != nil {
		return Piece{}, err
	}
	return p, tenants.Record(ctx, tx, by, tenants.Entry{Action: "hardware.repair", Object: id, Detail: map[string]any{"serial": p.Serial, "in_time": kept}})
}

// Replace puts a spare of the same model where a failed piece was: it gets its
// operator, machine and place, and the clock stops. One of ours that takes the
// place of an operator's own piece becomes its own, and the failed one ours. A
// repeat with the same spare changes nothing. ErrNoSpare refuses what is no spare
// of the model, or another operator's.
func Replace(ctx context.Context, tx tenants.Tx, by tenants.Actor, id, spare uuid.UUID) (Piece, error) {
	if id == spare {
		return Piece{}, ErrNoSpare
	}
	failed, fresh, err := lockTwo(ctx, tx, id, spare)
	if err != nil {
		return Piece{}, err
	}
	switch {
	case failed.State == Replaced && failed.ReplacedBy == spare:
		return failed, nil
	case failed.State != Failed:
		return Piece{}, fmt.Errorf("replace hardware %s while it is %s: %w", id, failed.State, ErrState)
	case fresh.State != Spare || !strings.EqualFold(fresh.Model, failed.Model) || fresh.Kind != failed.Kind:
		return Piece{}, ErrNoSpare
	case fresh.Owner != (tenant.ID{}) && fresh.Owner != failed.Operator:
		return Piece{}, fmt.Errorf("spare %s is another operator's own: %w", spare, ErrNoSpare)
	}
	fresh.State, fresh.Operator, fresh.Machine, fresh.Location, fresh.Slot = InUse, failed.Operator, failed.Machine, failed.Location, failed.Slot
	failed.State, failed.ReplacedAt, failed.ReplacedBy, failed.Slot, failed.Machine = Replaced, &tx.At, spare, nil, uuid.Nil
	if err := failed.write(ctx, tx); err != nil { // first: its units become free
		return Piece{}, err
	}
	if err := fits(ctx, tx, fresh); err != nil {
		return Piece{}, err
	}
	if err := fresh.write(ctx, tx); err != nil {
		return Piece{}, err
	}
	if failed, err = change(ctx, tx, failed, fresh); err != nil {
		return Piece{}, err
	}
	if err := alarm.Clear(ctx, tx, alarm.ReplacementMissed, id); err != nil {
		return Piece{}, err
	}
	return failed, tenants.Record(ctx, tx, by, tenants.Entry{Action: "hardware.replace", Object: id,
		Detail: map[string]any{"serial": failed.Serial, "by": fresh.Serial, "in_time": !failed.Missed()}})
}

// lockTwo locks two pieces in the order of their ids, so that two who swap them
// do not wait for each other.
func lockTwo(ctx context.Context, tx tenants.Tx, a, b uuid.UUID) (first, second Piece, err error) {
	if a.String() > b.String() {
		second, first, err = lockTwo(ctx, tx, b, a)
		return first, second, err
	}
	if first, err = one(ctx, tx, "for update", a); err == nil {
		second, err = one(ctx, tx, "for update", b)
	}
	return first, second, err
}

// Ends that are told ahead.
const endsAheadDays = 60

// Look raises alarms for what is overdue or ends soon, and clears those that
// are over. It is called every minute.
func Look(ctx context.Context, db *tenants.DB) error {
	return db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		soon := calendar.DateOf(tx.At.AddDate(0, 0, endsAheadDays), time.UTC)
		for kind, due := range map[alarm.Kind]string{
			alarm.ReplacementMissed: `state = 'failed' and replace_by < $1 and $2::date is not null`,
			alarm.WarrantyEnds:      `state in ('in_use', 'failed') and warranty_until < $2 and $1::timestamptz is not null`,
			alarm.SupportEnds:       `state in ('in_use', 'failed') and support_until < $2 and $1::timestamptz is not null`,
		} {
			if err := lookFor(ctx, tx, kind, due, tx.At, soon); err != nil {
				return err
			}
		}
		return lookForSpares(ctx, tx)
	})
}

// lookAtOnce bounds the alarms of one kind that one look raises.
const lookAtOnce = 200

func lookFor(ctx context.Context, tx tenants.Tx, kind alarm.Kind, due string, args ...any) error {
	rows, err := tx.Query(ctx, `
		select `+read+`
		  from hardware h
		 where `+due+`
		   and not exists (select from alarm a where a.kind = $3 and a.subject = h.id and a.state <> 'cleared')
		 order by id
		 limit $4`, append(args, kind, lookAtOnce)...)
	if err != nil {
		return fmt.Errorf("look for %s: %w", kind, err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return fmt.Errorf("look for %s: %w", kind, err)
	}
	for _, p := range found {
		detail := map[string]string{"model": p.Model, "serial": p.Serial, "location": p.Location}
		switch kind {
		case alarm.ReplacementMissed:
			detail["due"] = p.ReplaceBy.UTC().Format(time.RFC3339)
		case alarm.WarrantyEnds:
			detail["ends"] = p.WarrantyUntil.String()
		case alarm.SupportEnds:
			detail["ends"] = p.SupportUntil.String()
		}
		if err := alarm.Raise(ctx, tx, alarm.Fault{Kind: kind, Subject: p.ID, Operator: p.Operator, Detail: detail}); err != nil {
			return err
		}
	}
	// what is over: its piece is not due any more
	_, err = tx.Exec(ctx, `
		update alarm a set state = 'cleared', cleared_at = $1
		 where a.kind = $3 and a.state <> 'cleared' and not exists (select from hardware h where h.id = a.subject and `+due+`)`, args[0], args[1], kind)
	if err != nil {
		return fmt.Errorf("clear %s: %w", kind, err)
	}
	return nil
}
