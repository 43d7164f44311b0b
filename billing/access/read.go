package access

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/tenant"
)

// A prepaid subscription has nothing left when the cycle under way has begun
// and its fee could not be taken, or, where there is no fee, when there is
// neither own money nor any other bucket to use, nor, for a member of a sharing
// group, one of its owner's (borrow). What is paid up front may be used with an
// empty balance.
const selectRights = `
	select v.id, v.kind, s.id, s.account_id, s.state, a.state,
	       a.kind = 'prepaid' and s.state = 'active' and case
	           when s.charged_through is not null and s.pays_fees and jsonb_array_length(coalesce(nullif(o.document #> '{prices,recurring}', 'null'), '[]')) > 0 then s.charged_through <= $2 and a.begun_through > $2
	           else not exists (select from bucket b
	               where b.account_id = a.id and b.unit <> 'point' and b.valid_from <= $3 and (b.expires_at is null or b.expires_at > $3)
	                 and (b.subscription_id is null or b.subscription_id = s.id)
	                 and b.value > case when b.origin = 'main' then -coalesce(a.debt_limit, 0) else 0 end)
	       end,
	       exists (select from sharing_member m where m.account_id = a.id)
	           and not (s.charged_through is not null and s.pays_fees and jsonb_array_length(coalesce(nullif(o.document #> '{prices,recurring}', 'null'), '[]')) > 0),
	       i.generation, i.level, i.state, i.attempts, i.failure, i.created_at, i.tried_at, i.settled_at, i.confirmed_by
	from service v
	join subscription s on s.id = v.subscription_id
	join billing_account a on a.id = s.account_id
	join offering_version o on o.id = s.offering_id
	left join lateral (select i.generation, i.level, i.state, i.attempts, i.failure, i.created_at, i.tried_at, i.settled_at, i.confirmed_by
	    from access_intent i where i.service_id = v.id order by i.generation desc limit 1) i on true
	where `

// What a parent holds, its children's services feel: it pays for them.
const selectHolds = `
	select h.id, h.account_id, h.subscription_id, h.cause, h.cause_id, h.level, h.suspends, h.reason, h.from_at, h.until_at, h.created_by, h.created_at,
	       a.id
	from billing_account a
	join access_hold h on h.account_id in (a.id, a.parent_id) and h.ended_at is null
	where a.id = any ($1) and h.from_at <= $2 and (h.until_at is null or h.until_at > $2)
	order by h.created_at, h.id`

// row is what the database knows about a service.
type row struct {
	Right
	subscription account.SubscriptionState
	account      account.State
	empty        bool
	borrows      bool // may live from what the owner of its sharing group has
}

// Of says what a service may do now; ErrNotFound if there is none.
func Of(ctx context.Context, tx tenant.Tx, service uuid.UUID) (Right, error) {
	rights, err := read(ctx, tx, `v.id = any ($1)`, service)
	if err == nil && len(rights) == 0 {
		err = fmt.Errorf("service %s: %w", service, ErrNotFound)
	}
	if err != nil {
		return Right{}, err
	}
	return rights[0], nil
}

// OfAccounts says what the services of accounts may do now: those that are not
// over, by account, then as they were connected.
func OfAccounts(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) ([]Right, error) {
	return read(ctx, tx, `s.account_id = any ($1) and v.state <> 'terminated'`, accounts...)
}

func read(ctx context.Context, tx tenant.Tx, where string, ids ...uuid.UUID) ([]Right, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	terms, err := GetTerms(ctx, tx)
	if err != nil {
		return nil, err
	}
	found, err := tx.Query(ctx, selectRights+where+` order by s.account_id, v.created_at, v.id`, ids, profile.LocalDate(tx.At), tx.At)
	if err != nil {
		return nil, fmt.Errorf("read what services may do: %w", err)
	}
	rows, err := pgx.CollectRows(found, scanRow)
	if err != nil {
		return nil, fmt.Errorf("read what services may do: %w", err)
	}
	if err := borrow(ctx, tx, rows); err != nil {
		return nil, err
	}
	holds, err := standing(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	rights := make([]Right, len(rows))
	for i := range rows {
		rights[i] = rows[i].derive(terms, holds[rows[i].AccountID])
	}
	return rights, nil
}

func scanRow(from pgx.CollectableRow) (r row, err error) {
	var generation, attempts *int
	var level *Level
	var state *IntentState
	var failure, by *string
	var created *time.Time
	i := &r.Intent
	err = from.Scan(&r.ServiceID, &r.Kind, &r.SubscriptionID, &r.AccountID, &r.subscription, &r.account, &r.empty, &r.borrows,
		&generation, &level, &state, &attempts, &failure, &created, &i.TriedAt, &i.SettledAt, &by)
	if err == nil && generation != nil {
		i.ServiceID, i.AccountID = r.ServiceID, r.AccountID
		i.Generation, i.Level, i.State, i.Attempts, i.Failure, i.At, i.ConfirmedBy = *generation, *level, *state, *attempts, *failure, created.UTC(), *by
	}
	return r, err
}

// borrow lets the services of those that have nothing themselves live from what
// their group's owner shares with them, as far as their limits reach.
func borrow(ctx context.Context, tx tenant.Tx, rows []row) error {
	var asking []uuid.UUID
	for i := range rows {
		if r := &rows[i]; r.empty && r.borrows && !slices.Contains(asking, r.AccountID) {
			asking = append(asking, r.AccountID)
		}
	}
	lent, err := balance.Lent(ctx, tx, asking)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		r.empty = r.empty && (!r.borrows || !lent[r.AccountID])
	}
	return nil
}

