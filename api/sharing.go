package api

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// GetSharingGroup implements oapi.StrictServerInterface.
func (s *Server) GetSharingGroup(ctx context.Context, r oapi.GetSharingGroupRequestObject) (oapi.GetSharingGroupResponseObject, error) {
	var out oapi.SharingGroup
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			out, err = sharingGroup(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.GetSharingGroup200JSONResponse(out), err
}

// sharingGroup is the group of an owner, or what a member sees of it.
func sharingGroup(ctx context.Context, tx tenant.Tx, id uuid.UUID) (oapi.SharingGroup, error) {
	g, err := balance.GroupOwnedBy(ctx, tx, id)
	if err == nil {
		return oapi.SharingGroup{Owner: g.OwnerID, Name: g.Name, Members: mapped(g.Members, sharingMember)}, nil
	}
	if !errors.Is(err, balance.ErrGroup) {
		return oapi.SharingGroup{}, err
	}
	m, err := balance.MembershipOf(ctx, tx, id)
	if err != nil {
		return oapi.SharingGroup{}, err
	}
	own, err := account.Get(ctx, tx, id)
	if err != nil {
		return oapi.SharingGroup{}, err
	}
	m.Number = own.Number
	buckets := make([]oapi.Bucket, len(m.Buckets))
	for i := range m.Buckets {
		b := m.Buckets[i]
		b.Value = m.Room(&b) // what the owner has beside that is the owner's to know
		b.Initial = b.Value
		buckets[i] = bucketOf(b)
	}
	return oapi.SharingGroup{Owner: m.OwnerID, Name: m.GroupName, Members: []oapi.SharingMember{sharingMember(m.Member)}, Buckets: &buckets}, nil
}

func sharingMember(m balance.Member) oapi.SharingMember {
	out := oapi.SharingMember{Account: m.AccountID, Number: m.Number, Name: m.Name, JoinedAt: m.JoinedAt, Limits: []oapi.Quantity{}, Used: []oapi.Quantity{}}
	for _, unit := range m.Units() {
		if limit, set := m.Limits[unit]; set {
			out.Limits = append(out.Limits, quantity(limit, unit))
		}
		if used := m.UsedOf(unit); !used.IsZero() {
			out.Used = append(out.Used, quantity(used, unit))
		}
	}
	return out
}

// FoundSharingGroup implements oapi.StrictServerInterface.
func (s *Server) FoundSharingGroup(ctx context.Context, r oapi.FoundSharingGroupRequestObject) (oapi.FoundSharingGroupResponseObject, error) {
	return nil, once(ctx, oapi.FoundSharingGroupResponseObject.VisitFoundSharingGroupResponse, func(ctx context.Context, tx tenant.Tx) (oapi.FoundSharingGroupResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("name", r.Body.Name)
		if _, err := balance.Found(ctx, tx, r.Account, r.Body.Name); err != nil {
			return nil, err
		}
		out, err := sharingGroup(ctx, tx, r.Account)
		return oapi.FoundSharingGroup201JSONResponse{Body: out}, err
	})
}

// DissolveSharingGroup implements oapi.StrictServerInterface.
func (s *Server) DissolveSharingGroup(ctx context.Context, r oapi.DissolveSharingGroupRequestObject) (oapi.DissolveSharingGroupResponseObject, error) {
	return nil, once(ctx, oapi.DissolveSharingGroupResponseObject.VisitDissolveSharingGroupResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DissolveSharingGroupResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("reason", r.Body.Reason)
		err := balance.Dissolve(ctx, tx, r.Account)
		return oapi.DissolveSharingGroup200JSONResponse{Body: oapi.AccountRef{Account: r.Account}}, err
	})
}

// JoinSharingGroup implements oapi.StrictServerInterface.
func (s *Server) JoinSharingGroup(ctx context.Context, r oapi.JoinSharingGroupRequestObject) (oapi.JoinSharingGroupResponseObject, error) {
	return nil, once(ctx, oapi.JoinSharingGroupResponseObject.VisitJoinSharingGroupResponse, func(ctx context.Context, tx tenant.Tx) (oapi.JoinSharingGroupResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("member", r.Body.Account.String())
		if err := balance.Join(ctx, tx, r.Account, r.Body.Account); err != nil {
			return nil, err
		}
		out, err := sharingGroup(ctx, tx, r.Account)
		return oapi.JoinSharingGroup201JSONResponse{Body: out}, err
	})
}

// LeaveSharingGroup implements oapi.StrictServerInterface.
func (s *Server) LeaveSharingGroup(ctx context.Context, r oapi.LeaveSharingGroupRequestObject) (oapi.LeaveSharingGroupResponseObject, error) {
	return nil, once(ctx, oapi.LeaveSharingGroupResponseObject.VisitLeaveSharingGroupResponse, func(ctx context.Context, tx tenant.Tx) (oapi.LeaveSharingGroupResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("member", r.Member.String(), "reason", r.Body.Reason)
		if err := balance.Leave(ctx, tx, r.Account, r.Member); err != nil {
			return nil, err
		}
		out, err := sharingGroup(ctx, tx, r.Account)
		return oapi.LeaveSharingGroup200JSONResponse{Body: out}, err
	})
}

