package bill

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
)

func (c *itemColumns) add(i *Item) error {
	words, err := json.Marshal(i.Words)
	if err != nil {
		return fmt.Errorf("words of item %s: %w", i.Code, err)
	}
	c.ids, c.accounts, c.causeIDs = append(c.ids, i.ID), append(c.accounts, i.Account), append(c.causeIDs, i.Cause.ID)
	c.subscriptions, c.ledgerRefs = append(c.subscriptions, idOrNull(i.Subscription)), append(c.ledgerRefs, idOrNull(i.From.Ledger.ID))
	c.kinds, c.codes, c.words = append(c.kinds, string(i.Kind)), append(c.codes, i.Code), append(c.words, string(words))
	c.prices, c.currencies = append(c.prices, i.Price.Decimal().String()), append(c.currencies, i.Price.Currency().Code())
	c.categories, c.sources = append(c.categories, i.Category), append(c.sources, i.From.text())
	kind := ""
	if !i.From.Deferred {
		kind = string(i.From.Ledger.Kind)
	}
	c.ledgerKinds, c.causes, c.by = append(c.ledgerKinds, kind), append(c.causes, i.Cause.Kind), append(c.by, i.By)
	var from, to *calendar.Date
	if !i.Period.From.IsZero() {
		from, to = &i.Period.From, &i.Period.To
	}
	c.from, c.to, c.due = append(c.from, from), append(c.to, to), append(c.due, i.DueFrom)
	var of *uuid.UUID
	var line *int
	if i.Of != nil {
		of, line = &i.Of.Bill, &i.Of.No
	}
	c.bills, c.lines = append(c.bills, of), append(c.lines, line)
	return nil
}

func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func scanItem(row pgx.CollectableRow) (i Item, err error) {
	var subscription, ref, ofBill, taken *uuid.UUID
	var from, to *calendar.Date
	var price money.Decimal
	var currency money.Currency
	var source string
	var kind ledger.Kind
	var line *int
	err = row.Scan(&i.ID, &i.Account, &subscription, &i.Kind, &i.Code, &i.Words, &from, &to, &price, &currency, &i.Category,
		&source, &kind, &ref, &ofBill, &line, &i.Cause.Kind, &i.Cause.ID, &i.DueFrom, &i.CreatedAt, &i.By, &taken)
	if err != nil {
		return i, err
	}
	i.Price, i.CreatedAt = money.New(price, currency), i.CreatedAt.UTC()
	i.Subscription, i.Bill = idOrNil(subscription), idOrNil(taken)
	i.From = Source{Deferred: source == "deferred", Ledger: ledger.Account{Kind: kind, ID: idOrNil(ref)}}
	if from != nil && to != nil {
		i.Period = calendar.Period{From: *from, To: *to}
	}
	if ofBill != nil && line != nil {
		i.Of = &LineRef{*ofBill, *line}
	}
	return i, nil
}

func idOrNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}
