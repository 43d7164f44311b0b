package cash

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// maxStatement bounds an uploaded file.
const maxStatement = 32 << 20

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/bank", site.Console(identity.PaymentRead, func(v *web.Visit) error { return bank(v, nil) }))
	console.POST("/bank", site.ConsoleUpload(identity.PaymentWrite, maxStatement, importStatement))
	console.GET("/bank/forms", site.Console(identity.SettingsRead, func(v *web.Visit) error { return statementForms(v, nil) }))
	console.POST("/bank/forms", site.ConsoleUpload(identity.SettingsWrite, maxStatement, putStatementForm))
	console.POST("/bank/forms/remove", site.Console(identity.SettingsWrite, removeStatementForm))
	console.GET("/bank/:statement", site.Console(identity.PaymentRead, statementPage))
	console.POST("/bank/entries/:entry", site.Console(identity.PaymentWrite, decide))
	console.GET("/cash-desk", site.Console(identity.PaymentRead, func(v *web.Visit) error { return desk(v, nil) }))
	console.POST("/cash-desk", site.Console(identity.PaymentWrite, act))
	console.GET("/cash-desk/:shift", site.Console(identity.PaymentRead, shiftPage))
	console.POST("/cash-desk/:shift/approve", site.Console(identity.RefundWrite, approve))
	console.GET("/debits", site.Console(identity.PaymentRead, func(v *web.Visit) error { return debits(v, nil) }))
	console.POST("/debits", site.Console(identity.PaymentWrite, makeRun))
	console.GET("/debits/mandates", site.Console(identity.PaymentRead, func(v *web.Visit) error { return mandates(v, nil) }))
	console.POST("/debits/mandates/:method", site.Console(identity.PaymentWrite, amendMandate))
	console.POST("/debits/mandates/:method/end", site.Console(identity.PaymentWrite, endMandate))
	console.POST("/debits/mandates", site.Console(identity.PaymentWrite, sign))
	console.POST("/debits/answers", site.ConsoleUpload(identity.PaymentWrite, maxStatement, readAnswer))
	console.POST("/debits/:run/file", site.Console(identity.PaymentWrite, sendRun))
	console.POST("/debits/:run/cancel", site.Console(identity.PaymentWrite, cancelRun))
	console.GET("/disputes", site.Console(identity.PaymentRead, func(v *web.Visit) error { return disputes(v, nil) }))
	console.POST("/disputes/:dispute/evidence", site.Console(identity.PaymentWrite, noteEvidence))
	console.POST("/payouts", site.Console(identity.PaymentWrite, fetchPayouts))
	console.POST("/reassign", site.Console(identity.PaymentWrite, reassign))
	console.GET("/payment-rules", site.Console(identity.SettingsRead, func(v *web.Visit) error { return settings(v, nil) }))
	console.POST("/payment-rules", site.Console(identity.SettingsWrite, saveRules))
	console.POST("/payment-rules/stripe", site.Console(identity.SettingsWrite, saveStripe))
	console.POST("/payment-rules/redirect", site.Console(identity.SettingsWrite, saveRedirect))
}

