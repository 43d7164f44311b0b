package collect

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func showTemplates(v *web.Visit) error {
	r := v.Reader
	var book notice.Book
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		book, err = notice.OpenBook(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	t := table{id: "templates", title: r.T("con.nav.message-templates"), heads: []string{r.T("col.message"), r.T("col.subject"), r.T("col.own")}}
	language := r.Locale.Language
	for _, one := range notice.Templates() {
		own := 0
		for _, l := range notice.Languages {
			for _, c := range notice.Channels {
				if book.Words(one.Kind, c, l) != notice.Default(one.Kind, c, l) {
					own++
				}
			}
		}
		row := []cell{{text: r.T("admin.message." + string(one.Kind)), href: v.Console("message-templates/" + string(one.Kind))}, {text: book.Words(one.Kind, notice.Mail, language).Subject}, {text: r.T("col.own.none")}}
		if own > 0 {
			row[2].text = r.N("col.own.some", int64(own), "n", number(v, own))
		}
		t.rows = append(t.rows, row)
	}
	d := &view{tables: []table{t}, links: []link{{r.T("col.settings"), v.Console("message-settings")}}}
	return v.Show(http.StatusOK, page(frame.Of(v, frame.Templates, r.T("con.nav.message-templates")), d))
}

// choice is which words of a template are edited.
func choice(v *web.Visit, get func(string) string) (channel notice.Channel, language string) {
	channel, language = notice.Channel(get("channel")), get("language")
	if !slices.Contains(notice.Channels, channel) {
		channel = notice.Mail
	}
	if !slices.Contains(notice.Languages, language) {
		language = v.Reader.Locale.Language
	}
	return channel, language
}

func showTemplate(v *web.Visit) error {
	channel, language := choice(v, v.Query)
	return answerTemplate(v, http.StatusOK, channel, language, nil, "", nil)
}

// answerTemplate shows the editor. words are those that were sent; said is how
// they read.
func answerTemplate(v *web.Visit, status int, channel notice.Channel, language string, words *notice.Words, fault string, said *notice.Words) error {
	r := v.Reader
	template, err := notice.TemplateOf(notice.Kind(v.Param("kind")))
	if err != nil {
		return err
	}
	var now notice.Words
	var editions []notice.Edition
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		book, err := notice.OpenBook(ctx, tx)
		if err != nil {
			return err
		}
		now = book.Words(template.Kind, channel, language)
		editions, err = notice.Editions(ctx, tx, template.Kind)
		return err
	})
	if err != nil {
		return err
	}
	if words != nil {
		now = *words
	}
	title := r.T("admin.message." + string(template.Kind))
	here := v.Console("message-templates/" + string(template.Kind))
	d := &view{crumb: r.T("con.nav.message-templates"), crumbTo: v.Console("message-templates"), factsTitle: r.T("col.variables")}
	if v.Query("done") != "" {
		d.done = r.T("col.done." + doneWord(v.Query("done")))
	}
	for _, one := range template.Variables {
		d.facts = append(d.facts, fact{"{" + one.Name + "}", one.Sample})
	}
	pick := newForm("pick", r.T("col.pick"), here, r.T("col.pick.do"), wayFields(v, channel, language)...)
	pick.get = true
	d.forms = append(d.forms, pick)
	f := newForm("words", title, here, r.T("col.save"))
	f.hidden = [][2]string{{"channel", string(channel)}, {"language", language}}
	if channel == notice.Mail || channel == notice.Letter {
		f.fields = append(f.fields, control{Field: ui.Field{ID: "subject", Label: r.T("col.subject"), Value: now.Subject, Lang: language}})
	}
	body := control{Field: ui.Field{ID: "body", Label: r.T("col.text"), Value: now.Body, Lang: language, Error: fault}, rows: "12"}
	if channel == notice.SMS {
		parts, wide := notice.Segments(now.Fill(template.Samples()).Body)
		key := "col.segments.gsm"
		if wide {
			key = "col.segments.ucs"
		}
		body.Hint = r.T(key, "n", number(v, parts))
	}
	f.fields = append(f.fields, body, field(v, "account", "col.preview.account", "", true, ""))
	f.more = [][2]string{{"preview", r.T("col.preview.do")}, {"test", r.T("col.test.do")}, {"ours", r.T("col.ours.do")}}
	if v.May(identity.SettingsWrite) {
		d.wide = append(d.wide, f)
	}
	if said != nil {
		t := table{id: "said", title: r.T("col.preview"), heads: []string{r.T("col.text")}}
		if said.Subject != "" {
			t.rows = append(t.rows, []cell{{text: said.Subject}})
		}
		t.rows = append(t.rows, []cell{{text: said.Body}})
		d.tables = append(d.tables, t)
	}
	d.tables = append(d.tables, editionsTable(v, editions))
	if fault != "" {
		d.refused = r.T("col.refused")
		d.blame(f)
	}
	return v.Show(status, page(frame.Of(v, frame.Templates, title), d))
}

