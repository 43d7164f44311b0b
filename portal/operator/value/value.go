package value

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/alert"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/billing/voucher"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/vouchers", site.Console(identity.PaymentRead, vouchers))
	console.POST("/vouchers", site.Console(identity.SettingsWrite, makeBatch))
	console.POST("/vouchers/:batch/pins", site.Console(identity.SettingsWrite, fetchPINs))
	console.POST("/vouchers/:batch/:act", site.Console(identity.PaymentWrite, moveVouchers))
	console.GET("/balance-rules", site.Console(identity.SettingsRead, rules))
	console.POST("/balance-rules/:kind", site.Console(identity.SettingsWrite, saveRules))
}

// batchView is one batch in the list.
type batchView struct {
	id, code, value, count, states, ends string
	fetched                              bool
}

type vouchersView struct {
	ui.ConsolePage
	key, done, refused string
	fields             []ui.Field
	batches            []batchView
	mayMake, mayMove   bool
}

func vouchers(v *web.Visit) error { return showVouchers(v, http.StatusOK, "") }

func showVouchers(v *web.Visit, status int, refused string) error {
	r := v.Reader
	view := vouchersView{ConsolePage: frame.Of(v, frame.Vouchers, r.T("con.nav.vouchers")), key: command.NewKey(), refused: refused,
		mayMake: v.May(identity.SettingsWrite), mayMove: v.May(identity.PaymentWrite)}
	if v.Query("done") != "" {
		view.done = r.T("value.done")
	}
	for _, id := range []string{"code", "value", "price", "count", "valid_through", "channel", "dealer"} {
		f := ui.Field{ID: id, Label: r.T("value.batch." + id), Value: v.Form(id), Autocomplete: "off"}
		switch id {
		case "valid_through":
			f.Kind = "date"
		case "channel", "dealer":
			f.Optional = true
		}
		view.fields = append(view.fields, f)
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := voucher.List(ctx, tx, uuid.Nil, voucher.MaxPage)
		for _, b := range list {
			one := batchView{id: b.ID.String(), code: b.Code, value: r.Money(b.Value), count: strconv.Itoa(b.Count), ends: r.Date(r.LocalDate(b.ExpiresAt.Add(-1))), fetched: b.FetchedAt != nil}
			var states []string
			for _, s := range voucher.States {
				if n := b.In[s]; n > 0 {
					states = append(states, r.T("value.state."+string(s))+" "+strconv.Itoa(n))
				}
			}
			one.states = strings.Join(states, ", ")
			view.batches = append(view.batches, one)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(status, vouchersPage(view))
}

// refuse shows why something was not done, with the field that is wrong.
func refuse(err error) (words string, known bool) {
	var field *account.FieldError
	if errors.As(err, &field) {
		return field.Field + ": " + field.Want, true
	}
	p, is := problem.Of(err)
	if !is || p.Status >= http.StatusInternalServerError || p.Status == http.StatusNotFound {
		return "", false
	}
	return err.Error(), true
}

func carry(v *web.Visit, action, object string, id uuid.UUID, do func(ctx context.Context, tx tenant.Tx) error) error {
	c := &command.Command{Action: action, Object: object, ID: id, Part: v.Sent(), Do: func(ctx context.Context, tx tenant.Tx) (string, error) { return "", do(ctx, tx) }}
	_, err := command.CarryOut(v, c)
	return err
}

func makeBatch(v *web.Visit) error {
	currency, l := v.Profile.Currency, v.Reader.Locale
	value, err := ui.ParseAmount(v.Form("value"), currency, l)
	price, err2 := ui.ParseAmount(v.Form("price"), currency, l)
	count, err3 := strconv.Atoi(strings.TrimSpace(v.Form("count")))
	day, err4 := calendar.ParseDate(v.Form("valid_through"))
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return showVouchers(v, http.StatusUnprocessableEntity, v.Reader.T("value.batch.not"))
	}
	n := voucher.NewBatch{ID: command.ID(v), Code: strings.ToUpper(strings.TrimSpace(v.Form("code"))), Value: value, Price: price, Count: count,
		ValidThrough: day, Channel: v.Form("channel"), Dealer: v.Form("dealer"), By: v.Who.Actor()}
	if v.User.Branch != nil {
		n.Branch = *v.User.Branch
	}
	err = carry(v, "voucher_batch.make", "voucher_batch", n.ID, func(ctx context.Context, tx tenant.Tx) error {
		_, err := v.Stack.Vouchers().Make(ctx, tx, n)
		return err
	})
	return after(v, err, "vouchers", func(words string) error { return showVouchers(v, http.StatusUnprocessableEntity, words) })
}

func after(v *web.Visit, err error, path string, show func(words string) error) error {
	if err == nil {
		return v.Lead(v.Console(path, "done", "1"))
	}
	if words, known := refuse(err); known {
		return show(words)
	}
	return err
}

func batchID(v *web.Visit) uuid.UUID {
	id, err := uuid.Parse(v.Param("batch"))
	if err != nil {
		return uuid.Nil
	}
	return id
}

func fetchPINs(v *web.Visit) error {
	var list []byte
	err := v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if list, err = v.Stack.Vouchers().Fetch(ctx, tx, batchID(v), v.Who.Actor()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: "voucher_batch.fetch", Object: "voucher_batch", ObjectID: batchID(v)})
	})
	if words, known := refuse(err); err != nil && known {
		return showVouchers(v, http.StatusUnprocessableEntity, words)
	}
	if err != nil {
		return err
	}
	return v.SendFile("text/csv; charset=utf-8", list)
}

