package books

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"tollhouse/billing/identity"
	"tollhouse/billing/report"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// chartView is our chart of accounts beside the operator's.
type chartView struct {
	action, key, done string // action is empty for who may only look
	rows              []chartRow
	faults            []ui.Fault
}

type chartRow struct {
	line         string
	number, name ui.Field
}

func chart(v *web.Visit) error {
	var known report.Chart
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		known, err = report.GetChart(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	return answerChart(v, http.StatusOK, known, nil)
}

func answerChart(v *web.Visit, status int, typed report.Chart, field *report.FieldError) error {
	r := v.Reader
	p := &chartView{}
	if v.May(identity.RefundWrite) {
		p.action, p.key = v.Console("reports/chart"), command.NewKey()
	}
	if v.Query("done") == "chart" {
		p.done = r.T("books.done.chart")
	}
	for _, kind := range report.Lines {
		name := report.Word(r.Locale.Language, "kind."+string(kind))
		row := chartRow{line: name,
			number: ui.Field{ID: "number-" + string(kind), Label: r.T("books.chart.number", "line", name), Value: typed[kind].Number, Optional: true, MaxLength: "20", Autocomplete: "off", ReadOnly: p.action == ""},
			name:   ui.Field{ID: "name-" + string(kind), Label: r.T("books.chart.name", "line", name), Value: typed[kind].Name, Optional: true, MaxLength: "100", Autocomplete: "off", ReadOnly: p.action == ""}}
		if field != nil && field.Field == string(kind) {
			row.number.Error = r.T("books.want.number")
			p.faults = ui.FaultsOf(row.number)
		}
		p.rows = append(p.rows, row)
	}
	return v.Show(status, chartPage(frame.Of(v, frame.Reports, r.T("books.chart")), tabs(v, "chart"), p))
}

func saveChart(v *web.Visit) error {
	typed := report.Chart{}
	for _, kind := range report.Lines {
		own := report.Own{Number: strings.TrimSpace(v.Form("number-" + string(kind))), Name: strings.TrimSpace(v.Form("name-" + string(kind)))}
		if own != (report.Own{}) {
			typed[kind] = own
		}
	}
	c := &command.Command{Action: "chart.save", Object: "operator", Part: v.Sent()}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("reports/chart", "done", "chart"), report.PutChart(ctx, tx, typed)
	}
	next, err := command.CarryOut(v, c)
	var field *report.FieldError
	if errors.As(err, &field) {
		return answerChart(v, http.StatusUnprocessableEntity, typed, field)
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}
