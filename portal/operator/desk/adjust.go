package desk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// onAccount is the choice of a credit on the account itself, beside its balances.
const onAccount = "account"

// adjustment is what the form for giving and taking asks for.
type adjustment struct {
	form
	bucket *balance.Bucket // nil: a credit on the account
	amount money.Decimal   // above zero is given
}

// adjustForm gives to an account or a balance of it, or takes from a balance.
// Where the operator has a list of reasons, one of them is chosen.
func adjustForm(v *web.Visit, p *person) (*adjustment, error) {
	r := v.Reader
	a := &adjustment{form: p.form(v, "adjust")}
	var laidDown balance.AdjustPolicy
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		laidDown, err = balance.GetAdjustPolicy(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var targets []ui.Choice
	if !p.prepaid() {
		targets = append(targets, ui.Choice{Value: onAccount, Label: r.T("desk.adjust.account"), Hint: r.T("desk.adjust.account.hint")})
	}
	for i := range p.buckets {
		b := &p.buckets[i]
		targets = append(targets, ui.Choice{Value: b.ID.String(), Label: p.bucketName(r, *b), Hint: r.T("desk.adjust.has", "left", p.quantityOf(r, *b))})
		if v.Form("target") == b.ID.String() {
			a.bucket = b
		}
	}
	target := v.Form("target")
	if target == "" && len(targets) > 0 {
		target = targets[0].Value
	}
	way := v.Form("way")
	if way != "take" {
		way = "give"
	}
	ways := chosen([]ui.Choice{{Value: "give", Label: r.T("desk.adjust.give")}, {Value: "take", Label: r.T("desk.adjust.take")}}, way)
	a.fields = []control{
		{kind: radios, Field: ui.Field{ID: "target", Label: r.T("desk.adjust.target"), Value: target}, choices: chosen(targets, target)},
		{kind: radios, Field: ui.Field{ID: "way", Label: r.T("desk.adjust.way"), Value: way}, choices: ways},
		{Field: ui.Field{ID: "amount", Label: r.T("desk.adjust.amount"), Hint: r.T("desk.adjust.amount.hint", "currency", r.Locale.Symbol(p.Currency)), Value: v.Form("amount"), InputMode: "decimal", Autocomplete: "off"}},
		reasonControl(v, ""),
	}
	if len(laidDown.Reasons) > 0 {
		a.fields = append(a.fields, reasonCodes(v, laidDown.Reasons))
	}
	a.submit = r.T("desk.form.next")
	return a, nil
}

// reasonCodes lets one of the operator's reasons be chosen.
func reasonCodes(v *web.Visit, reasons []balance.AdjustReason) control {
	r := v.Reader
	choices := []ui.Choice{{Label: r.T("desk.adjust.code.choose")}}
	code := ""
	for _, reason := range reasons {
		choices = append(choices, ui.Choice{Value: reason.Code, Label: reason.Name(r.Locale.Language)})
		if reason.Code == v.Form("reason_code") {
			code = reason.Code
		}
	}
	return control{kind: selects, Field: ui.Field{ID: "reason_code", Label: r.T("desk.adjust.code"), Value: code}, choices: chosen(choices, code)}
}

func showAdjust(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	a, err := adjustForm(v, p)
	if err != nil {
		return err
	}
	return a.show(v, http.StatusOK)
}

func sendAdjust(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	a, err := adjustForm(v, p)
	if err != nil {
		return err
	}
	a.read(v, p)
	reason, code := strings.TrimSpace(v.Form("reason")), a.code()
	c := &command.Command{Action: "balance.adjust", Object: "bucket", Detail: map[string]any{"account": p.Number, "reason": reason, "amount": a.amount.String()}}
	if a.bucket == nil {
		c.Action, c.Object, c.ID = "account.credit", "account", p.ID
		c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
			_, err := v.Stack.GiveCredit(ctx, tx, v.Who, code, payment.NewCredit{ID: command.ID(v), AccountID: p.ID, Amount: p.amount(a.amount), Reason: reason, By: v.Who.Actor()})
			return v.Console(p.path(""), "done", "credited"), err
		}
	} else {
		c.ID = a.bucket.ID
		c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
			_, err := v.Stack.AdjustBalance(ctx, tx, v.Who, code, balance.Adjustment{ID: command.ID(v), BucketID: a.bucket.ID, Amount: a.amount, Reason: reason})
			return v.Console(p.path(""), "done", "adjusted"), err
		}
	}
	if v.Form("second") != "" {
		return a.ask(v, p, reason)
	}
	return a.settle(v, true, c, func(f *form, err error) bool {
		limit := (*balance.LimitError)(nil)
		if !errors.As(err, &limit) {
			return false
		}
		f.fields[2].Error = v.Reader.T("desk.adjust.limit", "left", p.written(v.Reader, limit.Left, limit.Unit))
		f.submit, f.effects, f.second = v.Reader.T("desk.form.next"), nil, v.Reader.T("approval.ask", "amount", p.written(v.Reader, a.amount, limit.Unit))
		return true
	})
}

