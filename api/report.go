package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/report"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
)

func reportColumns(r report.Report) []oapi.ReportColumn {
	return mapped(r.Columns, func(c report.Column) oapi.ReportColumn {
		return oapi.ReportColumn{Key: c.Key, Kind: oapi.ReportColumnKind(c.Kind)}
	})
}

// ListReports implements oapi.StrictServerInterface.
func (s *Server) ListReports(context.Context, oapi.ListReportsRequestObject) (oapi.ListReportsResponseObject, error) {
	return oapi.ListReports200JSONResponse{Items: mapped(report.All(), func(r report.Report) oapi.ReportInfo {
		return oapi.ReportInfo{Name: string(r.Name), Title: report.Word("en", "report."+string(r.Name)), About: report.Word("en", "about."+string(r.Name)), AsOf: r.AsOf, Columns: reportColumns(r)}
	})}, nil
}

func reportTerms(from, to *oapi.Date, entity, branch *uuid.UUID, currency *money.Currency) report.Terms {
	t := report.Terms{From: value(from), To: value(to), LegalEntity: entity, Branch: branch}
	if currency != nil {
		t.Currency = currency.Code()
	}
	return t
}

// reportRows is how many rows of a report the API gives at once.
const reportRows = 1000

func cellText(c sheet.Cell) string {
	switch v := c.(type) {
	case nil:
		return ""
	case calendar.Date:
		if v.IsZero() {
			return ""
		}
		return v.String()
	case money.Decimal:
		return v.String()
	}
	return fmt.Sprint(c)
}

// ReadReport implements oapi.StrictServerInterface.
func (s *Server) ReadReport(ctx context.Context, r oapi.ReadReportRequestObject) (oapi.ReadReportResponseObject, error) {
	one, err := report.Find(report.Name(r.Report))
	if err != nil {
		return nil, err
	}
	var table report.Table
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		table, err = one.Read(ctx, tx, reportTerms(r.Params.From, r.Params.To, r.Params.LegalEntity, r.Params.Branch, r.Params.Currency), reportRows)
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.ReadReport200JSONResponse{Columns: reportColumns(one), More: table.More,
		Rows:   mapped(table.Rows, func(row []sheet.Cell) []string { return mapped(row, cellText) }),
		Totals: mapped(table.Totals, func(t report.Totals) oapi.ReportTotals { return oapi.ReportTotals{Currency: t.Currency, Sums: t.Sums} })}, nil
}

// reportFile writes a report as it is read: its rows never stand in memory.
type reportFile struct {
	ctx      context.Context // of the request; the response is visited within it
	stack    *billing.Stack
	report   report.Report
	terms    report.Terms
	format   sheet.Format
	language string
}

// fileTime is how long a file may take to be written.
const fileTime = 5 * time.Minute

// VisitGetReportFileResponse implements oapi.GetReportFileResponseObject.
func (f reportFile) VisitGetReportFileResponse(w http.ResponseWriter) error {
	return f.stack.Read(f.ctx, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fileTime)) // wall time, of the connection
		w.Header().Set("Content-Type", f.format.MediaType())
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.%s"`, f.report.Name, f.terms.To, f.format))
		out, err := sheet.New(w, f.format, report.Word(f.language, "report."+string(f.report.Name)), f.report.Heads(f.language, profile.Currency.DocumentDigits()))
		if err != nil {
			return err
		}
		if err := f.report.Write(ctx, tx, f.terms, out); err != nil {
			return err
		}
		return out.Close()
	})
}

// GetReportFile implements oapi.StrictServerInterface.
func (s *Server) GetReportFile(ctx context.Context, r oapi.GetReportFileRequestObject) (oapi.GetReportFileResponseObject, error) {
	one, err := report.Find(report.Name(r.Report))
	if err != nil {
		return nil, err
	}
	f := reportFile{ctx: ctx, stack: callOf(ctx).stack, report: one, format: sheet.Format(r.Params.Format), language: string(value(r.Params.Language)),
		terms: reportTerms(r.Params.From, r.Params.To, r.Params.LegalEntity, r.Params.Branch, r.Params.Currency)}
	if f.language == "" {
		f.language = "en"
	}
	f.terms.Language = f.language
	return f, one.Check(f.terms)
}

func chartOf(c report.Chart) oapi.ChartOfAccounts {
	out := oapi.ChartOfAccounts{Accounts: []oapi.ChartLine{}}
	for _, kind := range report.Lines {
		title := report.Word("en", "kind."+string(kind))
		out.Accounts = append(out.Accounts, oapi.ChartLine{Account: string(kind), Title: &title, Number: c[kind].Number, Name: optionalText(c[kind].Name)})
	}
	return out
}

// GetChartOfAccounts implements oapi.StrictServerInterface.
func (s *Server) GetChartOfAccounts(ctx context.Context, _ oapi.GetChartOfAccountsRequestObject) (oapi.GetChartOfAccountsResponseObject, error) {
	var chart report.Chart
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		chart, err = report.GetChart(ctx, tx)
		return err
	})
	return oapi.GetChartOfAccounts200JSONResponse(chartOf(chart)), err
}

// PutChartOfAccounts implements oapi.StrictServerInterface.
func (s *Server) PutChartOfAccounts(ctx context.Context, r oapi.PutChartOfAccountsRequestObject) (oapi.PutChartOfAccountsResponseObject, error) {
	return nil, once(ctx, oapi.PutChartOfAccountsResponseObject.VisitPutChartOfAccountsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutChartOfAccountsResponseObject, error) {
		callOf(ctx).object = "operator"
		chart := report.Chart{}
		for _, line := range r.Body.Accounts {
			chart[ledger.Kind(line.Account)] = report.Own{Number: line.Number, Name: value(line.Name)}
		}
		if err := report.PutChart(ctx, tx, chart); err != nil {
			return nil, err
		}
		kept, err := report.GetChart(ctx, tx)
		return oapi.PutChartOfAccounts200JSONResponse{Body: chartOf(kept)}, err
	})
}