func wayFields(v *web.Visit, channel notice.Channel, language string) []control {
	r := v.Reader
	var ways, languages []ui.Choice
	for _, c := range notice.Channels {
		ways = append(ways, ui.Choice{Value: string(c), Label: r.T("admin.message.channel." + string(c)), Chosen: c == channel})
	}
	for _, l := range notice.Languages {
		languages = append(languages, ui.Choice{Value: l, Label: r.T("desk.language." + l), Chosen: l == language})
	}
	return []control{{Field: ui.Field{ID: "pick-channel", Name: "channel", Label: r.T("col.channel")}, choices: ways}, {Field: ui.Field{ID: "pick-language", Name: "language", Label: r.T("col.language")}, choices: languages}}
}

func editionsTable(v *web.Visit, editions []notice.Edition) table {
	r := v.Reader
	t := table{id: "editions", title: r.T("col.editions"), heads: []string{r.T("col.when"), r.T("col.channel"), r.T("col.language"), r.T("col.text")}, none: r.T("col.editions.none")}
	for _, e := range editions {
		text := e.Body
		if e.Ours() {
			text = r.T("col.ours")
		}
		t.rows = append(t.rows, []cell{{text: r.DateTime(e.At)}, {text: r.T("admin.message.channel." + string(e.Channel))}, {text: r.T("desk.language." + e.Language)}, {text: text}})
	}
	return t
}

// changeTemplate saves words, goes back to those that ship, shows them with an
// account's figures, or sends them to the person at the keys.
func changeTemplate(v *web.Visit) error {
	channel, language := choice(v, v.Form)
	words := notice.Words{Subject: trimmed(v, "subject"), Body: trimmed(v, "body")}
	template, err := notice.TemplateOf(notice.Kind(v.Param("kind")))
	if err != nil {
		return err
	}
	act := v.Form("act")
	if act == "ours" {
		words = notice.Words{}
	} else if err := template.Check(channel, words); err != nil {
		return answerTemplate(v, http.StatusUnprocessableEntity, channel, language, &words, err.Error(), nil)
	}
	if act == "preview" {
		return previewTemplate(v, template, channel, language, words)
	}
	c := &command.Command{Action: "putMessageTemplate", Object: "operator", Detail: map[string]any{"template": template.Kind, "channel": channel, "language": language}, Part: act}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		at := "message-templates/" + string(template.Kind)
		if act == "test" {
			who, err := accountNamed(ctx, tx, trimmed(v, "account"))
			if err != nil {
				return "", err
			}
			_, err = v.Stack.TryWords(ctx, tx, billing.Trial{Kind: template.Kind, Channel: channel, Words: words, Account: who, User: v.Who.UserID})
			return v.Console(at, "done", "sent", "channel", string(channel), "language", language), err
		}
		_, err := notice.Change(ctx, tx, notice.Edition{Kind: template.Kind, Channel: channel, Language: language, Words: words, By: v.Who.Actor()})
		done := "saved"
		if act == "ours" {
			done = "ours"
		}
		return v.Console(at, "done", done, "channel", string(channel), "language", language), err
	}
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, billing.ErrNoNumber):
		return answerTemplate(v, http.StatusUnprocessableEntity, channel, language, &words, v.Reader.T("col.test.nonumber"), nil)
	case errors.Is(err, account.ErrNotFound):
		return answerTemplate(v, http.StatusUnprocessableEntity, channel, language, &words, v.Reader.T("col.preview.noaccount"), nil)
	case err != nil:
		return err
	}
	return v.Lead(next)
}

// accountNamed finds the account whose figures are shown; none: samples.
func accountNamed(ctx context.Context, tx tenant.Tx, number string) (uuid.UUID, error) {
	if number == "" {
		return uuid.Nil, nil
	}
	a, err := account.ByNumber(ctx, tx, number)
	return a.ID, err
}

func previewTemplate(v *web.Visit, t notice.Template, channel notice.Channel, language string, words notice.Words) error {
	var said notice.Words
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		who, err := accountNamed(ctx, tx, trimmed(v, "account"))
		if err != nil {
			return err
		}
		said, err = tell.Preview(ctx, tx, who, t.Kind, channel, words)
		return err
	})
	if errors.Is(err, account.ErrNotFound) {
		return answerTemplate(v, http.StatusUnprocessableEntity, channel, language, &words, v.Reader.T("col.preview.noaccount"), nil)
	}
	if err != nil {
		return err
	}
	return answerTemplate(v, http.StatusOK, channel, language, &words, "", &said)
}
