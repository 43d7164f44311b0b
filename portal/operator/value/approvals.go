package value

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// requestView is an adjustment that waits for a second person, or did.
type requestView struct {
	id, account, href     string
	amount, where, note   string
	asked, state, decided string
	tone                  ui.Tone
	waits, own            bool
	why                   ui.Field
}

type approvalsView struct {
	ui.ConsolePage
	key, done, refused string
	waiting, over      []requestView
	may                bool
}

var requestTones = map[balance.RequestState]ui.Tone{balance.Waiting: ui.Info, balance.Approved: ui.OK, balance.Refused: ui.Bad, balance.Withdrawn: ui.Off}

func approvals(v *web.Visit) error { return showApprovals(v, http.StatusOK, "", uuid.Nil) }

// showApprovals shows the requests; after a refusal without a reason the fault
// stands at the request of.
func showApprovals(v *web.Visit, status int, refused string, of uuid.UUID) error {
	r := v.Reader
	view := approvalsView{ConsolePage: frame.Of(v, frame.Approvals, r.T("con.nav.approvals")), key: command.NewKey(), refused: refused, may: v.May(identity.BalanceWrite)}
	if done := v.Query("done"); done == "approved" || done == "refused" || done == "withdrawn" {
		view.done = r.T("approval.done." + done)
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := balance.Requests(ctx, tx, "", 200)
		if err != nil {
			return err
		}
		names, err := askers(ctx, tx, v, list)
		if err != nil {
			return err
		}
		for i := range list {
			one, err := newRequestView(ctx, tx, v, &list[i], names)
			if err != nil {
				return err
			}
			if list[i].ID == of {
				one.why.Error, one.why.Value = r.T("desk.reason.missing"), v.Form("why")
			}
			if one.waits {
				view.waiting = append(view.waiting, one)
			} else if len(view.over) < mostOver {
				view.over = append(view.over, one)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Show(status, approvalsPage(view))
}

// mostOver is how many decided requests the page shows.
const mostOver = 30

// askers finds the names of who asked and decided.
func askers(ctx context.Context, tx tenant.Tx, v *web.Visit, list []balance.Request) (map[string]string, error) {
	ids := map[uuid.UUID]bool{}
	for _, r := range list {
		for _, actor := range []string{r.AskedBy, r.DecidedBy} {
			if id, is := userOf(actor); is {
				ids[id] = true
			}
		}
	}
	all := make([]uuid.UUID, 0, len(ids))
	for id := range ids {
		all = append(all, id)
	}
	people, err := v.Authority().NamesOf(ctx, tx, all)
	names := map[string]string{}
	for id, name := range people {
		names["user:"+id.String()] = name
	}
	return names, err
}

// userOf is the id of an actor that is a person.
func userOf(actor string) (uuid.UUID, bool) {
	const prefix = "user:"
	if len(actor) <= len(prefix) || actor[:len(prefix)] != prefix {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(actor[len(prefix):])
	return id, err == nil
}

func newRequestView(ctx context.Context, tx tenant.Tx, v *web.Visit, q *balance.Request, names map[string]string) (requestView, error) {
	r := v.Reader
	a, err := account.Get(ctx, tx, q.AccountID)
	if err != nil {
		return requestView{}, err
	}
	party, err := account.GetParty(ctx, tx, a.PartyID)
	if err != nil {
		return requestView{}, err
	}
	called := func(actor string) string {
		if name := names[actor]; name != "" {
			return name
		}
		return r.T("approval.program")
	}
	one := requestView{id: q.ID.String(), account: party.Name + ", " + a.Number, href: v.Console("subscribers/" + a.ID.String()), note: q.Note, tone: requestTones[q.State],
		state: r.T("approval.state." + string(q.State)), waits: q.State == balance.Waiting, own: q.AskedBy == v.Who.Actor(), where: r.T("approval.account"),
		asked: r.T("approval.asked", "who", called(q.AskedBy), "at", r.Short(q.AskedAt)), amount: amountWords(r, q.Amount, q.Unit),
		why: ui.Field{ID: "why-" + q.ID.String(), Name: "why", Label: r.T("approval.why"), Autocomplete: "off", MaxLength: "300"}}
	if q.BucketID != uuid.Nil {
		bucket, err := balance.Get(ctx, tx, q.BucketID)
		if err != nil {
			return requestView{}, err
		}
		name, err := bucketName(ctx, tx, r, &bucket)
		if err != nil {
			return requestView{}, err
		}
		one.where = r.T("approval.bucket", "name", name, "has", amountWords(r, bucket.Value, bucket.Unit))
	}
	if q.DecidedAt != nil {
		one.decided = r.T("approval.decided", "who", called(q.DecidedBy), "at", r.Short(*q.DecidedAt))
		if q.Decision != "" {
			one.decided += ": " + q.Decision
		}
	}
	return one, nil
}

// bucketName is what people call a balance.
func bucketName(ctx context.Context, tx tenant.Tx, r ui.Reader, b *balance.Bucket) (string, error) {
	switch {
	case b.Unit == money.Point:
		return r.T("wallet.points"), nil
	case b.Origin == balance.Main:
		return r.T("desk.bucket.main"), nil
	case b.Origin == balance.Promotion:
		return r.T("left.gift"), nil
	}
	subscriptions, err := account.Subscriptions(ctx, tx, b.AccountID)
	if err != nil {
		return "", err
	}
	ids := make([]uuid.UUID, len(subscriptions))
	for i, s := range subscriptions {
		ids[i] = s.OfferingID
	}
	offerings, err := catalog.LoadVersions(ctx, tx, ids)
	if err != nil {
		return "", err
	}
	if a, found := explain.AllowanceNamed(explain.OfferingOf(b.SubscriptionID, b.Code, subscriptions, offerings), b.Code); found {
		return a.Names.In(r.Locale.Language), nil
	}
	return b.Code, nil
}

// amountWords writes money as money and units as units, what is given with a
// plus.
func amountWords(r ui.Reader, d money.Decimal, unit money.Unit) string {
	if c, err := money.ParseCurrency(string(unit)); err == nil {
		return r.Money(money.New(d, c))
	}
	if d.Sign() < 0 {
		return "−" + r.Quantity(d.Neg(), unit)
	}
	return r.Quantity(d, unit)
}

// decide carries out what a person decides on a request.
func decide(to balance.RequestState, action string) func(v *web.Visit) error {
	return func(v *web.Visit) error {
		id, err := uuid.Parse(v.Param("request"))
		if err != nil {
			return balance.ErrRequestNotFound
		}
		c := &command.Command{Action: action, Object: "adjustment_request", ID: id, Part: string(to)}
		c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
			next := v.Console("approvals", "done", string(to))
			if to == balance.Approved {
				_, err := v.Stack.ApproveAdjustment(ctx, tx, v.Who, id)
				return next, err
			}
			_, err := balance.Decide(ctx, tx, id, to, v.Who.Actor(), v.Form("why"))
			return next, err
		}
		next, err := command.CarryOut(v, c)
		if errors.Is(err, balance.ErrReason) {
			return showApprovals(v, http.StatusUnprocessableEntity, "", id)
		}
		if key := decideFault(err); key != "" {
			return showApprovals(v, http.StatusUnprocessableEntity, v.Reader.T("approval.not."+key), uuid.Nil)
		}
		if err != nil {
			return err
		}
		return v.Lead(next)
	}
}

func decideFault(err error) string {
	for _, known := range []struct {
		err error
		key string
	}{{balance.ErrOwnRequest, "own"}, {balance.ErrNotAsker, "other"}, {balance.ErrDecided, "decided"}, {balance.ErrLimit, "limit"}, {balance.ErrInsufficient, "insufficient"}, {balance.ErrReasonCode, "code"}} {
		if errors.Is(err, known.err) {
			return known.key
		}
	}
	return ""
}
