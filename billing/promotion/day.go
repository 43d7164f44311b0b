package promotion

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// dayDetail is the agenda item of a local day: whom its birthdays and
// anniversaries have reached.
type dayDetail struct {
	Day   calendar.Date `json:"day"`
	After uuid.UUID     `json:"after"`
}

// scheduleDay puts the next local day on the agenda once a promotion that goes
// by days is published.
func scheduleDay(ctx context.Context, tx tenant.Tx, occasion Occasion) error {
	if occasion != OnBirthday && occasion != OnLoyalty {
		return nil
	}
	g, err := newGiver(ctx, tx)
	if err != nil {
		return err
	}
	return g.schedule(g.today.AddDays(1))
}

func (g *giver) schedule(day calendar.Date) error {
	return agenda.Add(g.ctx, g.tx, agenda.Item{
		Kind: agenda.PromotionDay, Ref: uuid.NewSHA1(uuid.NameSpaceOID, []byte("promotion_day/"+day.String())),
		DueAt: day.Start(g.profile.Zone).UTC(), Detail: dayDetail{Day: day},
	})
}

// The party's birthday by local date; born on 29 February has it on the 28th of other years.
const selectBirthdays = `
	select a.id, s.id
	from billing_account as a
	join party as p on p.id = a.party_id
	join lateral (select id from subscription where account_id = a.id and state = 'active' order by created_at, id limit 1) as s on true
	where a.state = 'active' and a.id > $2 and p.birth_date is not null
	  and (p.birth_date + make_interval(years => extract(year from $1::date)::int - extract(year from p.birth_date)::int))::date = $1
	order by a.id
	limit $3`

// A subscription's age in whole months; a month that is too short ends it early.
const selectAnniversaries = `
	select s.account_id, s.id
	from subscription as s
	where s.state = 'active' and s.id > $2
	  and ((s.activated_at at time zone $4)::date + make_interval(months => $5))::date = $1
	order by s.id
	limit $3`

// Day works a portion of the agenda item of a local day: birthdays, then
// anniversaries. again says that more of it is left.
func Day(ctx context.Context, tx tenant.Tx, item agenda.Item, limit int) (again bool, err error) {
	var detail dayDetail
	if err := item.Read(&detail); err != nil {
		return false, err
	}
	g, err := newGiver(ctx, tx)
	if err != nil {
		return false, err
	}
	birthdays, err := g.published(OnBirthday)
	if err != nil {
		return false, err
	}
	loyalty, err := g.published(OnLoyalty)
	if err != nil || len(birthdays)+len(loyalty) == 0 {
		return false, err // none is left: the next one that is published begins anew
	}
	var found []subject
	if len(birthdays) > 0 {
		if found, err = g.subjects(selectBirthdays, detail.Day, detail.After, limit); err != nil {
			return false, err
		}
		if err := g.giveEach(birthdays, found, fmt.Sprintf("birthday/%d", detail.Day.Year)); err != nil {
			return false, err
		}
	}
	if len(found) == limit {
		detail.After = found[limit-1].account
		return true, agenda.Keep(ctx, tx, item.ID, detail)
	}
	for i := range loyalty {
		if err := g.anniversaries(&loyalty[i], detail.Day, limit); err != nil {
			return false, err
		}
	}
	return false, g.schedule(detail.Day.AddDays(1))
}

func (g *giver) subjects(query string, day calendar.Date, after uuid.UUID, limit int, more ...any) ([]subject, error) {
	rows, err := g.tx.Query(g.ctx, query, append([]any{day, after, limit}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("whose day it is: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s subject, err error) {
		err = row.Scan(&s.account, &s.subscription)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("whose day it is: %w", err)
	}
	return found, nil
}

func (g *giver) giveEach(versions []Version, subjects []subject, key string) error {
	ids := make([]uuid.UUID, len(subjects))
	for i, s := range subjects {
		ids[i] = s.account
	}
	if err := g.lockAccounts(ids...); err != nil {
		return err
	}
	for _, s := range subjects {
		if _, err := g.tryAll(versions, occurrence{subject: s, key: key}); err != nil {
			return err
		}
	}
	return nil
}

// longest is how old a subscription may be to be thought of.
const longestMonths = 600

// anniversaries gives one promotion to the subscriptions that reach its age on
// a day: all portions in one go, as a day's anniversaries are few.
func (g *giver) anniversaries(v *Version, day calendar.Date, limit int) error {
	p := &v.Promotion
	for months := p.AfterMonths; months <= longestMonths; months += p.EveryMonths {
		after := uuid.Nil
		for {
			found, err := g.subjects(selectAnniversaries, day, after, limit, g.profile.Zone.String(), months)
			if err != nil {
				return err
			}
			for _, s := range found {
				if err := g.giveEach([]Version{*v}, []subject{s}, fmt.Sprintf("loyalty/%s/%d", s.subscription, months)); err != nil {
					return err
				}
			}
			if len(found) < limit {
				break
			}
			after = found[limit-1].subscription
		}
		if p.EveryMonths == 0 {
			return nil
		}
	}
	return nil
}
