package admin

import (
	"context"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// rulesView is the page of how bills are reckoned and released.
type rulesView struct {
	ui.ConsolePage
	Tabs     []ui.NavItem
	Form     form
	Done     string
	May      bool
	Approval bool
}

func billingRules(v *web.Visit) error {
	values := map[string]string{"proration": string(v.Profile.Proration)}
	if v.Profile.RunApproval {
		values["run_approval"] = "on"
	}
	return showBillingRules(v, newForm(values))
}

func showBillingRules(v *web.Visit, f form) error {
	return v.Show(f.status(), billingRulesPage(rulesView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("admin.set.tab.billing")),
		Tabs: settingsNav(v, "billing"), Form: f, Done: v.Query("done"), May: v.May(identity.SettingsWrite), Approval: f.Typed["run_approval"] != ""}))
}

func prorationChoices(r ui.Reader) []ui.Choice {
	return []ui.Choice{
		{Value: string(calendar.ByDay), Label: r.T("admin.rules.day"), Hint: r.T("admin.rules.day.hint")},
		{Value: string(calendar.BySecond), Label: r.T("admin.rules.second"), Hint: r.T("admin.rules.second.hint")},
	}
}

func saveBillingRules(v *web.Visit) error {
	f := sentForm(v, "proration", "run_approval")
	rules := account.BillingRules{Proration: calendar.Proration(f.Typed["proration"]), RunApproval: f.Typed["run_approval"] != ""}
	_, err := once(v, "putBillingRules", func(ctx context.Context, tx tenant.Tx) (act, error) {
		detail := map[string]any{"proration": string(rules.Proration), "run_approval": rules.RunApproval}
		return act{object: "operator", detail: detail}, account.PutBillingRules(ctx, tx, rules)
	})
	if fieldOf(err) == "proration" {
		f.refuse("proration", v.Reader.T("admin.rules.want"))
		return showBillingRules(v, f)
	}
	if err != nil {
		return err
	}
	return after(v, "settings/billing", "saved")
}
