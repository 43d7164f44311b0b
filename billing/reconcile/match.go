package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/debit"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// How sure each sign is; together they are at most 100.
const (
	scoreBill    = 85 // names a bill of ours that is open
	scoreAccount = 80 // names an account
	scorePayer   = 60 // was a payer of that account before
	scoreName    = 15
	scoreAmount  = 15 // is exactly what is open
	sureEnough   = 85
)

// byRule is who decides where no person does.
const byRule = "rule"

// match books what is sure of new entries, and leaves suggestions with the rest.
func (d *Desk) match(ctx context.Context, tx tenant.Tx, list []Entry) error {
	var credits []Entry
	for _, e := range list {
		done, err := d.ofOurs(ctx, tx, e)
		if err != nil {
			return err
		}
		if !done && e.Kind == "credit" {
			credits = append(credits, e)
		}
	}
	known, err := suggest(ctx, tx, credits)
	if err != nil {
		return err
	}
	for i, e := range credits {
		best := known[i]
		if len(best) > 0 && best[0].Score >= sureEnough && (len(best) == 1 || best[1].Score < best[0].Score) {
			if err := d.pay(ctx, tx, &e, []Share{{AccountID: best[0].AccountID, Bills: best[0].Bills, Amount: e.Amount}}, best[0].Score, byRule); err != nil {
				return err
			}
			continue
		}
		if len(best) == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, `update bank_entry set suggestions = $2, score = $3 where id = $1`, e.ID, best, best[0].Score); err != nil {
			return fmt.Errorf("suggest for entry %s: %w", e.Ref, err)
		}
	}
	return nil
}

// ofOurs books entries that name something that we have sent or expect: debits
// and their returns, charges of the bank, payouts.
func (d *Desk) ofOurs(ctx context.Context, tx tenant.Tx, e Entry) (bool, error) {
	switch {
	case e.Kind == "charge" && e.Amount.Sign() < 0:
		return true, d.charge(ctx, tx, &e)
	case e.Kind == "return" && e.EndToEnd != "":
		return d.returned(ctx, tx, &e)
	case e.Amount.Sign() > 0 && e.EndToEnd != "":
		if done, err := d.collected(ctx, tx, &e); done || err != nil {
			return done, err
		}
	}
	if e.Amount.Sign() > 0 && e.Batch != "" {
		if done, err := d.batch(ctx, tx, &e); done || err != nil {
			return done, err
		}
	}
	if e.Amount.Sign() > 0 {
		return d.paidOut(ctx, tx, &e)
	}
	return false, nil
}

func (d *Desk) charge(ctx context.Context, tx tenant.Tx, e *Entry) error {
	if err := post(ctx, tx, ledger.BankEntry, e.partID(0), ledger.ProviderFee, ledger.Bank, e.Amount.Neg()); err != nil {
		return err
	}
	return e.decide(ctx, tx, Matched, 100, byRule, []Part{{Kind: "charge", ID: e.partID(0), Amount: e.Amount.Decimal()}})
}

// post moves an amount of the operator's own.
func post(ctx context.Context, tx tenant.Tx, kind ledger.EventKind, id uuid.UUID, debit, credit ledger.Kind, amount money.Amount) error {
	if amount.Sign() < 0 {
		debit, credit, amount = credit, debit, amount.Neg()
	}
	if amount.IsZero() {
		return nil
	}
	event, err := seller(ctx, tx, kind, id)
	if err != nil {
		return err
	}
	return ledger.Post(ctx, tx, event, []ledger.Transfer{{Debit: ledger.General(debit), Credit: ledger.General(credit), Amount: amount.Decimal(), Unit: amount.Currency().Unit()}})
}

