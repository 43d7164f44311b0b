package value

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
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
	console.GET("/approvals", site.Console(identity.AccountRead, approvals))
	console.POST("/approvals/:request/approve", site.Console(identity.BalanceWrite, decide(balance.Approved, "adjustment.approve")))
	console.POST("/approvals/:request/refuse", site.Console(identity.BalanceWrite, decide(balance.Refused, "adjustment.refuse")))
	console.POST("/approvals/:request/withdraw", site.Console(identity.BalanceWrite, decide(balance.Withdrawn, "adjustment.withdraw")))
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
	single             bool // a batch for one purpose was asked for
}

func vouchers(v *web.Visit) error { return showVouchers(v, http.StatusOK, "", nil) }

func showVouchers(v *web.Visit, status int, refused string, faults map[string]string) error {
	r := v.Reader
	view := vouchersView{ConsolePage: frame.Of(v, frame.Vouchers, r.T("con.nav.vouchers")), key: command.NewKey(), refused: refused,
		mayMake: v.May(identity.SettingsWrite), mayMove: v.May(identity.PaymentWrite)}
	view.single = v.Form("single_purpose") != ""
	if v.Query("done") != "" {
		view.done = r.T("value.done")
	}
	for _, id := range []string{"code", "value", "price", "count", "valid_through", "channel", "dealer"} {
		f := ui.Field{ID: id, Label: r.T("value.batch."+id, "currency", r.Locale.Symbol(v.Profile.Currency)), Value: v.Form(id), Error: faults[id], Autocomplete: "off", MaxLength: "60"}
		switch id {
		case "code":
			f.Hint, f.Mono = r.T("value.batch.code.hint"), true
		case "value", "price":
			f.InputMode = "decimal"
		case "count":
			f.InputMode = "numeric"
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

// refusals are those with words of their own.
var refusals = map[error]string{voucher.ErrCodeTaken: "value.refused.taken", voucher.ErrFetched: "value.refused.fetched", voucher.ErrMove: "value.refused.move"}

// refuse shows why something was not done; field is the one that is wrong, or
// empty.
func refuse(r ui.Reader, err error) (field, words string, known bool) {
	var wrong *account.FieldError
	if errors.As(err, &wrong) {
		return wrong.Field, wrong.Want, true
	}
	for refused, key := range refusals {
		if errors.Is(err, refused) {
			return "", r.T(key), true
		}
	}
	p, is := problem.Of(err)
	if !is || p.Status >= http.StatusInternalServerError || p.Status == http.StatusNotFound {
		return "", "", false
	}
	return "", err.Error(), true
}

func carry(v *web.Visit, action, object string, id uuid.UUID, do func(ctx context.Context, tx tenant.Tx) error) error {
	c := &command.Command{Action: action, Object: object, ID: id, Part: v.Sent(), Do: func(ctx context.Context, tx tenant.Tx) (string, error) { return "", do(ctx, tx) }}
	_, err := command.CarryOut(v, c)
	return err
}

// newBatch reads the form; faults are by field.
func newBatch(v *web.Visit) (n voucher.NewBatch, faults map[string]string) {
	currency, r := v.Profile.Currency, v.Reader
	faults = map[string]string{}
	n = voucher.NewBatch{ID: command.ID(v), Code: strings.ToUpper(strings.TrimSpace(v.Form("code"))), Channel: v.Form("channel"), Dealer: v.Form("dealer"), SinglePurpose: v.Form("single_purpose") != "", By: v.Who.Actor()}
	var err error
	if n.Value, err = ui.ParseAmount(v.Form("value"), currency, r.Locale); err != nil {
		faults["value"] = r.T("rule.want.amount")
	}
	if n.Price, err = ui.ParseAmount(v.Form("price"), currency, r.Locale); err != nil {
		faults["price"] = r.T("rule.want.amount")
	}
	if n.Count, err = strconv.Atoi(strings.TrimSpace(v.Form("count"))); err != nil {
		faults["count"] = r.T("rule.want.whole")
	}
	if n.ValidThrough, err = calendar.ParseDate(v.Form("valid_through")); err != nil {
		faults["valid_through"] = r.T("value.want.valid_through")
	}
	if v.User.Branch != nil {
		n.Branch = *v.User.Branch
	}
	return n, faults
}

// batchWants are the fields of a batch that have words of their own for what
// would be right.
var batchWants = []string{"code", "value", "price", "count", "valid_through", "channel", "dealer"}

func makeBatch(v *web.Visit) error {
	n, faults := newBatch(v)
	if len(faults) > 0 {
		return showVouchers(v, http.StatusUnprocessableEntity, "", faults)
	}
	err := carry(v, "voucher_batch.make", "voucher_batch", n.ID, func(ctx context.Context, tx tenant.Tx) error {
		_, err := v.Stack.Vouchers().Make(ctx, tx, n)
		return err
	})
	return after(v, err, "vouchers", func(field, words string) error {
		if slices.Contains(batchWants, field) {
			return showVouchers(v, http.StatusUnprocessableEntity, "", map[string]string{field: v.Reader.T("value.want." + field)})
		}
		return showVouchers(v, http.StatusUnprocessableEntity, words, nil)
	})
}

func after(v *web.Visit, err error, path string, show func(field, words string) error) error {
	if err == nil {
		return v.Lead(v.Console(path, "done", "1"))
	}
	if field, words, known := refuse(v.Reader, err); known {
		return show(field, words)
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
	if _, words, known := refuse(v.Reader, err); err != nil && known {
		return showVouchers(v, http.StatusUnprocessableEntity, words, nil)
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
	return after(v, err, "vouchers", func(field, words string) error {
		if field != "" {
			words = v.Reader.T("value.refused.range")
		}
		return showVouchers(v, http.StatusUnprocessableEntity, words, nil)
	})
}
