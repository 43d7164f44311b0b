package portal_test

import (
	"context"
	"net/http"
	"testing"

	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
)

// What an operator lays down about balances is written in fields, row by row,
// without a script; what is wrong stands beside its field, and nothing typed is
// lost.
func TestBalanceRules_areWrittenInForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true,
		plans: []string{"hanse-postpaid-flex"}})
	b, at := w.works(identity.Owner), w.console("balance-rules")
	contains(t, "nothing yet", b.get(at).words(), "None yet: every role", "None yet: nobody is told")

	more := b.post(at+"/alert", b.get(at), "act", "add:rules", "rows.rules", "1", "rules.0.code", "low", "rules.0.measure", "balance", "rules.0.value", "2,50", "rules.0.action", "notify")
	if more.find("input[name=rules.1.code]") == nil || more.value("rules.0.code") != "low" || more.value("rules.0.value") != "2,50" {
		t.Errorf("a row was added: %s", more.words())
	}
	fewer := b.post(at+"/alert", more, "act", "remove:rules.0", "rows.rules", "2", "rules.0.code", "low", "rules.1.code", "high")
	if fewer.find("input[name=rules.1.code]") != nil || fewer.value("rules.0.code") != "high" {
		t.Errorf("the first row was taken away: %s", fewer.words())
	}
	wrong := b.post(at+"/alert", more, "rows.rules", "2", "rules.0.code", "low", "rules.0.measure", "balance", "rules.0.value", "2,50", "rules.0.action", "notify",
		"rules.1.code", "low", "rules.1.measure", "allowance", "rules.1.value", "80", "rules.1.action", "notify")
	if wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("a code that stands twice: %d", wrong.status)
	}
	contains(t, "beside the second code", wrong.in("#alert.rules.1.code-e"), "that no other threshold has")
	contains(t, "beside an amount", b.post(at+"/transfer", b.get(at), "enabled", "on", "minimum", "much").in("#transfer.minimum-e"), "Write an amount")
	contains(t, "the domain's word", b.post(at+"/transfer", b.get(at), "enabled", "on", "minimum", "5", "maximum", "1").in("#transfer.maximum-e"), "not below the least")

	save := func(kind string, pairs ...string) {
		t.Helper()
		if done := b.follow(at+"/"+kind, b.get(at), pairs...); done.status != http.StatusOK {
			t.Errorf("%s: %d %s", kind, done.status, done.words())
		}
	}
	save("alert", "rows.rules", "1", "rules.0.code", "low", "rules.0.measure", "balance", "rules.0.value", "2,50", "rules.0.action", "notify")
	save("transfer", "enabled", "on", "subscribers", "on", "minimum", "1", "fee", "0,25", "day_count", "3")
	save("adjustment", "rows.reasons", "1", "reasons.0.code", "goodwill", "reasons.0.names.en", "Goodwill", "rows.limits", "1", "limits.0.role", "clerk", "limits.0.unit", "byte", "limits.0.per_act", "1 GB", "limits.0.per_day", "2,5 GB")
	save("points", "months", "12", "rows.earnings", "1", "earnings.0.source", "topup", "earnings.0.points", "10", "earnings.0.per_amount", "1",
		"rows.rewards", "1", "rewards.0.code", "gb-1", "rewards.0.names.en", "1 GB more", "rewards.0.points", "100", "rewards.0.amount", "1 GB", "rewards.0.days", "30")
	save("reminder", "as", "text", "rules", `{"days": 5}`)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		alerts, err := alert.Get(ctx, tx)
		if err != nil || len(alerts.Rules) != 1 || alerts.Rules[0].Value.String() != "2.5" || alerts.Rules[0].Currency != "EUR" {
			t.Errorf("thresholds: %+v %v", alerts, err)
		}
		transfers, err := transfer.Get(ctx, tx)
		if err != nil || !transfers.SubscribersDo || transfers.Fee.String() != "0.25" || transfers.DayCount != 3 {
			t.Errorf("transfers: %+v %v", transfers, err)
		}
		adjust, err := balance.GetAdjustPolicy(ctx, tx)
		if err != nil || len(adjust.Limits) != 1 || !adjust.Limits[0].PerDay.Equal(money.NewDecimal(2_500_000_000)) {
			t.Errorf("adjustments: %+v %v", adjust, err)
		}
		programme, err := points.Get(ctx, tx)
		if err != nil || len(programme.Rewards) != 1 || programme.Rewards[0].Unit != money.Byte || programme.Rewards[0].Days != 30 {
			t.Errorf("points: %+v %v", programme, err)
		}
		reminder, err := balance.GetReminder(ctx, tx)
		if err != nil || reminder.Days != 5 {
			t.Errorf("reminder: %+v %v", reminder, err)
		}
		return err
	})
	if shown := b.get(at); shown.value("limits.0.per_day") != "2,5 GB" || shown.value("rewards.0.amount") != "1 GB" {
		t.Errorf("shown again: %q, %q", shown.value("limits.0.per_day"), shown.value("rewards.0.amount"))
	}
}
