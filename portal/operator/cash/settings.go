package cash

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// settings shows how payments are allocated, tried again and collected, and the
// operator's accounts at providers. Secrets are never shown again.
func settings(v *web.Visit, f *fault) error { return showSettings(v, f, "") }

func showSettings(v *web.Visit, f *fault, told string) error {
	p, r := newPage(v, frame.PaymentRules), v.Reader
	if told != "" {
		p.done = told
	}
	var laid payment.Policy
	var keys *payment.StripeKeys
	var local *payment.RedirectSettings
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if laid, err = payment.GetPolicy(ctx, tx); err != nil {
			return err
		}
		if _, err = v.Stack.ReadProvider(ctx, tx, payment.Stripe, &keys); err != nil {
			return err
		}
		_, err = v.Stack.ReadProvider(ctx, tx, payment.Redirect, &local)
		return err
	})
	if err != nil {
		return err
	}
	rules := form{action: v.Console("payment-rules"), button: r.T("money.save")}
	order := p.input(v, "order", string(laid.Order))
	for _, o := range payment.Orders {
		order.choices = append(order.choices, ui.Choice{Value: string(o), Label: r.T("money.order." + string(o)), Chosen: string(o) == order.Value})
	}
	days := make([]string, len(laid.RetryDays))
	for i, n := range laid.RetryDays {
		days[i] = strconv.Itoa(n)
	}
	version := p.input(v, "version", laid.Debit.Version)
	for _, o := range []string{"02", "08"} {
		version.choices = append(version.choices, ui.Choice{Value: o, Label: "pain.008.001." + o, Chosen: o == version.Value})
	}
	rules.fields = []field{order, p.input(v, "tolerance", laid.Tolerance.String()), p.input(v, "retry_days", strings.Join(days, ", ")), p.input(v, "cash_limit", laid.CashLimit.String()),
		p.input(v, "creditor_id", laid.Debit.CreditorID), p.input(v, "name", laid.Debit.Name), p.input(v, "iban", laid.Debit.IBAN), p.input(v, "bic", laid.Debit.BIC), version,
		p.input(v, "notice_days", strconv.Itoa(laid.Debit.NoticeDays)), p.input(v, "lead_days", strconv.Itoa(laid.Debit.LeadDays)), p.input(v, "return_fee", laid.Debit.ReturnFee.String()),
		p.input(v, "retries", strconv.Itoa(laid.Debit.Retries))}
	for i := range rules.fields {
		switch rules.fields[i].ID {
		case "creditor_id", "name", "iban", "bic":
			rules.fields[i].Optional = true
		}
	}
	stripe := panel{id: "stripe", title: "Stripe", lead: r.T("money.stripe.none")}
	if keys != nil {
		stripe.lead = r.T("money.stripe.own", "key", payment.Masked(keys.Secret))
	}
	secret, hook := p.input(v, "secret", ""), p.input(v, "webhook_secrets", "")
	secret.Kind, hook.Kind, secret.Value, hook.Value = "password", "password", "", ""
	online := panel{id: "redirect", title: r.T("money.local"), lead: r.T("money.local.none")}
	if local == nil {
		local = &payment.RedirectSettings{Channels: []string{"qr"}, Minutes: 60}
	} else {
		online.lead = r.T("money.local.own", "name", local.Title)
	}
	pass := p.input(v, "provider_secret", "")
	pass.Kind, pass.Value = "password", ""
	refunds := p.input(v, "refunds", "")
	refunds.tick = true
	if local.Refunds {
		refunds.Value = "1"
	}
	if v.May(identity.SettingsWrite) {
		stripe.forms = []form{{action: v.Console("payment-rules/stripe"), button: r.T("money.stripe.test"), fields: []field{secret, hook}},
			{action: v.Console("payment-rules/stripe"), button: r.T("money.remove"), quiet: true, hidden: [][2]string{{"act", "remove"}}}}
		online.forms = []form{{action: v.Console("payment-rules/redirect"), button: r.T("money.save"), fields: []field{p.input(v, "title", local.Title), p.input(v, "base_url", local.BaseURL),
			p.input(v, "merchant", local.Merchant), pass, p.input(v, "channels", strings.Join(local.Channels, ", ")), p.input(v, "minutes", strconv.Itoa(local.Minutes)), refunds}},
			{action: v.Console("payment-rules/redirect"), button: r.T("money.remove"), quiet: true, hidden: [][2]string{{"act", "remove"}}}}
	} else {
		rules = form{}
	}
	first := panel{id: "rules", title: r.T("money.rules"), lead: r.T("money.rules.lead")}
	if rules.action != "" {
		first.forms = []form{rules}
	}
	p.panels = []panel{first, stripe, online}
	return p.answer(v, f)
}

