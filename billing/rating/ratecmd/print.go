package ratecmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// printer writes charges and totals, as text or as JSON lines. The first
// error of the writer stays in out and comes out of flush.
type printer struct {
	out  *bufio.Writer
	json *json.Encoder // nil for text
	book *book
}

func newPrinter(w io.Writer, asJSON bool, b *book) *printer {
	p := &printer{out: bufio.NewWriter(w), book: b}
	if asJSON {
		p.json = json.NewEncoder(p.out)
		p.json.SetEscapeHTML(false)
	}
	return p
}

func (p *printer) flush() error { return p.out.Flush() }

func (p *printer) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }

func (p *printer) charge(c charge) {
	if p.json != nil {
		_ = p.json.Encode(p.chargeJSON(c))
		return
	}
	l := c.line
	p.printf("line %d  %s  %s", l.number, l.start.Format(time.RFC3339), l.kind)
	if l.destination != "" {
		p.printf("  %s", l.destination)
	}
	if l.session != "" {
		p.printf("  session %s", l.session)
	}
	p.printf("  %s\n", counted(l.quantity, l.kind.Unit()))
	if c.failed != nil {
		p.printf("  no price: %s (%s)\n\n", c.failed.Reason, c.failed.Detail)
		return
	}
	p.printf("  %s  %s\n", p.money(c.result.Price), c.result.LineNames.In("en"))
	for _, step := range c.result.Why {
		text := step.String()
		if step.Bucket != uuid.Nil {
			text = strings.ReplaceAll(text, step.Bucket.String(), p.book.nameOf(step.Bucket))
		}
		p.printf("    %s\n", text)
	}
	for _, m := range c.moves {
		p.printf("  %s: %s -> %s %s\n", m.code, m.before, m.after, m.unit)
	}
	if !c.result.Unpaid.IsZero() {
		p.printf("  left to pay: %s\n", p.money(c.result.Unpaid))
	}
	p.printf("\n")
}

func (p *printer) totals() {
	if p.json != nil {
		_ = p.json.Encode(map[string]totalsJSON{"totals": p.totalsJSON()})
		return
	}
	b := p.book
	p.printf("Totals\n")
	for _, l := range b.lines {
		p.printf("  %-32s %6d  %16s  %s\n", l.name, l.events, counted(l.billed, l.unit), p.money(l.price))
	}
	for i, name := range b.names {
		p.printf("  %s: %s -> %s %s\n", name, b.opened[i], b.state.Buckets[i].Value, b.state.Buckets[i].Unit)
	}
	p.printf("  priced %d, without a price %d, total %s, left to pay %s\n", b.priced, b.unpriced, p.money(b.total()), p.money(b.unpaid))
	if b.offering.Tax.Included {
		p.printf("  Prices include tax.\n")
	} else {
		p.printf("  Prices are before tax.\n")
	}
}

func (p *printer) money(d money.Decimal) string {
	return money.New(d, p.book.offering.Currency).String()
}

func counted(n int64, unit money.Unit) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", unit)
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

type chargeJSON struct {
	Line        int                `json:"line"`
	Kind        string             `json:"kind"`
	Start       time.Time          `json:"start"`
	Destination string             `json:"destination,omitempty"`
	Session     string             `json:"session,omitempty"`
	Quantity    int64              `json:"quantity"`
	Unit        money.Unit         `json:"unit"`
	NoPrice     rating.Reason      `json:"no_price,omitempty"`
	Detail      string             `json:"detail,omitempty"`
	Price       *money.Amount      `json:"price,omitempty"`
	Unpaid      *money.Amount      `json:"unpaid,omitempty"`
	Billed      int64              `json:"billed"`
	Covered     int64              `json:"covered"`
	Rule        string             `json:"rule,omitempty"`
	BillLine    string             `json:"bill_line,omitempty"`
	TaxCategory string             `json:"tax_category,omitempty"`
	Buckets     []moveJSON         `json:"buckets,omitempty"`
	Why         rating.Explanation `json:"why,omitempty"`
}

type moveJSON struct {
	Code   string        `json:"code"`
	Unit   money.Unit    `json:"unit"`
	Before money.Decimal `json:"before"`
	After  money.Decimal `json:"after"`
}

func (p *printer) chargeJSON(c charge) chargeJSON {
	l, r := c.line, c.result
	out := chargeJSON{Line: l.number, Kind: string(l.kind), Start: l.start, Destination: l.destination, Session: l.session,
		Quantity: l.quantity, Unit: l.kind.Unit()}
	if c.failed != nil {
		out.NoPrice, out.Detail = c.failed.Reason, c.failed.Detail
		return out
	}
	currency := p.book.offering.Currency
	price, unpaid := money.New(r.Price, currency), money.New(r.Unpaid, currency)
	out.Price, out.Unpaid, out.Billed, out.Covered = &price, &unpaid, r.Billed, r.Covered
	out.Rule, out.BillLine, out.TaxCategory, out.Why = r.RuleCode, r.LineCode, r.TaxCategory, r.Why
	for _, m := range c.moves {
		out.Buckets = append(out.Buckets, moveJSON{m.code, m.unit, m.before, m.after})
	}
	return out
}

type totalsJSON struct {
	Priced      int          `json:"priced"`
	Unpriced    int          `json:"unpriced"`
	Price       money.Amount `json:"price"`
	Unpaid      money.Amount `json:"unpaid"`
	TaxIncluded bool         `json:"tax_included"`
	Lines       []lineJSON   `json:"lines"`
	Buckets     []moveJSON   `json:"buckets"`
}

type lineJSON struct {
	Code   string       `json:"code"`
	Name   string       `json:"name"`
	Events int          `json:"events"`
	Billed int64        `json:"billed"`
	Unit   money.Unit   `json:"unit"`
	Price  money.Amount `json:"price"`
}

func (p *printer) totalsJSON() totalsJSON {
	b := p.book
	currency := b.offering.Currency
	t := totalsJSON{Priced: b.priced, Unpriced: b.unpriced, Price: money.New(b.total(), currency), Unpaid: money.New(b.unpaid, currency),
		TaxIncluded: b.offering.Tax.Included, Lines: []lineJSON{}, Buckets: []moveJSON{}}
	for _, l := range b.lines {
		t.Lines = append(t.Lines, lineJSON{l.code, l.name, l.events, l.billed, l.unit, money.New(l.price, currency)})
	}
	for i, name := range b.names {
		t.Buckets = append(t.Buckets, moveJSON{name, b.state.Buckets[i].Unit, b.opened[i], b.state.Buckets[i].Value})
	}
	return t
}