// ask lays what is beyond the clerk's limit before a second person.
func (a *adjustment) ask(v *web.Visit, p *person, reason string) error {
	q := balance.Request{ID: command.ID(v), AccountID: p.ID, Amount: a.amount, Unit: p.Currency.Unit(), Reason: a.code(), Note: reason, AskedBy: v.Who.Actor()}
	if a.bucket != nil {
		q.BucketID, q.Unit = a.bucket.ID, a.bucket.Unit
	}
	c := &command.Command{Action: "adjustment.ask", Object: "adjustment_request", ID: q.ID, Detail: map[string]any{"account": p.Number, "reason": reason, "amount": a.amount.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := balance.Ask(ctx, tx, q)
		return v.Console(p.path(""), "done", "asked"), err
	}
	return a.settle(v, false, c, nil)
}

// code is the operator's reason that was chosen; empty where there is no list.
func (a *adjustment) code() string {
	if len(a.fields) > 4 {
		return a.fields[4].Value
	}
	return ""
}

// read takes what was typed and says what it would do.
func (a *adjustment) read(v *web.Visit, p *person) {
	r := v.Reader
	take := a.fields[1].Value == "take"
	if a.fields[0].Value != onAccount && a.bucket == nil {
		a.fields[0].Error = r.T("desk.adjust.target.not")
	}
	if a.bucket == nil && take {
		a.fields[1].Error = r.T("desk.adjust.take.not")
	}
	if strings.TrimSpace(v.Form("reason")) == "" {
		a.fields[3].Error = r.T("desk.reason.missing")
	}
	if len(a.fields) > 4 && a.code() == "" {
		a.fields[4].Error = r.T("desk.adjust.code.not")
	}
	unit := p.Currency.Unit()
	if a.bucket != nil {
		unit = a.bucket.Unit
	}
	var err error
	if a.amount, err = quantityTyped(v.Form("amount"), unit, p.Currency, r); err != nil {
		a.fields[2].Error = r.T("desk.adjust.amount.not")
		return
	}
	words := p.written(r, a.amount, unit)
	if take && a.bucket != nil && a.amount.Cmp(a.bucket.Value) > 0 {
		a.fields[2].Error = r.T("desk.adjust.toomuch", "left", p.quantityOf(r, *a.bucket))
	}
	switch {
	case a.bucket == nil:
		a.effects = []string{r.T("desk.adjust.effect.credit", "amount", words, "owes", r.Money(p.summary.Owes)), r.T("desk.adjust.effect.cost")}
		a.submit = r.T("desk.adjust.do.give", "amount", words)
	case take:
		a.effects = []string{r.T("desk.adjust.effect.take", "amount", words, "bucket", p.bucketName(r, *a.bucket), "left", p.written(r, a.bucket.Value.Sub(a.amount), unit))}
		a.submit = r.T("desk.adjust.do.take", "amount", words)
		a.amount = a.amount.Neg()
	default:
		a.effects = []string{r.T("desk.adjust.effect.give", "amount", words, "bucket", p.bucketName(r, *a.bucket), "left", p.written(r, a.bucket.Value.Add(a.amount), unit))}
		a.submit = r.T("desk.adjust.do.give", "amount", words)
	}
}

// written is a quantity of a unit, or an amount of the account's money.
func (p *person) written(r ui.Reader, d money.Decimal, unit money.Unit) string {
	if unit.IsCurrency() {
		return r.Money(p.amount(d))
	}
	return r.Quantity(d, unit)
}

// quantityTyped reads what a person types for a balance: money as money, and
// units in the size in which people count them: minutes, GB, times.
func quantityTyped(typed string, unit money.Unit, c money.Currency, r ui.Reader) (money.Decimal, error) {
	if unit.IsCurrency() {
		amount, err := ui.ParseAmount(typed, c, r.Locale)
		return amount.Decimal(), err
	}
	plain := strings.ReplaceAll(strings.TrimSpace(typed), ",", ".")
	n, err := money.ParseDecimal(plain)
	if err != nil || n.Sign() <= 0 || len(plain) > 12 {
		return money.Decimal{}, ui.ErrAmount
	}
	size := int64(1)
	switch unit {
	case money.Byte:
		size = 1_000_000_000
	case money.Second:
		size = 60
	}
	whole := n.Mul(money.NewDecimal(size))
	if !whole.Round(0, money.Down).Equal(whole) {
		return money.Decimal{}, ui.ErrAmount
	}
	return whole, nil
}

// form is an act on the account.
func (p *person) form(v *web.Visit, act string) form {
	r := v.Reader
	return form{title: r.T("desk.act." + act), action: v.Console(p.path(act)), back: v.Console(p.path("")), backTo: p.party.Name}
}

// cashForm takes money over the counter.
func cashForm(v *web.Visit, p *person) form {
	r := v.Reader
	f := p.form(v, "cash")
	f.lead = r.T("desk.cash.owes", "amount", r.Money(p.summary.Owes))
	purpose := payment.PurposeBill
	if p.prepaid() {
		purpose = payment.PurposeTopUp
		f.lead = r.T("desk.cash.prepaid")
	}
	amount := v.Form("amount")
	if amount == "" && !sent(v) && p.summary.Owes.Sign() > 0 {
		amount = r.Locale.FormatFigure(p.summary.Owes.RoundToDocument())
	}
	purposes := []ui.Choice{{Value: string(payment.PurposeBill), Label: r.T("desk.cash.bill")}}
	if p.prepaid() {
		purposes = append(purposes, ui.Choice{Value: string(payment.PurposeTopUp), Label: r.T("desk.cash.topup")})
		if v.Form("purpose") == string(payment.PurposeBill) {
			purpose = payment.PurposeBill
		}
	}
	f.fields = []control{
		{Field: ui.Field{ID: "amount", Label: r.T("desk.cash.amount", "currency", r.Locale.Symbol(p.Currency)), Value: amount, InputMode: "decimal", Autocomplete: "off", Autofocus: true}},
		{kind: radios, Field: ui.Field{ID: "purpose", Label: r.T("desk.cash.purpose"), Value: string(purpose)}, choices: chosen(purposes, string(purpose))},
		{Field: ui.Field{ID: "reference", Label: r.T("desk.cash.reference"), Hint: r.T("desk.cash.reference.hint"), Value: v.Form("reference"), Optional: true, MaxLength: "140"}},
	}
	if !p.prepaid() {
		f.fields[1].kind = hidden
	}
	f.submit = r.T("desk.form.next")
	return f
}

func showCash(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	return cashForm(v, p).show(v, http.StatusOK)
}

func sendCash(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	r, f := v.Reader, cashForm(v, p)
	amount, err := ui.ParseAmount(v.Form("amount"), p.Currency, r.Locale)
	if err != nil {
		f.fields[0].Error = r.T("desk.adjust.amount.not")
	} else {
		f.submit = r.T("desk.cash.do", "amount", r.Money(amount))
		f.effects = p.cashEffects(v, amount, payment.Purpose(f.fields[1].Value))
	}
	n := payment.NewPayment{ID: command.ID(v), AccountID: p.ID, Purpose: payment.Purpose(f.fields[1].Value), Method: payment.Cash, Amount: amount,
		Reference: strings.TrimSpace(v.Form("reference")), By: v.Who.Actor()}
	c := &command.Command{Action: "payment.cash", Object: "payment", ID: n.ID, Detail: map[string]any{"account": p.Number, "amount": v.Form("amount"), "purpose": n.Purpose}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		paid, err := v.Stack.RecordPayment(ctx, tx, n)
		return v.Console(p.path("receipts/"+paid.ID.String()), "done", "paid"), err
	}
	return f.settle(v, true, c, nil)
}

// cashEffects says where the money would go: to what is open, the oldest due
// first, and what is left.
func (p *person) cashEffects(v *web.Visit, amount money.Amount, purpose payment.Purpose) []string {
	r := v.Reader
	if purpose == payment.PurposeTopUp {
		return []string{r.T("desk.cash.effect.topup", "amount", r.Money(amount))}
	}
	var items []payment.OpenItem
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		items, err = payment.OpenItems(ctx, tx, p.ID)
		return err
	})
	if err != nil {
		return nil // the money can be taken all the same
	}
	left := amount.Decimal()
	var effects []string
	for _, item := range items {
		if left.Sign() <= 0 {
			break
		}
		part, key := item.Open.Decimal(), "desk.cash.effect.whole"
		if part.Cmp(left) > 0 {
			part, key = left, "desk.cash.effect.part"
		}
		left = left.Sub(part)
		effects = append(effects, r.T(key, "amount", r.Money(p.amount(part)), "number", item.Number))
	}
	if left.Sign() > 0 {
		effects = append(effects, r.T("desk.cash.effect.rest", "amount", r.Money(p.amount(left))))
	}
	return effects
}