// saveRules lays the policy down.
func saveRules(v *web.Visit) error {
	r := v.Reader
	amount := func(id string) (d money.Decimal, f *fault) {
		d, err := money.ParseDecimal(strings.ReplaceAll(strings.TrimSpace(v.Form(id)), ",", "."))
		if err != nil {
			return d, &fault{id, r.T("biz.amount.not")}
		}
		return d, nil
	}
	whole := func(id, text string) (int, *fault) {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return 0, &fault{id, r.T("rule.want.whole")}
		}
		return n, nil
	}
	var faults [6]*fault
	var change payment.Policy
	change.Tolerance, faults[0] = amount("tolerance")
	change.CashLimit, faults[1] = amount("cash_limit")
	change.Debit.ReturnFee, faults[2] = amount("return_fee")
	change.Debit.NoticeDays, faults[3] = whole("notice_days", v.Form("notice_days"))
	change.Debit.LeadDays, faults[4] = whole("lead_days", v.Form("lead_days"))
	change.Debit.Retries, faults[5] = whole("retries", v.Form("retries"))
	for _, f := range faults {
		if f != nil {
			return settings(v, f)
		}
	}
	for _, word := range strings.FieldsFunc(v.Form("retry_days"), func(r rune) bool { return r == ',' || r == ' ' }) {
		n, f := whole("retry_days", word)
		if f != nil {
			return settings(v, f)
		}
		change.RetryDays = append(change.RetryDays, n)
	}
	return carry(v, "payment_policy.put", "operator", uuid.Nil, "payment-rules", func(ctx context.Context, tx tenant.Tx) error {
		laid, err := payment.GetPolicy(ctx, tx)
		if err != nil {
			return err
		}
		change.Order, change.Delimited = payment.Order(v.Form("order")), laid.Delimited
		change.Debit.CreditorID, change.Debit.Name, change.Debit.IBAN, change.Debit.BIC = v.Form("creditor_id"), v.Form("name"), v.Form("iban"), v.Form("bic")
		change.Debit.Version, change.Debit.TaxCategory = v.Form("version"), laid.Debit.TaxCategory
		return payment.PutPolicy(ctx, tx, change, v.Who.Actor())
	}, settings)
}

// changePolicy changes a part of the policy and leads back to the forms of
// statements.
func changePolicy(v *web.Visit, action string, detail map[string]any, change func(*payment.Policy)) error {
	c := &command.Command{Action: action, Object: "operator", Part: v.Sent(), Detail: detail}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		laid, err := payment.GetPolicy(ctx, tx)
		if err != nil {
			return "", err
		}
		change(&laid)
		return "", payment.PutPolicy(ctx, tx, laid, v.Who.Actor())
	}
	_, err := command.CarryOut(v, c)
	return after(v, err, "bank/forms", statementForms)
}

// saveStripe tries a key and keeps it, or takes the operator's own away.
func saveStripe(v *web.Visit) error {
	if v.Form("act") == "remove" {
		return carry(v, "stripe_keys.remove", "operator", uuid.Nil, "payment-rules", func(ctx context.Context, tx tenant.Tx) error { return v.Stack.PutStripeKeys(ctx, tx, nil) }, settings)
	}
	keys := payment.StripeKeys{Secret: strings.TrimSpace(v.Form("secret")), WebhookSecrets: strings.Fields(v.Form("webhook_secrets"))}
	if err := keys.Check(v.Stack.Ref.Sandbox); err != nil {
		return after(v, err, "payment-rules", settings)
	}
	check, err := v.Stack.CheckStripeKey(v.Context(), keys.Secret)
	if err != nil {
		return after(v, err, "payment-rules", settings)
	}
	if len(check.Missing) > 0 {
		return settings(v, &fault{"secret", v.Reader.T("money.stripe.missing", "what", strings.Join(check.Missing, ", "))})
	}
	return carry(v, "stripe_keys.put", "operator", uuid.Nil, "payment-rules", func(ctx context.Context, tx tenant.Tx) error { return v.Stack.PutStripeKeys(ctx, tx, &keys) }, settings)
}

// saveRedirect keeps an account at a provider of local ways to pay. An empty
// secret leaves the one that is kept.
func saveRedirect(v *web.Visit) error {
	if v.Form("act") == "remove" {
		return carry(v, "redirect_provider.remove", "operator", uuid.Nil, "payment-rules", func(ctx context.Context, tx tenant.Tx) error { return v.Stack.PutRedirect(ctx, tx, nil) }, settings)
	}
	n, err := strconv.Atoi(strings.TrimSpace(v.Form("minutes")))
	if err != nil {
		return settings(v, &fault{"minutes", v.Reader.T("rule.want.whole")})
	}
	return carry(v, "redirect_provider.put", "operator", uuid.Nil, "payment-rules", func(ctx context.Context, tx tenant.Tx) error {
		change := payment.RedirectSettings{Title: strings.TrimSpace(v.Form("title")), BaseURL: strings.TrimSpace(v.Form("base_url")), Merchant: strings.TrimSpace(v.Form("merchant")),
			Secret: v.Form("provider_secret"), Minutes: n, Refunds: v.Form("refunds") != "",
			Channels: strings.FieldsFunc(v.Form("channels"), func(r rune) bool { return r == ',' || r == ' ' })}
		if change.Secret == "" {
			var kept *payment.RedirectSettings
			if _, err := v.Stack.ReadProvider(ctx, tx, payment.Redirect, &kept); err != nil {
				return err
			}
			if kept != nil {
				change.Secret = kept.Secret
			}
		}
		if err := v.Stack.PutRedirect(ctx, tx, &change); err != nil {
			return fmt.Errorf("keep provider: %w", err)
		}
		return nil
	}, func(v *web.Visit, f *fault) error {
		if f.field == "secret" {
			f.field = "provider_secret"
		}
		return settings(v, f)
	})
}
