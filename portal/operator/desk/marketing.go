package desk

import (
	"context"
	"net/http"
	"slices"

	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// toldBy are the ways by which somebody may be told.
var toldBy = []notice.Channel{notice.Mail, notice.SMS, notice.Portal}

// marketingForm notes by which ways somebody is told, and whether of offers.
func marketingForm(v *web.Visit, p *person) (form, error) {
	r := v.Reader
	f := p.form(v, "marketing")
	f.lead = r.T("more.marketing.lead")
	choice := choiceTyped(v)
	if !sent(v) {
		err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
			choice, err = tell.ChoiceOf(ctx, tx, p.ID)
			return err
		})
		if err != nil {
			return f, err
		}
	}
	wanted := "no"
	if choice.News {
		wanted = "yes"
	}
	choices := []ui.Choice{{Value: "yes", Label: r.T("more.marketing.yes")}, {Value: "no", Label: r.T("more.marketing.no"), Hint: r.T("more.marketing.no.hint")}}
	f.fields = []control{{kind: radios, Field: ui.Field{ID: "wanted", Label: r.T("more.marketing.what"), Value: wanted}, choices: chosen(choices, wanted)}}
	for _, way := range toldBy {
		f.fields = append(f.fields, control{kind: check, ticked: slices.Contains(choice.Channels, way), Field: ui.Field{ID: "way_" + string(way), Label: r.T("told.way." + string(way)), Optional: true}})
	}
	f.submit = r.T("more.marketing.do")
	return f, nil
}

func choiceTyped(v *web.Visit) tell.Choice {
	c := tell.Choice{News: v.Form("wanted") == "yes"}
	for _, way := range toldBy {
		if v.Form("way_"+string(way)) != "" {
			c.Channels = append(c.Channels, way)
		}
	}
	return c
}

func showMarketing(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	f, err := marketingForm(v, p)
	if err != nil {
		return err
	}
	return f.show(v, http.StatusOK)
}

func sendMarketing(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	f, err := marketingForm(v, p)
	if err != nil {
		return err
	}
	if wanted := v.Form("wanted"); wanted != "yes" && wanted != "no" {
		f.fields[0].Error = v.Reader.T("more.marketing.missing")
	}
	choice := choiceTyped(v)
	c := &command.Command{Action: "putMessageChoice", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "news": choice.News, "channels": choice.Channels}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console(p.path(""), "done", "marketing"), tell.Choose(ctx, tx, p.ID, choice)
	}
	return f.settle(v, false, c, nil)
}