func (d *Desk) returned(ctx context.Context, tx tenant.Tx, e *Entry) (bool, error) {
	found, err := debit.ByEndToEnd(ctx, tx, e.EndToEnd)
	if errors.Is(err, debit.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// the bank may keep its fee of what it takes back
	fee := e.Amount.Neg().Decimal().Sub(found.Amount.Decimal())
	if found.PaymentID == nil || fee.Sign() < 0 {
		return false, nil
	}
	back, err := debit.Return(ctx, tx, found, e.Reason)
	if err != nil {
		return false, err
	}
	parts := []Part{{Kind: "return", ID: back.ID, AccountID: found.AccountID, Amount: found.Amount.Neg().Decimal()}}
	if fee.Sign() > 0 {
		parts = append(parts, Part{Kind: "charge", ID: e.partID(1), Amount: fee.Neg()})
		if err := post(ctx, tx, ledger.BankEntry, e.partID(1), ledger.ProviderFee, ledger.Bank, money.New(fee, e.Amount.Currency())); err != nil {
			return false, err
		}
	}
	return true, e.decide(ctx, tx, Matched, 100, byRule, parts)
}

func (d *Desk) collected(ctx context.Context, tx tenant.Tx, e *Entry) (bool, error) {
	found, err := debit.ByEndToEnd(ctx, tx, e.EndToEnd)
	if errors.Is(err, debit.ErrNotFound) {
		return false, nil
	}
	if err != nil || found.State != "pending" || !found.Amount.Decimal().Equal(e.Amount.Decimal()) {
		return false, err
	}
	paid, err := debit.Collect(ctx, tx, found, d.Record)
	if err != nil {
		return false, err
	}
	return true, e.decide(ctx, tx, Matched, 100, byRule, []Part{{Kind: "debit", ID: paid.ID, AccountID: found.AccountID, Amount: e.Amount.Decimal()}})
}

// batch books all debits of a file that the bank has booked as one.
func (d *Desk) batch(ctx context.Context, tx tenant.Tx, e *Entry) (bool, error) {
	run, batch, err := debit.RunOfBatch(ctx, tx, e.Batch)
	if errors.Is(err, debit.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	pending, total, err := debit.Pending(ctx, tx, run.ID, batch)
	if err != nil || !total.Equal(e.Amount.Decimal()) {
		return false, err
	}
	var parts []Part
	for _, one := range pending {
		paid, err := debit.Collect(ctx, tx, one, d.Record)
		if err != nil {
			return false, err
		}
		parts = append(parts, Part{Kind: "debit", ID: paid.ID, AccountID: one.AccountID, Amount: one.Amount.Decimal()})
	}
	return true, e.decide(ctx, tx, Matched, 100, byRule, parts)
}

// sign is something that an entry may be recognised by.
type sign struct {
	account uuid.UUID
	number  string
	name    string
	bill    uuid.UUID
	billNo  string
	open    money.Decimal
	why     string
	key     string
}

const (
	signsOfBills = `
		select a.id, a.number, p.name, o.bill_id, b.number, o.open, 'reference', regexp_replace(upper(b.number), '[^A-Z0-9]', '', 'g')
		  from open_item o join bill b on b.id = o.bill_id join billing_account a on a.id = o.account_id join party p on p.id = a.party_id
		 where o.open > 0 and regexp_replace(upper(b.number), '[^A-Z0-9]', '', 'g') = any($1)`
	signsOfAccounts = `
		select a.id, a.number, p.name, null::uuid, '', a.receivable, 'account', regexp_replace(upper(a.number), '[^A-Z0-9]', '', 'g')
		  from billing_account a join party p on p.id = a.party_id
		 where regexp_replace(upper(a.number), '[^A-Z0-9]', '', 'g') = any($1)`
	signsOfPayers = `
		select distinct on (e.party_iban) a.id, a.number, p.name, null::uuid, '', a.receivable, 'payer', e.party_iban
		  from bank_entry e, jsonb_array_elements(e.parts) part
		  join billing_account a on a.id = (part ->> 'account')::uuid join party p on p.id = a.party_id
		 where e.party_iban = any($1) and e.state = 'matched' and part ->> 'kind' = 'payment'
		 order by e.party_iban, e.decided_at desc`
	signsOfNames = `
		select a.id, a.number, p.name, null::uuid, '', a.receivable, 'name', lower(p.name)
		  from party p join billing_account a on a.party_id = p.id
		 where lower(p.name) = any($1) and a.receivable > 0`
)

// suggest finds what entries may be for, the surest first.
func suggest(ctx context.Context, tx tenant.Tx, list []Entry) ([][]Suggestion, error) {
	var numbers, ibans, names []string
	for _, e := range list {
		numbers = append(numbers, tokens(e)...)
		if e.IBAN != "" {
			ibans = append(ibans, e.IBAN)
		}
		if e.Party != "" {
			names = append(names, strings.ToLower(e.Party))
		}
	}
	signs := map[string][]sign{} // by kind and key
	for _, look := range []struct {
		query string
		keys  []string
	}{{signsOfBills, numbers}, {signsOfAccounts, numbers}, {signsOfPayers, ibans}, {signsOfNames, names}} {
		if len(look.keys) == 0 {
			continue
		}
		rows, err := tx.Query(ctx, look.query, look.keys)
		if err != nil {
			return nil, fmt.Errorf("look for payers: %w", err)
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s sign, err error) {
			var bill *uuid.UUID
			if err = row.Scan(&s.account, &s.number, &s.name, &bill, &s.billNo, &s.open, &s.why, &s.key); bill != nil {
				s.bill = *bill
			}
			return s, err
		})
		if err != nil {
			return nil, fmt.Errorf("look for payers: %w", err)
		}
		for _, s := range found {
			signs[s.why+" "+s.key] = append(signs[s.why+" "+s.key], s)
		}
	}
	all := make([][]Suggestion, len(list))
	for i, e := range list {
		all[i] = score(e, signs)
	}
	return all, nil
}

const mostSuggestions = 5

// score adds up the signs of one entry, account by account.
func score(e Entry, signs map[string][]sign) []Suggestion {
	by := map[uuid.UUID]*Suggestion{}
	open := map[uuid.UUID][]money.Decimal{}
	take := func(s sign, points int) {
		one := by[s.account]
		if one == nil {
			one = &Suggestion{AccountID: s.account, Number: s.number, Name: s.name}
			by[s.account] = one
		}
		one.Score = max(one.Score, points)
		if !slices.Contains(one.Why, s.why) {
			one.Why = append(one.Why, s.why)
		}
		open[s.account] = append(open[s.account], s.open)
		if s.bill != uuid.Nil && !slices.Contains(one.Bills, s.bill) {
			one.Bills, one.Bill = append(one.Bills, s.bill), strings.TrimSpace(one.Bill+" "+s.billNo)
		}
	}
	for _, token := range tokens(e) {
		for _, s := range signs["reference "+token] {
			take(s, scoreBill)
		}
		for _, s := range signs["account "+token] {
			take(s, scoreAccount)
		}
	}
	for _, s := range signs["payer "+e.IBAN] {
		take(s, scorePayer)
	}
	for _, s := range signs["name "+strings.ToLower(e.Party)] {
		take(s, 0)
	}
	out := make([]Suggestion, 0, len(by))
	for id, one := range by {
		var sum money.Decimal
		exact := false
		for _, o := range open[id] {
			sum = sum.Add(o)
			exact = exact || o.Equal(e.Amount.Decimal())
		}
		if exact || sum.Equal(e.Amount.Decimal()) {
			one.Score, one.Why = one.Score+scoreAmount, append(one.Why, "amount")
		}
		if e.Party != "" && strings.EqualFold(e.Party, one.Name) {
			one.Score += scoreName
			if !slices.Contains(one.Why, "name") {
				one.Why = append(one.Why, "name")
			}
		}
		one.Score = min(one.Score, 100)
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b Suggestion) int { return cmp.Or(b.Score-a.Score, strings.Compare(a.Number, b.Number)) })
	return out[:min(len(out), mostSuggestions)]
}
