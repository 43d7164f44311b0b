package report

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// Own is the operator's own number and name of a line of the chart of accounts.
type Own struct {
	Number string `json:"number"`
	Name   string `json:"name,omitempty"`
}

// Chart maps our chart of accounts to the operator's.
type Chart map[ledger.Kind]Own

// Lines are the lines of our chart that hold money, in the order of a balance.
var Lines = []ledger.Kind{
	ledger.Bank, ledger.Cash, ledger.ProviderClearing, ledger.Transit, ledger.Receivable, ledger.Unbilled, ledger.Dispute, ledger.TaxWithheld, ledger.TaxAhead,
	ledger.CustomerCredit, ledger.Prepaid, ledger.Vouchers, ledger.Deferred, ledger.Advance, ledger.Deposit, ledger.PartnerPayable, ledger.Tax,
	ledger.Revenue, ledger.Breakage, ledger.Promotion, ledger.Interest, ledger.WriteOff, ledger.ProviderFee, ledger.CashDifference, ledger.Rounding,
	ledger.FXClearing, ledger.Opening,
}

var ownNumber = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z ./-]{0,19}$`)

const maxOwnName = 100

// GetChart reads the operator's.
func GetChart(ctx context.Context, tx tenant.Tx) (Chart, error) {
	var text json.RawMessage
	if err := tx.QueryRow(ctx, `select chart_of_accounts from operator where id = 1`).Scan(&text); err != nil {
		return nil, fmt.Errorf("read chart of accounts: %w", err)
	}
	chart := Chart{}
	if err := json.Unmarshal(text, &chart); err != nil {
		return nil, fmt.Errorf("read chart of accounts: %w", err)
	}
	return chart, nil
}

// PutChart replaces it. Two lines may have one number: they are then one
// account of the operator's.
func PutChart(ctx context.Context, tx tenant.Tx, chart Chart) error {
	kept := Chart{}
	for kind, own := range chart {
		own.Number, own.Name = strings.TrimSpace(own.Number), strings.TrimSpace(own.Name)
		if own.Number == "" && own.Name == "" {
			continue
		}
		known := false
		for _, line := range Lines {
			known = known || line == kind
		}
		switch {
		case !known:
			return &FieldError{string(kind), "a line of the chart of accounts"}
		case !ownNumber.MatchString(own.Number):
			return &FieldError{string(kind), "a number of up to 20 letters and digits"}
		case len([]rune(own.Name)) > maxOwnName || strings.ContainsAny(own.Name, "\r\n"):
			return &FieldError{string(kind), "a name of up to 100 characters"}
		}
		kept[kind] = own
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	done, err := tx.Exec(ctx, `update operator set chart_of_accounts = $1 where id = 1`, text)
	if err == nil && done.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", done.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("write chart of accounts: %w", err)
	}
	return nil
}

// line is number and name of a line in a report.
func (q query) line(kind ledger.Kind) (number, name string) {
	own := q.chart[kind]
	if own.Name != "" {
		return own.Number, own.Name
	}
	return own.Number, Word(q.language(), "kind."+string(kind))
}