func moveVouchers(v *web.Visit) error {
	first, _ := strconv.Atoi(strings.TrimSpace(v.Form("first")))
	last, _ := strconv.Atoi(strings.TrimSpace(v.Form("last")))
	id, r := batchID(v), voucher.Range{First: first, Last: last}
	err := carry(v, "voucher_batch."+v.Param("act"), "voucher_batch", id, func(ctx context.Context, tx tenant.Tx) (err error) {
		switch v.Param("act") {
		case "sell":
			_, err = voucher.Sell(ctx, tx, voucher.Sale{ID: command.ID(v), BatchID: id, Range: r, PaidTo: ledger.Kind(v.Form("method"))})
		case "block":
			_, err = voucher.Block(ctx, tx, id, r)
		case "unblock":
			_, err = voucher.Unblock(ctx, tx, id, r)
		default:
			err = voucher.ErrNotFound
		}
		return err
	})
	return after(v, err, "vouchers", func(words string) error { return showVouchers(v, http.StatusUnprocessableEntity, words) })
}

// ruleView is one document.
type ruleView struct{ kind, title, text string }

type rulesView struct {
	ui.ConsolePage
	key, done, refused string
	rules              []ruleView
	may                bool
}

// kinds are the documents in the order of the page.
var kinds = []string{"adjustment", "transfer", "points", "alert", "reminder"}

func rules(v *web.Visit) error { return showRules(v, http.StatusOK, "", "") }

func showRules(v *web.Visit, status int, typedKind, refused string) error {
	r := v.Reader
	view := rulesView{ConsolePage: frame.Of(v, frame.BalanceRules, r.T("con.nav.balance-rules")), key: command.NewKey(), refused: refused, may: v.May(identity.SettingsWrite)}
	if v.Query("done") != "" {
		view.done = r.T("value.done")
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		for _, kind := range kinds {
			document, err := readRules(ctx, tx, kind)
			if err != nil {
				return err
			}
			text, err := json.MarshalIndent(document, "", "  ")
			if err != nil {
				return err
			}
			one := ruleView{kind, r.T("value.rules." + kind), string(text)}
			if kind == typedKind {
				one.text = v.Form("rules")
			}
			view.rules = append(view.rules, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Show(status, rulesPage(view))
}

func readRules(ctx context.Context, tx tenant.Tx, kind string) (any, error) {
	switch kind {
	case "adjustment":
		return balance.GetAdjustPolicy(ctx, tx)
	case "transfer":
		return transfer.Get(ctx, tx)
	case "points":
		return points.Get(ctx, tx)
	case "alert":
		return alert.Get(ctx, tx)
	}
	return balance.GetReminder(ctx, tx)
}

// put reads a document strictly and has its package check and store it.
func put[T any](ctx context.Context, tx tenant.Tx, text, by string, store func(context.Context, tenant.Tx, T, string) error) error {
	var document T
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&document); err != nil {
		return &account.FieldError{Field: "rules", Want: "a document as it stands here (" + err.Error() + ")"}
	}
	return store(ctx, tx, document, by)
}

func saveRules(v *web.Visit) error {
	kind, text, by := v.Param("kind"), v.Form("rules"), v.Who.Actor()
	err := carry(v, "balance_policy."+kind, "operator", uuid.Nil, func(ctx context.Context, tx tenant.Tx) error {
		switch kind {
		case "adjustment":
			return put(ctx, tx, text, by, balance.PutAdjustPolicy)
		case "transfer":
			return put(ctx, tx, text, by, transfer.Put)
		case "points":
			return put(ctx, tx, text, by, points.Put)
		case "alert":
			return put(ctx, tx, text, by, alert.Put)
		case "reminder":
			return put(ctx, tx, text, by, balance.PutReminder)
		}
		return account.ErrNotFound
	})
	return after(v, err, "balance-rules", func(words string) error { return showRules(v, http.StatusUnprocessableEntity, kind, words) })
}
