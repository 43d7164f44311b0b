package desk

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// registerSecurity adds what an account leaves as security and undertakes.
func registerSecurity(console *echo.Group, site *web.Site) {
	console.GET("/subscribers/:account/security", site.Console(identity.BillRead, showSecurity))
	for _, act := range []struct {
		path  string
		wants identity.Permission
		form  func(*web.Visit, *person) (form, error)
		send  func(*web.Visit, *person, *form) (*command.Command, error)
	}{
		{"deposit", identity.AccountWrite, depositForm, sendDeposit},
		{"deposits/:deposit/return", identity.RefundWrite, returnForm, sendReturn},
		{"advance", identity.BillWrite, advanceForm, sendAdvance},
		{"commitment", identity.AccountWrite, commitmentForm, sendCommitment},
		{"commitments/:commitment/end", identity.AccountWrite, endForm, sendEnd},
		{"write-offs/:off/back", identity.BillWrite, backForm, sendBack},
	} {
		answer := func(sent bool) func(*web.Visit) error {
			return func(v *web.Visit) error {
				p, err := load(v)
				if err != nil {
					return err
				}
				f, err := act.form(v, p)
				if err != nil {
					return err
				}
				if !sent {
					return f.show(v, http.StatusOK)
				}
				c, err := act.send(v, p, &f)
				if err != nil {
					return err
				}
				return f.settle(v, true, c, func(f *form, err error) bool {
					if errors.Is(err, bill.ErrCommitted) {
						f.fields[1].Error = v.Reader.T("correct.commit.meets")
						f.confirm, f.effects, f.submit = false, nil, v.Reader.T("desk.form.next")
						return true
					}
					return correctionFault(v.Reader, f, err)
				})
			}
		}
		console.GET("/subscribers/:account/"+act.path, site.Console(act.wants, answer(false)))
		console.POST("/subscribers/:account/"+act.path, site.Console(act.wants, answer(true)))
	}
}

// securityView is the page of deposits, minimum, advance bills and bad debt.
type securityView struct {
	acts   []ui.NavItem
	tables []table
}

func showSecurity(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var deposits []bill.Deposit
	var commitments []bill.Commitment
	var advances []bill.Bill
	var offs []bill.WriteOff
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if deposits, err = bill.DepositsOf(ctx, tx, p.ID); err != nil {
			return err
		}
		if commitments, err = bill.CommitmentsOf(ctx, tx, p.ID); err != nil {
			return err
		}
		if advances, err = bill.Advances(ctx, tx, p.ID, rowsAPage); err != nil {
			return err
		}
		offs, err = bill.WriteOffsOf(ctx, tx, p.ID)
		return err
	})
	if err != nil {
		return err
	}
	view := securityView{tables: []table{p.depositTable(v, deposits), p.commitmentTable(v, commitments), p.advanceTable(v, advances), p.offTable(v, offs)}}
	add := func(wants identity.Permission, act, icon string) {
		if !p.prepaid() && p.State != account.Closed && v.May(wants) {
			view.acts = append(view.acts, ui.NavItem{Href: v.Console(p.path(act)), Label: v.Reader.T("correct.act." + act), Icon: icon})
		}
	}
	add(identity.AccountWrite, "commitment", "plus")
	add(identity.BillWrite, "advance", "bill")
	add(identity.AccountWrite, "deposit", "lock")
	page, head := p.framed(v, "security")
	return v.Show(http.StatusOK, securityPage(page, head, view))
}

