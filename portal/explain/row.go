package explain

import (
	"tollhouse/billing/history"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
	"tollhouse/portal/ui"
)

// Row is one use in the list.
type Row struct {
	ID         string // unique on the page
	When       string
	What, With string
	Quantity   string
	Cost       string
	Spoken     string // of the link
	Amount     *money.Amount
	Why        string // address of the explanation
	Open       *View
	Fold       string // address of the row without it
	Part       string // id of what changes in place; its own row if empty
	Beside     bool   // wide screens show the explanation elsewhere
}

// part is the selector of what changes in place.
func (row Row) part() string {
	if row.Part != "" {
		return "#" + row.Part
	}
	return "#u-" + row.ID
}

// RowOf is a use as a list shows it; address is that of its explanation.
func RowOf(r ui.Reader, u history.Use, address string) Row {
	row := Row{
		ID: u.ID.String(), When: r.Short(u.Start), What: r.T("usage." + string(u.Kind)), Quantity: QuantityOf(r, u.Kind, u.Quantity),
		Amount: u.Price, Why: address, Fold: address + "?fold=1",
	}
	switch {
	case u.Kind == usage.Data: // its destination is a network's own name
	case u.Destination != "":
		row.With = r.T("usage.to", "destination", Readable(u.Destination))
	case u.Kind == usage.Voice && u.Origin != "":
		row.With = r.T("usage.from", "origin", Readable(u.Origin))
	}
	row.Cost, row.Spoken = r.T("usage.free"), r.T("usage.why.free")
	if u.Price != nil && u.Price.IsZero() && u.Covered.Sign() > 0 {
		row.Cost, row.Spoken = r.T("usage.covered"), r.T("usage.why.covered")
	}
	if u.Price != nil && !u.Price.IsZero() {
		row.Cost = r.Cost(*u.Price)
		row.Spoken = r.T("usage.why.of", "cost", row.Cost)
	}
	return row
}

// QuantityOf writes how much of a kind: messages are counted as such.
func QuantityOf(r ui.Reader, kind usage.Kind, quantity money.Decimal) string {
	n, err := quantity.Int64()
	switch {
	case err != nil:
		return r.Number(quantity)
	case kind == usage.Message || kind == usage.Content:
		return r.N("count."+string(kind), n)
	}
	return r.Quantity(quantity, unitOf(kind))
}

func unitOf(kind usage.Kind) money.Unit {
	switch kind {
	case usage.Voice:
		return money.Second
	case usage.Data:
		return money.Byte
	}
	return money.Event
}