// standing reads the holds that are in force, by the account whose services feel them.
func standing(ctx context.Context, tx tenant.Tx, rows []row) (map[uuid.UUID][]Hold, error) {
	var accounts []uuid.UUID
	for i := range rows {
		if id := rows[i].AccountID; len(accounts) == 0 || accounts[len(accounts)-1] != id {
			accounts = append(accounts, id)
		}
	}
	found, err := tx.Query(ctx, selectHolds, accounts, tx.At)
	if err != nil {
		return nil, fmt.Errorf("read what holds services back: %w", err)
	}
	holds := map[uuid.UUID][]Hold{}
	var h Hold
	var feels uuid.UUID
	_, err = pgx.ForEachRow(found, append(h.scanInto(), &feels), func() error {
		holds[feels] = append(holds[feels], h)
		h.SubscriptionID, h.Until = nil, nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what holds services back: %w", err)
	}
	return holds, nil
}

// derive finds the reasons of a level.
func (r row) derive(terms Terms, holds []Hold) Right {
	add := func(level Level, cause Cause, ref uuid.UUID) {
		r.Reasons = append(r.Reasons, Reason{Level: level, Cause: cause, Ref: ref})
	}
	suspended := false
	for i := range holds {
		h := &holds[i]
		if h.SubscriptionID != nil && *h.SubscriptionID != r.SubscriptionID {
			continue
		}
		suspended = suspended || h.Level == Cut
		since := h.From.UTC()
		r.Reasons = append(r.Reasons, Reason{Level: h.Level, Cause: h.Cause, Ref: h.CauseID, Words: h.Reason, Since: &since, Until: h.Until})
	}
	if r.account == account.Closed {
		add(Cut, Closed, r.AccountID)
	}
	switch r.subscription {
	case account.SubscriptionPending:
		add(Cut, Pending, r.SubscriptionID)
	case account.SubscriptionTerminated:
		add(Cut, Terminated, r.SubscriptionID)
	case account.SubscriptionSuspended:
		if !suspended { // otherwise the hold tells more
			add(Cut, Suspended, r.SubscriptionID)
		}
	}
	if r.empty && terms.PrepaidEmpty != Allowed {
		add(terms.PrepaidEmpty, Empty, r.AccountID)
	}
	slices.SortStableFunc(r.Reasons, func(a, b Reason) int {
		return cmp.Compare(slices.Index(levels, b.Level), slices.Index(levels, a.Level))
	})
	r.Level = Allowed
	if len(r.Reasons) > 0 {
		r.Level = r.Reasons[0].Level
	}
	return r.Right
}

// Terms are what the operator wants to follow from an account's means.
type Terms struct {
	PrepaidEmpty Level // walled unless chosen otherwise
}

type storedTerms struct {
	PrepaidEmpty Level `json:"prepaid_empty,omitempty"`
}

// GetTerms reads the operator's choice.
func GetTerms(ctx context.Context, tx tenant.Tx) (Terms, error) {
	var text json.RawMessage
	var stored storedTerms
	err := tx.QueryRow(ctx, `select access from operator where id = 1`).Scan(&text)
	if err == nil {
		err = json.Unmarshal(text, &stored)
	}
	if err != nil {
		return Terms{}, fmt.Errorf("read terms of access: %w", err)
	}
	return Terms{PrepaidEmpty: cmp.Or(stored.PrepaidEmpty, Walled)}, nil
}

// PutTerms stores the operator's choice.
func PutTerms(ctx context.Context, tx tenant.Tx, t Terms) error {
	if !slices.Contains(levels, t.PrepaidEmpty) {
		return &account.FieldError{Field: "prepaid_empty", Want: "allowed, slowed, walled or cut"}
	}
	text, err := json.Marshal(storedTerms(t))
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `update operator set access = $1 where id = 1`, text)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("save terms of access: %w", err)
	}
	return nil
}