// receiptNumber is what a payment's receipt is called: the payment's own id,
// short enough to read out. The page of a receipt is found by the whole id.
func receiptNumber(p payment.Payment) string {
	digits := strings.ReplaceAll(p.ID.String(), "-", "")
	return "R-" + strings.ToUpper(digits[:8]+"-"+digits[len(digits)-6:])
}

// receiptView is a receipt, to be printed.
type receiptView struct {
	operator, number string
	facts            []fact
	shares           table
	done             string
	back             string
}

func showReceipt(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var paid payment.Payment
	var shares []payment.Allocation
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if paid, err = payment.Get(ctx, tx, idOf(v, "payment")); err != nil {
			return err
		}
		shares, err = payment.Allocations(ctx, tx, paid.ID)
		return err
	})
	if err != nil {
		return err
	}
	if paid.AccountID != p.ID || paid.Method == payment.Goodwill {
		return payment.ErrNotFound
	}
	r := v.Reader
	view := receiptView{operator: v.Profile.Name, number: receiptNumber(paid), back: v.Console(p.path("payments"))}
	if v.Query("done") == "paid" {
		view.done = doneWords(r, "paid")
	}
	view.facts = []fact{{r.T("desk.receipt.from"), p.party.Name + ", " + p.Number, v.Console(p.path(""))}, {r.T("desk.col.received"), r.DateTime(paid.ReceivedAt), ""},
		{r.T("desk.col.method"), methodWords(r, string(paid.Method)), ""}, {r.T("desk.col.amount"), r.Money(paid.Amount), paymentAddress(v, paid.ID)}}
	if paid.Reference != "" {
		view.facts = append(view.facts, fact{name: r.T("desk.col.reference"), value: paid.Reference})
	}
	view.shares = table{id: "h-shares", title: r.T("desk.receipt.shares"), icon: "bill", none: r.T("desk.receipt.none"), noneMore: r.T("desk.receipt.none.more"),
		head: heads(r.T("desk.col.number"), r.T("desk.col.amount")+"#")}
	if paid.Purpose == payment.PurposeTopUp {
		view.shares.noneMore = r.T("desk.cash.effect.topup", "amount", r.Money(paid.Amount))
	}
	for _, s := range shares {
		number := text(s.Number)
		if s.BillID != uuid.Nil {
			number.href = v.Console("bills/" + s.BillID.String())
		}
		view.shares.rows = append(view.shares.rows, []cell{number, num(r.Money(s.Amount))})
	}
	if paid.Unapplied.Sign() > 0 && len(view.shares.rows) > 0 {
		view.shares.rows = append(view.shares.rows, []cell{text(r.T("desk.receipt.kept")), num(r.Money(paid.Unapplied))})
	}
	page, _ := p.framed(v, "payments")
	page.Title = r.T("desk.receipt", "number", view.number)
	return v.Show(http.StatusOK, receiptPage(page, view))
}

func paymentAddress(v *web.Visit, id uuid.UUID) string {
	if !v.May(identity.PaymentRead) {
		return ""
	}
	return v.Console("payments/" + id.String())
}
