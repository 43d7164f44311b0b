package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ListAccounts implements oapi.StrictServerInterface.
func (s *Server) ListAccounts(ctx context.Context, r oapi.ListAccountsRequestObject) (oapi.ListAccountsResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	wanted := desk.Query{Text: value(r.Params.Q), State: desk.State(value(r.Params.State)), Offering: value(r.Params.Offering),
		Branch: value(r.Params.Branch), After: after, Limit: pageLimit(r.Params.Limit)}
	if text := value(r.Params.Owing); text != "" {
		var known bool
		if wanted.Owing, known = desk.ParseOwing(text); !known {
			return nil, problem.InvalidRequest.New("", problem.Fault{Field: "owing", Reason: "has another form", Want: "due, overdue, or days overdue such as 1-30 or 91+"})
		}
	}
	var page desk.Page
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		page, err = desk.Search(ctx, tx, wanted)
		return err
	})
	return oapi.ListAccounts200JSONResponse{Items: mapped(page.Accounts, accountSummary), Next: idCursor(page.Next)}, err
}

func accountSummary(f desk.Found) oapi.AccountSummary {
	out := oapi.AccountSummary{Id: f.ID, Number: f.Number, Name: f.PartyName, Kind: oapi.AccountSummaryKind(f.Kind),
		State: oapi.AccountSummaryState(f.State), Currency: f.Currency, Email: f.Email, Phone: f.Phone,
		Subscriptions: f.Subscriptions, Offering: optionalText(f.OfferingCode), Identity: optionalText(f.Reached), Branch: optionalText(f.BranchName),
		CreatedAt: f.CreatedAt}
	if f.Overdue.Sign() > 0 {
		out.Overdue = &f.Overdue
	}
	return out
}

// GetAccount implements oapi.StrictServerInterface.
func (s *Server) GetAccount(ctx context.Context, r oapi.GetAccountRequestObject) (oapi.GetAccountResponseObject, error) {
	var out oapi.Account
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, r.Account)
		if err != nil {
			return err
		}
		party, err := account.GetParty(ctx, tx, a.PartyID)
		if err != nil {
			return err
		}
		subscriptions, err := account.Subscriptions(ctx, tx, a.ID)
		out = accountOf(a, party, subscriptions)
		return err
	})
	return oapi.GetAccount200JSONResponse(out), err
}

func accountOf(a account.Account, party account.Party, subscriptions []account.Subscription) oapi.Account {
	out := oapi.Account{Id: a.ID, Number: a.Number, Parent: a.ParentID, Kind: oapi.AccountKind(a.Kind), State: oapi.AccountState(a.State),
		Currency: a.Currency, Cycle: oapi.Period(a.Cycle), CycleMonths: a.CycleMonths, CycleDays: unless(0, a.CycleDays), NextCycle: nextCycle(a), BilledToParent: unless(false, a.ToParent),
		Unbilled: money.New(a.Unbilled, a.Currency), Receivable: money.New(a.Receivable, a.Currency), Credit: money.New(a.Credit, a.Currency),
		Party: partyOf(party), Subscriptions: mapped(subscriptions, subscriptionOf), CreatedAt: a.CreatedAt}
	if a.CreditLimit != nil {
		limit := money.New(*a.CreditLimit, a.Currency)
		out.CreditLimit = &limit
	}
	return out
}

func partyOf(p account.Party) oapi.Party {
	return oapi.Party{Id: p.ID, Kind: oapi.PartyKind(p.Kind), Name: p.Name, Email: p.Email, Phone: p.Phone, TaxId: optionalText(p.TaxID),
		BirthDate: p.BirthDate, Language: oapi.Language(p.Language), Address: document(p.Address)}
}

func subscriptionOf(s account.Subscription) oapi.Subscription {
	return oapi.Subscription{Id: s.ID, Offering: s.OfferingID, State: oapi.SubscriptionState(s.State), ActivatedAt: s.ActivatedAt,
		TerminatedAt: s.TerminatedAt, ChargedThrough: s.ChargedThrough, Services: mapped(s.Services, serviceOf), CreatedAt: s.CreatedAt,
		PartOf: s.PartOf, Part: partOf(s), FeesIncluded: unless(false, s.FeesIncluded), EndsOn: s.EndsOn, RestingSince: restingSince(s)}
}

func serviceOf(s account.Service) oapi.Service {
	return oapi.Service{Id: s.ID, Kind: oapi.ServiceKind(s.Kind), State: oapi.ServiceState(s.State),
		Identities: mapped(s.Identities, func(i account.Identity) oapi.ServiceIdentity {
			return oapi.ServiceIdentity{Kind: oapi.ServiceIdentityKind(i.Kind), Value: i.Value}
		})}
}

// ListBuckets implements oapi.StrictServerInterface.
func (s *Server) ListBuckets(ctx context.Context, r oapi.ListBucketsRequestObject) (oapi.ListBucketsResponseObject, error) {
	var buckets []balance.Bucket
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			buckets, err = balance.List(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListBuckets200JSONResponse{Items: mapped(buckets, bucketOf)}, err
}

func bucketOf(b balance.Bucket) oapi.Bucket {
	return describe(b, oapi.Bucket{Id: b.ID, Subscription: b.SubscriptionID, Code: b.Code, Origin: oapi.BucketOrigin(b.Origin),
		Initial: quantity(b.Initial, b.Unit), Value: quantity(b.Value, b.Unit), Priority: b.Priority, ValidFrom: b.ValidFrom, ExpiresAt: b.ExpiresAt})
}

// CreateAdjustment implements oapi.StrictServerInterface.
func (s *Server) CreateAdjustment(ctx context.Context, r oapi.CreateAdjustmentRequestObject) (oapi.CreateAdjustmentResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateAdjustmentResponseObject.VisitCreateAdjustmentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateAdjustmentResponseObject, error) {
		c := callOf(ctx)
		c.about("bucket", r.Bucket)
		c.note("amount", r.Body.Amount.String(), "reason", r.Body.Reason)
		bucket, err := c.stack.AdjustBalance(ctx, tx, c.who, value(r.Body.ReasonCode), balance.Adjustment{ID: id, BucketID: r.Bucket, Amount: r.Body.Amount, Reason: r.Body.Reason})
		return oapi.CreateAdjustment201JSONResponse{Body: bucketOf(bucket)}, err
	})
}

// accountExists tells an account without anything from no account.
func accountExists(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	_, err := account.Get(ctx, tx, id)
	return err
}