// bank shows statements, the queue of unclear entries, and the bank beside the
// ledger.
func bank(v *web.Visit, f *fault) error {
	p, r := newPage(v, frame.Bank), v.Reader
	var list []reconcile.Statement
	var queue []reconcile.Entry
	var books reconcile.Books
	var laid payment.Policy
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if list, err = reconcile.Statements(ctx, tx, 50); err != nil {
			return err
		}
		if queue, err = reconcile.Queue(ctx, tx, 100); err != nil {
			return err
		}
		if laid, err = payment.GetPolicy(ctx, tx); err != nil {
			return err
		}
		books, err = reconcile.HoldAgainstLedger(ctx, tx, v.Profile.Currency)
		return err
	})
	if err != nil {
		return err
	}
	may := v.May(identity.PaymentWrite)
	wait := panel{id: "queue", title: r.T("money.queue"), lead: r.T("money.queue.lead"), none: r.T("money.queue.none"), head: p.heads("day", "amount", "party", "text", "suggestion", "decision")}
	for _, e := range queue {
		wait.rows = append(wait.rows, p.entryRow(v, e, may))
	}
	held := panel{id: "books", title: r.T("money.books"), facts: [][2]string{{r.T("money.books.ledger"), r.Money(books.Ledger)}, {r.T("money.books.unclear"), r.Money(books.Unclear)}}}
	if books.Bank != nil {
		held.facts = append(held.facts, [2]string{r.T("money.books.bank"), r.Money(*books.Bank)}, [2]string{r.T("money.books.difference"), r.Money(*books.Difference)})
	}
	files := panel{id: "statements", title: r.T("money.statements"), none: r.T("money.statements.none"), head: p.heads("statement", "account", "period", "closing", "entries", "unclear", "balance")}
	if may {
		forms := []ui.Choice{{Value: "", Label: "camt.053 / camt.054 / camt.052"}}
		for name := range laid.Delimited {
			forms = append(forms, ui.Choice{Value: name, Label: name})
		}
		upload := p.input(v, "file", "")
		upload.Kind = "file"
		kind := p.input(v, "form", "")
		kind.choices = forms
		files.forms = []form{{action: v.Console("bank"), button: r.T("money.import"), file: true, fields: []field{upload, kind}}}
	}
	for _, s := range list {
		closing, state := "", cell{text: r.T("money.balance.none")}
		if s.Closing != nil {
			closing = r.Money(money.New(*s.Closing, s.Currency))
		}
		if d := s.Balance.Difference; d != nil {
			state = cell{text: r.T("money.balance.ok"), tone: ui.OK}
			if !d.IsZero() {
				state = cell{text: r.T("money.balance.off", "amount", r.Money(money.New(*d, s.Currency))), tone: ui.Bad}
			}
		}
		files.rows = append(files.rows, row{cells: []cell{{text: s.Reference, href: v.Console("bank/" + s.ID.String())}, text(s.Account), text(r.Date(s.From) + " – " + r.Date(s.To)),
			number(closing), number(strconv.Itoa(s.Entries)), number(strconv.Itoa(s.Unclear)), state}})
	}
	p.panels = []panel{wait, files, held}
	if v.May(identity.SettingsRead) {
		p.links = [][2]string{{r.T("bank.forms"), v.Console("bank/forms")}}
	}
	return p.answer(v, f)
}

func (p *page) heads(keys ...string) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = p.T("money.col." + key)
	}
	return out
}

var entryTones = map[reconcile.EntryState]ui.Tone{reconcile.Unclear: ui.Warn, reconcile.Matched: ui.OK, reconcile.NotOurs: ui.Info, reconcile.Ignored: ui.Off}

// entryRow is an entry of the queue: its suggestions are one click each.
func (p *page) entryRow(v *web.Visit, e reconcile.Entry, may bool) row {
	r := v.Reader
	said := make([]string, len(e.Suggestions))
	for i, s := range e.Suggestions {
		said[i] = s.Name + " " + s.Number + " (" + strconv.Itoa(s.Score) + ")"
	}
	line := row{cells: []cell{text(r.Date(e.Booked)), number(r.Money(e.Amount)), text(e.Party), text(e.Text), text(strings.Join(said, "; "))}}
	if !may {
		return line
	}
	to := v.Console("bank/entries/" + e.ID.String())
	if e.Amount.Sign() > 0 {
		for _, s := range e.Suggestions {
			line.forms = append(line.forms, form{action: to, button: r.T("money.take", "name", s.Name, "number", s.Number), hidden: [][2]string{{"act", "pay"}, {"shares", s.Number}, {"bill", first(s.Bills)}}})
		}
		shares := p.input(v, "shares", "")
		shares.ID, shares.Name, shares.Hint = "shares-"+e.ID.String(), "shares", r.T("money.shares.hint")
		line.forms = append(line.forms, form{action: to, button: r.T("money.book"), quiet: true, hidden: [][2]string{{"act", "pay"}}, fields: []field{shares}})
	}
	for _, as := range []string{"not_ours", "ignored"} {
		line.forms = append(line.forms, form{action: to, button: r.T("money.act." + as), quiet: true, hidden: [][2]string{{"act", as}}})
	}
	return line
}

func first(ids []uuid.UUID) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[0].String()
}