func dayOf(d report.DayClose) oapi.BusinessDay {
	sums := func(list []report.Sum) []oapi.DaySum {
		return mapped(list, func(s report.Sum) oapi.DaySum {
			return oapi.DaySum{LegalEntityId: s.LegalEntity, BranchId: s.Branch, Account: string(s.Kind), Unit: s.Unit, Debit: s.Debit, Credit: s.Credit}
		})
	}
	out := oapi.BusinessDay{Day: d.Day, Closed: d.SignedBy != "", SignedBy: optionalText(d.SignedBy), Note: optionalText(d.Note), Sums: sums(d.Sums), After: sums(d.After),
		Checks: mapped(d.Checks, func(c report.Check) oapi.DayCheck {
			return oapi.DayCheck{Rule: c.Rule, Unit: c.Unit, Ledger: c.Ledger, Books: c.Books, Differing: c.Differing, Holds: c.Holds()}
		})}
	if out.Closed {
		at := d.SignedAt.UTC()
		out.SignedAt = &at
	}
	return out
}

// GetBusinessDay implements oapi.StrictServerInterface.
func (s *Server) GetBusinessDay(ctx context.Context, r oapi.GetBusinessDayRequestObject) (oapi.GetBusinessDayResponseObject, error) {
	var d report.DayClose
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		d, err = report.GetDay(ctx, tx, r.Day)
		return err
	})
	return oapi.GetBusinessDay200JSONResponse(dayOf(d)), err
}

// CloseDay implements oapi.StrictServerInterface.
func (s *Server) CloseDay(ctx context.Context, r oapi.CloseDayRequestObject) (oapi.CloseDayResponseObject, error) {
	return nil, once(ctx, oapi.CloseDayResponseObject.VisitCloseDayResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CloseDayResponseObject, error) {
		c := callOf(ctx)
		c.object = "day"
		c.note("day", r.Day.String())
		d, err := report.CloseDay(ctx, tx, r.Day, value(r.Body.Note), c.who.Actor())
		return oapi.CloseDay200JSONResponse{Body: dayOf(d)}, err
	})
}

func scheduleOf(s report.Schedule) oapi.ReportSchedule {
	onDay := s.OnDay
	return oapi.ReportSchedule{Id: s.ID, Name: s.Name, Report: string(s.Report), Format: oapi.ReportScheduleFormat(s.Format), Every: oapi.ReportScheduleEvery(s.Every), OnDay: onDay, AtHour: s.AtHour,
		LegalEntityId: s.Terms.LegalEntity, Recipients: s.Recipients, Active: s.State == report.Active, DueAt: s.DueAt.UTC(),
		Runs: mapped(s.Log, func(r report.Run) oapi.ReportRun {
			return oapi.ReportRun{Id: r.ID, At: r.At, From: r.From, To: r.To, Sent: r.Sent, Link: unless(false, r.Link), Error: optionalText(r.Error)}
		})}
}

// ListReportSchedules implements oapi.StrictServerInterface.
func (s *Server) ListReportSchedules(ctx context.Context, _ oapi.ListReportSchedulesRequestObject) (oapi.ListReportSchedulesResponseObject, error) {
	var list []report.Schedule
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = report.Schedules(ctx, tx)
		return err
	})
	return oapi.ListReportSchedules200JSONResponse{Items: mapped(list, scheduleOf)}, err
}

// GetReportSchedule implements oapi.StrictServerInterface.
func (s *Server) GetReportSchedule(ctx context.Context, r oapi.GetReportScheduleRequestObject) (oapi.GetReportScheduleResponseObject, error) {
	var one report.Schedule
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		one, err = report.GetSchedule(ctx, tx, r.Schedule)
		return err
	})
	return oapi.GetReportSchedule200JSONResponse(scheduleOf(one)), err
}

// PutReportSchedule implements oapi.StrictServerInterface.
func (s *Server) PutReportSchedule(ctx context.Context, r oapi.PutReportScheduleRequestObject) (oapi.PutReportScheduleResponseObject, error) {
	return nil, once(ctx, oapi.PutReportScheduleResponseObject.VisitPutReportScheduleResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutReportScheduleResponseObject, error) {
		c, b := callOf(ctx), r.Body
		c.about("report_schedule", r.Schedule)
		wish := report.Schedule{ID: r.Schedule, Name: b.Name, Report: report.Name(b.Report), Format: sheet.Format(b.Format), Every: report.Every(b.Every), OnDay: value(b.OnDay), AtHour: b.AtHour,
			Recipients: b.Recipients, State: report.Off, Terms: report.Terms{LegalEntity: b.LegalEntityId}}
		if b.Active {
			wish.State = report.Active
		}
		made, err := report.Put(ctx, tx, wish, c.who.Actor())
		return oapi.PutReportSchedule200JSONResponse{Body: scheduleOf(made)}, err
	})
}

// RemoveReportSchedule implements oapi.StrictServerInterface.
func (s *Server) RemoveReportSchedule(ctx context.Context, r oapi.RemoveReportScheduleRequestObject) (oapi.RemoveReportScheduleResponseObject, error) {
	return nil, once(ctx, oapi.RemoveReportScheduleResponseObject.VisitRemoveReportScheduleResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveReportScheduleResponseObject, error) {
		callOf(ctx).about("report_schedule", r.Schedule)
		return oapi.RemoveReportSchedule204Response{}, report.RemoveSchedule(ctx, tx, r.Schedule)
	})
}
