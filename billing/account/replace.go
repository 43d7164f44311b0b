package account

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// Replacement puts another offering's subscription in the place of one.
type Replacement struct {
	Old        uuid.UUID
	OfferingID uuid.UUID
	Kinds      []ServiceKind // services that the new one carries; the others end with the old one
	Day        calendar.Date // whose first instant is the new one's: today or before
	At         time.Time     // the new one's first instant, if not the day's
	// Without are the codes of discounts that end with the old one, and
	// FeesIncluded whether a bundle's price pays for the new one; nil: as before.
	Without      []string
	FeesIncluded *bool
}

// Replace ends a subscription where a day begins and lets another begin there,
// with its services, identities, state, term and discounts: use from before
// still finds the old one, use from then on the new one, without gap or
// overlap. Nothing is charged for setting it up again. A subscription that is
// neither active nor suspended is refused with a *MoveError. The caller holds
// the account's lock.
func Replace(ctx context.Context, tx tenant.Tx, r Replacement) (Subscription, error) {
	profile, err := GetProfile(ctx, tx)
	if err != nil {
		return Subscription{}, err
	}
	old, err := GetSubscription(ctx, tx, r.Old)
	if err != nil {
		return Subscription{}, err
	}
	if err := checkMove(ctx, tx, SubscriptionTerminated, []SubscriptionState{SubscriptionActive, SubscriptionSuspended}, []uuid.UUID{r.Old}); err != nil {
		return Subscription{}, err
	}
	s := succession{old: old, id: uuid.Must(uuid.NewV7()), Replacement: r, at: r.Day.Start(profile.Zone)}
	if !r.At.IsZero() {
		s.at = r.At
	}
	if s.at.Before(*old.ActivatedAt) {
		return Subscription{}, &FieldError{"day", "a day on or after the subscription's first"}
	}
	for _, step := range []func(context.Context, tenant.Tx) error{s.begin, s.handOver, s.keepDiscounts, s.keepParts, s.endOld} {
		if err := step(ctx, tx); err != nil {
			return Subscription{}, fmt.Errorf("replace subscription %s: %w", r.Old, err)
		}
	}
	if err := s.record(ctx, tx); err != nil {
		return Subscription{}, err
	}
	if err := bumpEpoch(ctx, tx); err != nil {
		return Subscription{}, err
	}
	return GetSubscription(ctx, tx, s.id)
}

// succession is one subscription on its way into another's place.
type succession struct {
	Replacement
	old Subscription
	id  uuid.UUID // of the new one
	at  time.Time
}

func (s succession) begin(ctx context.Context, tx tenant.Tx) error {
	_, err := tx.Exec(ctx, `
		insert into subscription (id, account_id, offering_id, state, activated_at, setup_charged, created_at, term_from, term_until, termination_fee, part_of, part, pays_fees, ends_on, pauses)
		select $1, account_id, $3, state, $4, true, $5, term_from, term_until, termination_fee, part_of, part, coalesce(not $6::boolean, pays_fees), ends_on, pauses
		  from subscription
		 where id = $2`, s.id, s.Old, s.OfferingID, s.at, tx.At, s.FeesIncluded)
	return missingReference(err)
}

// handOver gives each service that goes on a new row, and the identities to it
// from the instant on. An identity that was taken at that very instant or
// later moves as it is: its time with the old service would be empty.
func (s succession) handOver(ctx context.Context, tx tenant.Tx) error {
	var batch pgx.Batch
	for _, service := range s.old.Services {
		batch.Queue(`update service_identity set valid_to = $2 where service_id = $1 and valid_to is null and valid_from < $2`, service.ID, s.at)
		if !slices.Contains(s.Kinds, service.Kind) {
			batch.Queue(`update service_identity set valid_to = valid_from where service_id = $1 and valid_to is null`, service.ID)
			continue
		}
		id := uuid.Must(uuid.NewV7())
		batch.Queue(`
			insert into service (id, subscription_id, kind, state, facts, created_at)
			select $1, $3, kind, state, facts, $4
			  from service
			 where id = $2`, id, service.ID, s.id, tx.At)
		batch.Queue(`update service_identity set service_id = $2 where service_id = $1 and valid_to is null`, service.ID, id)
		batch.Queue(`
			insert into service_identity (kind, value, valid_from, service_id)
			select kind, value, $2, $3
			  from service_identity
			 where service_id = $1 and valid_to = $2`, service.ID, s.at, id)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// keepDiscounts gives the new subscription what is left of the old one's.
func (s succession) keepDiscounts(ctx context.Context, tx tenant.Tx) error {
	found, err := Discounts(ctx, tx, s.Old)
	if err != nil {
		return err
	}
	var kept []Discount
	for _, d := range found[s.Old] {
		if d.CyclesLeft != nil && *d.CyclesLeft == 0 || slices.Contains(s.Without, d.Code) {
			continue
		}
		d.ID, d.SubscriptionID = uuid.Nil, s.id
		if d.ValidFrom.Before(s.Day) {
			d.ValidFrom = s.Day
		}
		kept = append(kept, d)
	}
	if len(kept) == 0 {
		return nil
	}
	_, err = GiveDiscounts(ctx, tx, kept)
	return err
}

// keepParts lets what was part of the old subscription be part of the new one.
func (s succession) keepParts(ctx context.Context, tx tenant.Tx) error {
	_, err := tx.Exec(ctx, `update subscription set part_of = $2 where part_of = $1 and state <> 'terminated'`, s.Old, s.id)
	return err
}

// record tells of both: the old one's end, and the new one in its place.
func (s succession) record(ctx context.Context, tx tenant.Tx) error {
	err := recordSubscriptions(ctx, tx, event.SubscriptionTerminated, []uuid.UUID{s.Old}, func(d *event.SubscriptionData) { d.ReplacedBy = &s.id })
	if err != nil {
		return err
	}
	return recordSubscriptions(ctx, tx, event.SubscriptionChanged, []uuid.UUID{s.id}, func(d *event.SubscriptionData) { d.Replaces = &s.Old })
}

func (s succession) endOld(ctx context.Context, tx tenant.Tx) error {
	if _, err := tx.Exec(ctx, `update service set state = 'terminated' where subscription_id = $1`, s.Old); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update subscription set state = 'terminated', terminated_at = $2 where id = $1`, s.Old, s.at)
	return err
}
