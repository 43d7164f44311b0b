package balance

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/policy"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// Reminder is how many days before its end subscribers are told of what
// expires; zero: they are not.
type Reminder struct {
	Days int `json:"days"`
}

const maxReminderDays = 60

// reminderHour is when people are told, by the operator's clock.
const reminderHour = 9 * time.Hour

// PutReminder lays it down, and begins with tomorrow.
func PutReminder(ctx context.Context, tx tenant.Tx, r Reminder, by string) error {
	if r.Days < 0 || r.Days > maxReminderDays {
		return &account.FieldError{Field: "days", Want: "a number of days from 1 to 60, or zero for none"}
	}
	if err := policy.Save(ctx, tx, policy.Reminder, r, by); err != nil {
		return err
	}
	return scheduleReminder(ctx, tx, r)
}

// GetReminder reads it.
func GetReminder(ctx context.Context, tx tenant.Tx) (r Reminder, err error) {
	_, err = policy.Load(ctx, tx, policy.Reminder, &r)
	return r, err
}

func scheduleReminder(ctx context.Context, tx tenant.Tx, r Reminder) error {
	if r.Days == 0 {
		return nil
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	due := calendar.DateOf(tx.At, zone).AddDays(1).Start(zone).Add(reminderHour).UTC()
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.ExpiryReminder, DueAt: due})
}

// By bucket_expiry. Allowances are refilled with the cycle: nobody needs to be
// told that they end.
const selectSoonGone = `
	select b.id, b.account_id, b.value, b.unit, b.expires_at
	from bucket as b
	where b.expires_at >= $1 and b.expires_at < $2 and b.value > 0 and b.origin in ('bought', 'promotion') and b.id > $3
	order by b.id
	limit $4`

// soonGone is a bucket that expires soon.
type soonGone struct {
	ID, AccountID uuid.UUID
	Value         money.Decimal
	Unit          money.Unit
	ExpiresAt     time.Time
}

// Remind tells the owners of what expires on the day that is laid down, for the
// agenda item of kind ExpiryReminder, and puts the next day on the agenda. It
// works up to limit buckets after one and says where it stopped; Nil at the end.
func Remind(ctx context.Context, tx tenant.Tx, dueAt time.Time, after uuid.UUID, limit int) (next uuid.UUID, err error) {
	r, err := GetReminder(ctx, tx)
	if err != nil || r.Days == 0 {
		return uuid.Nil, err
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return uuid.Nil, err
	}
	day := calendar.DateOf(dueAt, zone).AddDays(r.Days)
	rows, err := tx.Query(ctx, selectSoonGone, day.Start(zone), day.AddDays(1).Start(zone), after, limit)
	if err != nil {
		return uuid.Nil, fmt.Errorf("find what expires: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[soonGone])
	if err != nil {
		return uuid.Nil, fmt.Errorf("find what expires: %w", err)
	}
	for _, e := range found {
		err := tell.Account(ctx, tx, e.AccountID, expiring, func(to tell.Reader) []string {
			left := to.Quantity(e.Value, e.Unit)
			if e.Unit == money.Point {
				left = to.FormatNumber(e.Value) + " " + pointsWord[to.Language]
			}
			return []string{"left", left, "day", to.Day(e.ExpiresAt.Add(-1))}
		})
		if err != nil {
			return uuid.Nil, err
		}
	}
	if len(found) == limit {
		return found[limit-1].ID, nil
	}
	return uuid.Nil, scheduleReminder(ctx, tx, r)
}

var pointsWord = map[string]string{"en": "points", "id": "poin", "ru": "баллов"}

var expiring = tell.Wordings{
	"en": {Subject: "{left} expire soon", Body: "{left} of yours can be used up to {day}. After that they are gone."},
	"id": {Subject: "{left} segera hangus", Body: "{left} milik Anda dapat dipakai sampai {day}. Setelah itu hangus."},
	"ru": {Subject: "Скоро сгорит: {left}", Body: "{left} можно использовать до {day} включительно. Потом это сгорит."},
}
