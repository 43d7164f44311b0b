package reference

import (
	"context"
	"errors"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

const ratesAPage = 100

func showRates(v *web.Visit) error { return answerRates(v, refusal{}) }

func answerRates(v *web.Visit, bad refusal) error {
	r := v.Reader
	query := catalog.RateQuery{From: currencyOf(v.Query("from")), To: currencyOf(v.Query("to")), Limit: ratesAPage, Before: cursorOf(v.Query("before"))}
	var rates []catalog.StoredRate
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		rates, err = catalog.ListRates(ctx, tx, query)
		return err
	})
	if err != nil {
		return err
	}
	writes := v.May(identity.OfferingWrite)
	t := table{id: "rates", title: r.T("con.nav.rates"), heads: []string{r.T("ref.rate.day"), r.T("ref.rate.from"), r.T("ref.rate.to"), r.T("ref.rate.value"), r.T("ref.rate.both"), r.T("ref.source")},
		nums: "---n", none: r.T("ref.rates.none"), more: r.T("ref.rates.none.more"), icon: "cash"}
	if writes {
		t.heads = append(t.heads, "")
	}
	for _, rate := range rates {
		both := r.T("ref.no")
		if rate.BothWays {
			both = r.T("ref.yes")
		}
		row := []cell{{text: r.Date(rate.Day)}, {text: rate.From.Code()}, {text: rate.To.Code()}, {text: r.Number(rate.Value)}, {text: both}, {text: rate.Source}}
		if writes {
			gone := newForm("", "", v.Console("rates/remove"), r.T("ref.remove"))
			gone.quiet, gone.hidden = true, [][2]string{{"from", rate.From.Code()}, {"to", rate.To.Code()}, {"day", rate.Day.String()}}
			if rate.Day.Before(r.Today) {
				gone.fields = []control{{Field: ui.Field{ID: "past-" + rateKey(rate.ExchangeRate), Name: "past", Label: r.T("ref.past"), Optional: true}, box: true}}
			}
			row = append(row, cell{act: &gone})
		}
		t.rows = append(t.rows, row)
	}
	if len(rates) == ratesAPage {
		t.next = v.Console("rates", "from", query.From.Code(), "to", query.To.Code(), "before", rateKey(rates[ratesAPage-1].ExchangeRate))
	}
	if query.Before != nil {
		t.first = v.Console("rates", "from", query.From.Code(), "to", query.To.Code())
	}
	d := &view{tables: []table{t}}
	if done := v.Query("done"); done == "rate" || done == "rates" || done == "gone" {
		d.done = r.T("ref.done."+done, "n", v.Query("n"))
		if done != "rates" {
			d.done = r.T("ref.done." + done)
		}
	}
	d.forms = append(d.forms, form{id: "find", title: r.T("ref.filter"), action: v.Console("rates"), do: r.T("ref.filter.do"), get: true,
		fields: []control{currencyField(v, "from", "ref.rate.from", query.From.Code(), true), currencyField(v, "to", "ref.rate.to", query.To.Code(), true)}})
	if writes {
		d.forms = append(d.forms, rateForms(v, bad)...)
		d.blame(d.forms...)
	}
	d.refuse(v, bad)
	return v.Show(bad.status(), page(frame.Of(v, frame.Rates, r.T("con.nav.rates")), d))
}

func currencyField(v *web.Visit, id, label, value string, optional bool) control {
	return input(ui.Field{ID: "find-" + id, Name: id, Label: v.Reader.T(label), Value: value, Optional: optional, MaxLength: "3", Mono: true})
}

func rateForms(v *web.Visit, bad refusal) []form {
	r := v.Reader
	from, to, value := text(v, "from", "ref.rate.from", false), text(v, "to", "ref.rate.to", false), text(v, "value", "ref.rate.value", false)
	for _, f := range []*ui.Field{&from, &to} {
		f.MaxLength, f.Mono, f.Error = "3", true, bad.of(v, f.ID)
	}
	value.InputMode, value.Hint, value.Error = "decimal", r.T("ref.rate.value.hint"), bad.of(v, "value")
	day := ui.Field{ID: "day", Label: r.T("ref.rate.day"), Kind: "date", Value: v.Form("day"), Error: bad.of(v, "day")}
	both := func(id string) control {
		return control{Field: ui.Field{ID: id, Name: "both", Label: r.T("ref.rate.both"), Hint: r.T("ref.rate.both.hint"), Optional: true}, box: true, ticked: v.Form("both") != ""}
	}
	past := pastBox(v, false)
	past.Error = bad.of(v, "past")
	again := past
	again.ID, again.Name, again.Error = "past-file", "past", ""
	add := newForm("rate-new", r.T("ref.rate.new"), v.Console("rates"), r.T("ref.save"), input(from), input(to), input(day), input(value), both("both"), past)
	base := ui.Field{ID: "base", Label: r.T("ref.rate.base"), Hint: r.T("ref.rate.base.hint"), Value: cmpOr(v.Form("base"), "EUR"), MaxLength: "3", Mono: true, Optional: true, Error: bad.of(v, "base")}
	file := newForm("rates-file", r.T("ref.rates.file"), v.Console("rates/file"), r.T("ref.upload"),
		append([]control{fileField(v, "ref.rates.file.hint", bad.of(v, "file")), input(base), both("both-file"), again}, formatFields(v)...)...)
	file.upload = true
	return []form{add, file}
}