// LimitSharingMember implements oapi.StrictServerInterface.
func (s *Server) LimitSharingMember(ctx context.Context, r oapi.LimitSharingMemberRequestObject) (oapi.LimitSharingMemberResponseObject, error) {
	return nil, once(ctx, oapi.LimitSharingMemberResponseObject.VisitLimitSharingMemberResponse, func(ctx context.Context, tx tenant.Tx) (oapi.LimitSharingMemberResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("member", r.Member.String(), "unit", string(r.Body.Unit))
		if err := balance.Limit(ctx, tx, r.Account, r.Member, r.Body.Unit, r.Body.Amount); err != nil {
			return nil, err
		}
		out, err := sharingGroup(ctx, tx, r.Account)
		return oapi.LimitSharingMember200JSONResponse{Body: out}, err
	})
}

// PutAccountLimits implements oapi.StrictServerInterface.
func (s *Server) PutAccountLimits(ctx context.Context, r oapi.PutAccountLimitsRequestObject) (oapi.PutAccountLimitsResponseObject, error) {
	return nil, once(ctx, oapi.PutAccountLimitsResponseObject.VisitPutAccountLimitsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutAccountLimitsResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("credit_limit", textOf(r.Body.CreditLimit), "debt_limit", textOf(r.Body.DebtLimit))
		err := account.PutLimits(ctx, tx, r.Account, account.Limits{Credit: r.Body.CreditLimit, Debt: r.Body.DebtLimit})
		return oapi.PutAccountLimits200JSONResponse{Body: *r.Body}, err
	})
}

func textOf(d *money.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// GrantBucket implements oapi.StrictServerInterface.
func (s *Server) GrantBucket(ctx context.Context, r oapi.GrantBucketRequestObject) (oapi.GrantBucketResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.GrantBucketResponseObject.VisitGrantBucketResponse, func(ctx context.Context, tx tenant.Tx) (oapi.GrantBucketResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("amount", r.Body.Amount.String(), "unit", string(r.Body.Unit), "reason", r.Body.Reason)
		g := balance.Gift{ID: id, AccountID: r.Account, Code: r.Body.Code, Unit: r.Body.Unit, Amount: r.Body.Amount, Priority: 100, Reason: r.Body.Reason}
		if r.Body.Priority != nil {
			g.Priority = *r.Body.Priority
		}
		if r.Body.ExpiresAt != nil {
			g.ExpiresAt = *r.Body.ExpiresAt
		}
		for _, k := range value(r.Body.Kinds) {
			g.Kinds = append(g.Kinds, string(k))
		}
		bucket, err := balance.Give(ctx, tx, g)
		return oapi.GrantBucket201JSONResponse{Body: bucketOf(bucket)}, err
	})
}

// TellSubscriptionEvent implements oapi.StrictServerInterface.
func (s *Server) TellSubscriptionEvent(ctx context.Context, r oapi.TellSubscriptionEventRequestObject) (oapi.TellSubscriptionEventResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.TellSubscriptionEventResponseObject.VisitTellSubscriptionEventResponse, func(ctx context.Context, tx tenant.Tx) (oapi.TellSubscriptionEventResponseObject, error) {
		c := callOf(ctx)
		c.about("subscription", r.Subscription)
		c.note("event", r.Body.Event, "id", value(r.Body.Id))
		found, err := account.GetSubscription(ctx, tx, r.Subscription)
		if err != nil {
			return nil, err
		}
		refill := charging.Refill{ID: id, Account: found.AccountID, Subscription: found.ID, Event: r.Body.Event}
		if r.Body.Id != nil { // the same happening has the same id, whoever tells of it
			refill.ID = uuid.NewSHA1(found.ID, []byte(r.Body.Event+"\n"+*r.Body.Id))
		}
		given, err := c.stack.Charging().Refill(ctx, tx, refill)
		if err != nil {
			return nil, err
		}
		wanted := map[uuid.UUID]bool{}
		for i := range given {
			wanted[given[i].ID] = true
		}
		out := oapi.BucketList{Items: []oapi.Bucket{}}
		all, err := balance.List(ctx, tx, found.AccountID)
		for i := range all {
			if wanted[all[i].ID] {
				out.Items = append(out.Items, bucketOf(all[i]))
			}
		}
		return oapi.TellSubscriptionEvent200JSONResponse{Body: out}, err
	})
}

// describe adds to a bucket what becomes of it and who else uses it.
func describe(b balance.Bucket, out oapi.Bucket) oapi.Bucket {
	out.RolledFrom = b.RolledFrom
	if b.Expired.Sign() > 0 {
		expired := quantity(b.Expired, b.Unit)
		out.Expired = &expired
	}
	if r := b.Rollover; r != nil {
		out.RollsUntil, out.RollsShare = &r.Until, r.Share
		if r.Amount != nil {
			most := quantity(*r.Amount, b.Unit)
			out.RollsAtMost = &most
		}
	}
	if b.Shared {
		out.Shared = &b.Shared
	}
	if b.MemberLimit != nil {
		limit := quantity(*b.MemberLimit, b.Unit)
		out.MemberLimit = &limit
	}
	out.Filter, out.Terms = objectOf(b.Filter), objectOf(b.Terms)
	return out
}

// objectOf is a document with something in it.
func objectOf(document json.RawMessage) *map[string]any {
	var object map[string]any
	if err := json.Unmarshal(document, &object); err != nil || len(object) == 0 {
		return nil
	}
	return &object
}
