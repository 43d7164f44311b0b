package collect

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sort"
	"strings"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func showSettings(v *web.Visit) error { return answerSettings(v, http.StatusOK, "", "") }

// answerSettings shows the SMS gateway, quiet hours, and addresses that do not
// work. fault is beside the field that is named.
func answerSettings(v *web.Visit, status int, at, fault string) error {
	r := v.Reader
	var s notice.Settings
	var bad []notice.BadContact
	var secret, receipt []byte
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if s, err = notice.GetSettings(ctx, tx); err != nil {
			return err
		}
		if secret, err = notice.Secret(ctx, tx, notice.GatewaySecret); err != nil {
			return err
		}
		if receipt, err = notice.Secret(ctx, tx, notice.ReceiptSecret); err != nil {
			return err
		}
		bad, err = notice.BadContacts(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	sent := v.Form("key") != ""
	value := func(id, now string) string {
		if sent {
			return v.Form(id)
		}
		return now
	}
	g := notice.Gateway{}
	if s.SMS != nil {
		g = *s.SMS
	}
	rc := notice.Receipt{}
	if g.Receipt != nil {
		rc = *g.Receipt
	}
	one := func(id, label, hint, now string, optional bool) control {
		c := control{Field: ui.Field{ID: id, Label: r.T(label), Value: value(id, now), Optional: optional}}
		if hint != "" {
			c.Hint = r.T(hint)
		}
		if at == id {
			c.Error = fault
		}
		return c
	}
	area := func(c control) control { c.rows, c.Mono = "4", true; return c }
	kept := func(sealed []byte) string {
		if len(sealed) > 0 {
			return "col.secret.kept"
		}
		return "col.secret.none"
	}
	body := string(g.Body)
	if body == "" {
		body = string(notice.BodyJSON)
	}
	var bodies []ui.Choice
	for _, b := range []notice.BodyForm{notice.BodyJSON, notice.BodyForms, notice.BodyNone} {
		bodies = append(bodies, ui.Choice{Value: string(b), Label: r.T("col.body." + string(b)), Chosen: value("body", body) == string(b)})
	}
	pass := func(id, label string, sealed []byte) control {
		return control{Field: ui.Field{ID: id, Label: r.T(label), Hint: r.T(kept(sealed)), Kind: "password", Optional: true, Autocomplete: "off"}}
	}
	f := newForm("settings", r.T("col.settings"), v.Console("message-settings"), r.T("col.save"),
		one("quiet_from", "col.quiet.from", "col.quiet.hint", s.QuietFrom, true), one("quiet_to", "col.quiet.to", "", s.QuietTo, true),
		one("url", "col.sms.url", "col.sms.url.hint", g.URL, true), one("method", "col.sms.method", "col.sms.method.hint", g.Method, true),
		control{Field: ui.Field{ID: "body", Label: r.T("col.sms.body")}, choices: bodies},
		area(one("fields", "col.sms.fields", "col.sms.fields.hint", lines(g.Fields), true)), area(one("headers", "col.sms.headers", "col.sms.headers.hint", lines(g.Headers), true)),
		one("sender", "col.sms.sender", "", g.Sender, true), pass("secret", "col.sms.secret", secret),
		one("success", "col.sms.success", "col.sms.success.hint", g.Success, true), one("refused", "col.sms.refused", "", g.Refused, true), one("reference", "col.sms.reference", "col.sms.reference.hint", g.Reference, true),
		one("receipt_id", "col.sms.receipt.id", "col.sms.receipt.hint", rc.ID, true), one("receipt_status", "col.sms.receipt.status", "", rc.Status, true),
		one("delivered", "col.sms.delivered", "", strings.Join(rc.Delivered, ", "), true), one("failed", "col.sms.failed", "", strings.Join(rc.Failed, ", "), true),
		pass("receipt_secret", "col.sms.receipt.secret", receipt))
	f.effect = r.T("col.settings.lead")
	d := &view{crumb: r.T("con.nav.message-templates"), crumbTo: v.Console("message-templates")}
	if v.Query("done") != "" {
		d.done = r.T("col.done." + doneWord(v.Query("done")))
	}
	if v.May(identity.SettingsWrite) {
		d.wide = append(d.wide, f)
	}
	d.tables = append(d.tables, badTable(v, bad))
	if fault != "" {
		d.refused = r.T("col.refused")
		d.blame(f)
	}
	return v.Show(status, page(frame.Of(v, frame.Templates, r.T("col.settings")), d))
}

func badTable(v *web.Visit, bad []notice.BadContact) table {
	r := v.Reader
	t := table{id: "bad", title: r.T("col.bad.title"), heads: []string{r.T("col.address"), r.T("col.why"), r.T("col.since"), ""}, none: r.T("col.bad.none"), more: r.T("col.bad.none.more")}
	for _, b := range bad {
		row := []cell{{text: b.Address}, {text: b.Reason}, {text: r.DateTime(b.Since)}, {text: ""}}
		if v.May(identity.AccountWrite) {
			f := newForm("", "", v.Console("message-settings/clear"), r.T("col.bad.clear"))
			f.quiet, f.hidden = true, [][2]string{{"channel", string(b.Channel)}, {"address", b.Address}}
			row[3] = cell{act: &f}
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// lines writes names and values, one a line.
func lines(of map[string]string) string {
	var list []string
	for name, value := range of {
		list = append(list, name+": "+value)
	}
	sort.Strings(list)
	return strings.Join(list, "\n")
}

func linesOf(text string) map[string]string {
	of := map[string]string{}
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if name, value, found := strings.Cut(line, ":"); found {
			of[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	if len(of) == 0 {
		return nil
	}
	return of
}

func listOf(text string) (list []string) {
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func putSettings(v *web.Visit) error {
	s := notice.Settings{QuietFrom: trimmed(v, "quiet_from"), QuietTo: trimmed(v, "quiet_to")}
	if trimmed(v, "url") != "" {
		s.SMS = &notice.Gateway{URL: trimmed(v, "url"), Method: strings.ToUpper(trimmed(v, "method")), Body: notice.BodyForm(v.Form("body")), Fields: linesOf(v.Form("fields")), Headers: linesOf(v.Form("headers")),
			Sender: trimmed(v, "sender"), Success: trimmed(v, "success"), Refused: trimmed(v, "refused"), Reference: trimmed(v, "reference")}
		if trimmed(v, "receipt_id") != "" {
			s.SMS.Receipt = &notice.Receipt{ID: trimmed(v, "receipt_id"), Status: trimmed(v, "receipt_status"), Delivered: listOf(v.Form("delivered")), Failed: listOf(v.Form("failed"))}
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	c := &command.Command{Action: "putMessageSettings", Object: "operator", Detail: map[string]any{"settings": json.RawMessage(text)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("message-settings", "done", "saved"), v.Stack.PutMessageSettings(ctx, tx, s, v.Form("secret"), v.Form("receipt_secret"))
	}
	next, err := command.CarryOut(v, c)
	if wrong := (*notice.FieldError)(nil); errors.As(err, &wrong) {
		return answerSettings(v, http.StatusUnprocessableEntity, strings.ReplaceAll(strings.TrimPrefix(wrong.Field, "sms."), "receipt", "receipt_id"), wrong.Error())
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func clearContact(v *web.Visit) error {
	c := &command.Command{Action: "clearBadContact", Object: "contact", Detail: map[string]any{"channel": v.Form("channel")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("message-settings", "done", "cleared"), notice.Clear(ctx, tx, notice.Channel(v.Form("channel")), v.Form("address"), v.Who.Actor())
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}