// currencyOf reads a currency; what is none is no filter.
func currencyOf(text string) money.Currency {
	c, err := money.ParseCurrency(strings.ToUpper(strings.TrimSpace(text)))
	if err != nil {
		return money.Currency{}
	}
	return c
}

// rateKey names a rate in addresses: EUR-USD-2026-12-01.
func rateKey(rate catalog.ExchangeRate) string {
	return rate.From.Code() + "-" + rate.To.Code() + "-" + rate.Day.String()
}

func cursorOf(text string) *catalog.ExchangeRate {
	parts := strings.SplitN(text, "-", 3)
	if len(parts) != 3 {
		return nil
	}
	day, err := calendar.ParseDate(parts[2])
	if err != nil {
		return nil
	}
	return &catalog.ExchangeRate{From: currencyOf(parts[0]), To: currencyOf(parts[1]), Day: day}
}

func putRate(v *web.Visit) error {
	day, field := dateField(v, "day", "ref.rate.day")
	value, err := money.ParseDecimal(strings.Replace(strings.TrimSpace(v.Form("value")), ",", ".", 1))
	rate := catalog.ExchangeRate{From: currencyOf(v.Form("from")), To: currencyOf(v.Form("to")), Day: day, Value: value, BothWays: v.Form("both") != ""}
	switch {
	case rate.From.IsZero():
		return answerRates(v, refusal{field: "from", key: "ref.currency.not"})
	case rate.To.IsZero() || rate.To == rate.From:
		return answerRates(v, refusal{field: "to", key: "ref.currency.other"})
	case field.Error != "":
		return answerRates(v, refusal{field: "day", key: "ref.day.not"})
	case err != nil:
		return answerRates(v, refusal{field: "value", key: "ref.rate.not"})
	}
	return storeRates(v, "putExchangeRates", "rate", catalog.NewRatesEntry{Rates: []catalog.ExchangeRate{rate}, Source: "console", Past: v.Form("past") != ""}, "")
}

func storeRates(v *web.Visit, action, done string, n catalog.NewRatesEntry, part string) error {
	c := &command.Command{Action: action, Object: "exchange_rate", Detail: map[string]any{"source": n.Source, "rates": len(n.Rates)}, Part: part}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		changed, err := catalog.PutRates(ctx, tx, n)
		return v.Console("rates", "done", done, "n", number(v, changed)), err
	}
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, catalog.ErrRate):
		return answerRates(v, refusal{field: "value", key: "ref.rate.not"})
	case isPast(err):
		return answerRates(v, refusal{field: "past", key: "ref.past.not"})
	case err != nil:
		return err
	}
	return v.Lead(next)
}

func uploadRates(v *web.Visit) error {
	content, name, err := upload(v)
	if err != nil {
		return err
	}
	if content == nil {
		return answerRates(v, refusal{field: "file", key: "ref.file.missing"})
	}
	base := currencyOf(v.Form("base"))
	if base.IsZero() && v.Form("base") != "" {
		return answerRates(v, refusal{field: "base", key: "ref.currency.not"})
	}
	file, err := catalog.ReadRates(content, catalog.RatesFormat{TableFormat: formatOf(v), Base: base, BothWays: v.Form("both") != ""})
	var bad *catalog.TableError
	if errors.As(err, &bad) {
		return answerRates(v, refusal{table: bad})
	}
	if err != nil {
		return err
	}
	return storeRates(v, "uploadExchangeRates", "rates", catalog.NewRatesEntry{Rates: file.Rates, Source: name, Past: v.Form("past") != ""}, part(content))
}

func removeRate(v *web.Visit) error {
	from, to := currencyOf(v.Form("from")), currencyOf(v.Form("to"))
	day, field := dateField(v, "day", "ref.rate.day")
	if field.Error != "" {
		return answerRates(v, refusal{field: "day", key: "ref.day.not"})
	}
	c := &command.Command{Action: "removeExchangeRate", Object: "exchange_rate", Detail: map[string]any{"from": from.Code(), "to": to.Code(), "day": day.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("rates", "done", "gone"), catalog.RemoveRate(ctx, tx, from, to, day, v.Form("past") != "")
	}
	next, err := command.CarryOut(v, c)
	switch {
	case isPast(err):
		return answerRates(v, refusal{field: "past", key: "ref.past.not"})
	case errors.Is(err, catalog.ErrNoRate):
		return answerRates(v, refusal{field: "day", key: "ref.rate.gone"})
	case err != nil:
		return err
	}
	return v.Lead(next)
}
