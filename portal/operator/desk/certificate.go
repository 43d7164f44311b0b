package desk

import (
	"context"
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// certificateForm takes in the certificate of tax that the buyer kept back.
func certificateForm(v *web.Visit, i *issued) form {
	r := v.Reader
	f := i.form(v, "certificate")
	f.lead = r.T("correct.certificate.lead")
	f.fields = []control{
		{Field: ui.Field{ID: "certificate", Label: r.T("correct.certificate.number"), Value: v.Form("certificate"), Autocomplete: "off", MaxLength: "100"}},
		amountControl(v, "amount", r.T("correct.certificate.amount"), i.currency(), true, r.T("correct.certificate.all")),
	}
	return f
}

func sendCertificate(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	r := v.Reader
	n := bill.Certificate{ID: command.ID(v), BillID: i.ID, Number: strings.TrimSpace(v.Form("certificate")), By: v.Who.Actor()}
	if n.Number == "" {
		f.fields[0].Error = r.T("correct.certificate.not")
	}
	n.Amount = f.fields[1].read(r, i.currency())
	f.effects = []string{r.T("correct.certificate.effect")}
	f.submit = r.T("correct.certificate.do")
	c := &command.Command{Action: "bill.certificate", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number, "certificate": n.Number}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		taken, err := bill.TakeCertificate(ctx, tx, n)
		c.Detail["amount"] = taken.String()
		return v.Console("bills/"+i.ID.String(), "done", "certified"), err
	}
	return c, nil
}