func (p *person) depositTable(v *web.Visit, list []bill.Deposit) table {
	r := v.Reader
	t := table{id: "h-deposits", title: r.T("correct.deposits"), icon: "lock", none: r.T("correct.deposits.none"), noneMore: r.T("correct.deposits.none.more"),
		head: heads(r.T("desk.col.number"), r.T("desk.reason"), r.T("desk.col.due"), r.T("desk.col.amount")+"#", r.T("correct.deposit.open")+"#", r.T("correct.deposit.held")+"#", r.T("correct.deposit.back")+"#")}
	for _, d := range list {
		number := cell{text: d.Number, mono: true}
		if v.May(identity.RefundWrite) && d.Amount.Decimal().Cmp(d.Returned.Decimal()) > 0 {
			number.href = v.Console(p.path("deposits/" + d.ID.String() + "/return"))
		}
		t.rows = append(t.rows, []cell{number, text(d.Reason), text(r.Date(d.DueDate)), num(r.Money(d.Amount)), num(r.Money(d.Open)), num(r.Money(d.Held())), num(r.Money(d.Returned))})
	}
	return t
}

func (p *person) commitmentTable(v *web.Visit, list []bill.Commitment) table {
	r := v.Reader
	t := table{id: "h-commitments", title: r.T("correct.commitments"), icon: "list", none: r.T("correct.commitments.none"), noneMore: r.T("correct.commitments.none.more"),
		head: heads(r.T("correct.commitment.from"), r.T("correct.commitment.to"), r.T("correct.commitment.amount")+"#", "")}
	for _, c := range list {
		to, end := r.T("correct.commitment.open"), cell{}
		if !c.To.IsZero() {
			to = r.Date(c.To.AddDays(-1))
		}
		if v.May(identity.AccountWrite) && (c.To.IsZero() || c.To.After(r.Today)) {
			end = cell{text: r.T("correct.commitment.end"), href: v.Console(p.path("commitments/" + c.ID.String() + "/end"))}
		}
		t.rows = append(t.rows, []cell{text(r.Date(c.From)), text(to), num(r.Money(c.Amount)), end})
	}
	return t
}

func (p *person) advanceTable(v *web.Visit, list []bill.Bill) table {
	t := billTable(v, list)
	t.id, t.title, t.none, t.noneMore = "h-advances", v.Reader.T("correct.advances"), v.Reader.T("correct.advances.none"), v.Reader.T("correct.advances.none.more")
	return t
}

func (p *person) offTable(v *web.Visit, list []bill.WriteOff) table {
	r := v.Reader
	t := table{id: "h-offs", title: r.T("correct.offs"), icon: "cash", none: r.T("correct.offs.none"), noneMore: r.T("correct.offs.none.more"),
		head: heads(r.T("correct.off.at"), r.T("desk.reason"), r.T("desk.col.amount")+"#", r.T("correct.off.tax")+"#", r.T("correct.off.reversed")+"#", "")}
	for _, w := range list {
		back := cell{}
		if v.May(identity.BillWrite) && w.Reversed.Decimal().Cmp(w.Amount.Decimal()) < 0 {
			back = cell{text: r.T("correct.off.back"), href: v.Console(p.path("write-offs/" + w.ID.String() + "/back"))}
		}
		t.rows = append(t.rows, []cell{text(r.Date(r.LocalDate(w.At))), text(w.Reason), num(r.Money(w.Amount)), num(r.Money(w.Tax)), num(r.Money(w.Reversed)), back})
	}
	return t
}

// secured is an act that leads back to the page.
func (p *person) secured(v *web.Visit, act, path string) form {
	r := v.Reader
	return form{title: r.T("correct.act." + act), action: v.Console(p.path(path)), back: v.Console(p.path("security")), backTo: p.party.Name, submit: r.T("desk.form.next")}
}

func (p *person) afterSecurity(v *web.Visit, done string) string {
	return v.Console(p.path("security"), "done", done)
}

func dateControl(v *web.Visit, id, label, hint, value string, optional bool) control {
	if sent(v) {
		value = v.Form(id)
	}
	return control{Field: ui.Field{ID: id, Kind: "date", Label: label, Hint: hint, Value: value, Optional: optional}}
}

// readDate is what was chosen; zero where it may be empty and is.
func (c *control) readDate(r ui.Reader) calendar.Date {
	if c.Value == "" && c.Optional {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(c.Value)
	if err != nil {
		c.Error = r.T("correct.date.not")
	}
	return d
}
