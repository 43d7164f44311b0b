package admin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/hosting"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// hostingView is what the operator has agreed with us, as its own stack knows it.
type hostingView struct {
	ui.ConsolePage
	ToldAt    string // empty: nothing was told yet
	Contracts []agreedView
	Charges   []hostingCharge
	Bills     []hostingBill
}

type agreedView struct {
	ID     string // of its heading
	Title  string
	State  string
	Tone   ui.Tone
	Facts  []hostingFact
	Plan   []hostingPart
	BuyOut string
}

type (
	hostingFact   struct{ Name, Text string }
	hostingPart   struct{ No, Due, Amount, Outstanding string }
	hostingCharge struct{ What, Period, How, Amount string }
	hostingBill   struct {
		Href, Number, Kind, Issued, Due, Total, Open, State string
		Tone                                                ui.Tone
	}
)

func hostingPage(v *web.Visit) error {
	var told hosting.Told
	var at time.Time
	var bills []hosting.Bill
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if told, at, err = hosting.Get(ctx, tx); err != nil {
			return err
		}
		bills, err = hosting.Bills(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	r := v.Reader
	p := hostingView{ConsolePage: frame.Of(v, frame.Hosting, r.T("con.nav.hosting"))}
	if !at.IsZero() {
		p.ToldAt = r.DateTime(at)
	}
	for i, c := range told.Contracts {
		p.Contracts = append(p.Contracts, agreedOf(r, c, i))
	}
	for _, c := range told.Charges {
		p.Charges = append(p.Charges, hostingChargeOf(r, c))
	}
	for _, b := range bills {
		p.Bills = append(p.Bills, hostingBillOf(v, b))
	}
	return v.Show(http.StatusOK, hostingShown(p))
}

// contractStates are the words' tones of a contract's state.
var contractStates = map[string]ui.Tone{"active": ui.OK, "ended": ui.Off, "bought_out": ui.Info}

func agreedOf(r ui.Reader, c hosting.Contract, i int) agreedView {
	a := agreedView{ID: "contract-" + strconv.Itoa(i), Title: r.T("contract.model." + c.Model), State: r.T("contract.state." + c.State), Tone: contractStates[c.State]}
	add := func(key, text string) {
		if text != "" {
			a.Facts = append(a.Facts, hostingFact{r.T("contract.field." + key), text})
		}
	}
	add("place", r.T("hosting.place."+c.Place))
	add("from", r.Date(c.From))
	if c.Until != nil {
		add("until", r.Date(*c.Until))
	}
	add("reference", c.Reference)
	for _, t := range c.Terms {
		switch {
		case t.Amount != nil:
			add(t.Code, r.Money(*t.Amount))
		case t.Percent != nil:
			add(t.Code, r.Number(*t.Percent)+" %")
		default:
			add(t.Code, r.Number(money.NewDecimal(int64(t.Months))))
		}
	}
	add("share_tiers", tierWords(r, c.Tiers))
	for _, p := range c.Plan {
		a.Plan = append(a.Plan, hostingPart{r.Number(money.NewDecimal(int64(p.No))), r.Date(p.Due), r.Money(p.Amount), r.Money(p.Outstanding)})
	}
	if c.BuyOut != nil && c.BuyOutOn != nil {
		a.BuyOut = r.T("hosting.buyout", "price", r.Money(*c.BuyOut), "day", r.Date(*c.BuyOutOn))
	}
	return a
}

func tierWords(r ui.Reader, tiers []hosting.Tier) string {
	var words []string
	for _, t := range tiers {
		if t.UpTo != nil {
			words = append(words, r.T("contract.tier.upto", "amount", r.Money(*t.UpTo), "percent", r.Number(t.Percent)))
		} else {
			words = append(words, r.T("contract.tier.rest", "percent", r.Number(t.Percent)))
		}
	}
	return strings.Join(words, "; ")
}

func hostingChargeOf(r ui.Reader, c hosting.Charge) hostingCharge {
	words := c.Words[r.Locale.Language]
	if words == "" {
		words = c.Words["en"]
	}
	var how []string
	if c.Base != nil {
		how = append(how, r.T("contract.how.base", "amount", r.Money(*c.Base)))
	}
	if c.Missing > 0 {
		how = append(how, r.N("contract.how.missing", int64(c.Missing)))
	}
	return hostingCharge{What: words, Period: r.Date(c.From) + " – " + r.Date(c.To.AddDays(-1)), How: strings.Join(how, "; "), Amount: r.Money(c.Amount)}
}

func hostingBillOf(v *web.Visit, b hosting.Bill) hostingBill {
	r := v.Reader
	row := hostingBill{Href: v.Console("hosting/bills/" + b.ID.String() + "/pdf"), Number: b.Number, Kind: r.T("hosting.kind." + b.Kind), Issued: r.Date(b.Issued),
		Due: r.Date(b.Due), Total: r.Money(b.Total), Open: r.Money(b.Open), State: r.T("hosting.bill.paid"), Tone: ui.OK}
	switch {
	case b.Voided:
		row.State, row.Tone = r.T("hosting.bill.void"), ui.Off
	case b.Open.Sign() > 0:
		row.State, row.Tone = r.T("hosting.bill.open"), ui.Info
	case b.Kind == "credit_note":
		row.State, row.Tone = r.T("hosting.bill.credit"), ui.Off
	}
	return row
}

// hostingDocument gives a bill of ours as it was carried into the stack.
func hostingDocument(v *web.Visit) error {
	id, err := uuid.Parse(v.Param("bill"))
	if err != nil {
		return fmt.Errorf("bill %q: %w", v.Param("bill"), hosting.ErrNotFound)
	}
	var number string
	var document []byte
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		number, document, err = hosting.Document(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	return v.Download(strings.ReplaceAll(number, "/", "-")+".pdf", "application/pdf", document)
}