func importStatement(v *web.Visit) error {
	file := v.File("file")
	if file == nil {
		return bank(v, &fault{"file", v.Reader.T("money.file.missing")})
	}
	opened, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, maxStatement))
	if err != nil {
		return err
	}
	err = v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		upload := reconcile.Upload{Name: file.Filename, Form: v.Form("form"), By: v.Who.Actor()}
		statements, err := reconcile.Parse(ctx, tx, upload, bytes.NewReader(content))
		if err != nil {
			return err
		}
		for _, s := range statements { // a statement is read once, however often it is sent
			kept, err := v.Stack.Reconcile().Import(ctx, tx, s, upload)
			if err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: "bank_statement.import", Object: "bank_statement", ObjectID: kept.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	return after(v, err, "bank", bank)
}

// statementPage shows a statement's entries and undoes what was made of one.
func statementPage(v *web.Visit) error {
	p, r := newPage(v, frame.Bank), v.Reader
	var s reconcile.Statement
	var list []reconcile.Entry
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if s, err = reconcile.GetStatement(ctx, tx, parsed(v.Param("statement"))); err != nil {
			return err
		}
		list, err = reconcile.EntriesOf(ctx, tx, s.ID)
		return err
	})
	if err != nil {
		return err
	}
	p.under(v, frame.Bank, r.T("money.statement.of", "reference", s.Reference))
	one := panel{id: "entries", title: s.Account, head: p.heads("day", "amount", "party", "text", "state", "score", "decision")}
	for _, e := range list {
		line := row{cells: []cell{text(r.Date(e.Booked)), number(r.Money(e.Amount)), text(e.Party), text(e.Text),
			{text: r.T("money.entry." + string(e.State)), tone: entryTones[e.State]}, number(strconv.Itoa(e.Score))}}
		if e.State != reconcile.Unclear && v.May(identity.PaymentWrite) {
			line.forms = []form{{action: v.Console("bank/entries/" + e.ID.String()), button: r.T("money.undo"), quiet: true, hidden: [][2]string{{"act", "undo"}}}}
		}
		one.rows = append(one.rows, line)
	}
	p.panels = []panel{one}
	return p.answer(v, nil)
}

// decide books an entry as a person says.
func decide(v *web.Visit) error {
	id, by := parsed(v.Param("entry")), v.Who.Actor()
	return carry(v, "bank_entry."+v.Form("act"), "bank_entry", id, "bank", func(ctx context.Context, tx tenant.Tx) error {
		books := v.Stack.Reconcile()
		switch act := v.Form("act"); act {
		case "pay":
			e, err := reconcile.GetEntry(ctx, tx, id)
			if err != nil {
				return err
			}
			shares, err := sharesOf(ctx, tx, v, e)
			if err != nil {
				return err
			}
			_, err = books.Pay(ctx, tx, id, shares, by)
			return err
		case "undo":
			_, err := books.Undo(ctx, tx, id, by)
			return err
		default:
			_, err := books.SetAside(ctx, tx, id, reconcile.EntryState(act), by)
			return err
		}
	}, bank)
}

// sharesOf reads "number amount, number amount": the last may leave out its
// amount and takes the rest.
func sharesOf(ctx context.Context, tx tenant.Tx, v *web.Visit, e reconcile.Entry) (shares []reconcile.Share, err error) {
	left := e.Amount
	for _, part := range strings.FieldsFunc(v.Form("shares"), func(r rune) bool { return r == ';' || r == '\n' }) {
		number, amount, _ := strings.Cut(strings.TrimSpace(part), " ")
		owner, err := account.ByNumber(ctx, tx, number)
		if err != nil {
			return nil, err
		}
		share := reconcile.Share{AccountID: owner.ID, Amount: left}
		if amount = strings.TrimSpace(amount); amount != "" {
			if share.Amount, err = ui.ParseAmount(amount, e.Amount.Currency(), v.Reader.Locale); err != nil {
				return nil, err
			}
		}
		if bill := parsed(v.Form("bill")); bill != uuid.Nil {
			share.Bills = []uuid.UUID{bill}
		}
		left = money.New(left.Decimal().Sub(share.Amount.Decimal()), left.Currency())
		shares = append(shares, share)
	}
	return shares, nil
}
