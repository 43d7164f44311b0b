package billing

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/report"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
)

// A report goes out on its day, to who may still see it, with the file of the
// span before; the next one is due a month later.
func TestReportMail_onItsDayToWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	w.pay(c, payment.PurposeBill, "5.00")
	authority := w.host.Identity()
	var people []uuid.UUID
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		for email, role := range map[string]identity.Role{"acc@office.example": identity.Accountant, "sales@office.example": identity.Marketer} {
			u, err := authority.AddUser(ctx, tx, identity.NewUser{Email: email, Role: role, Password: "x"})
			if err != nil {
				return err
			}
			people = append(people, u.ID)
		}
		_, err := report.Put(ctx, tx, report.Schedule{ID: uuid.Must(uuid.NewV7()), Name: "Month end", Report: report.TrialBalance, Format: sheet.CSV, Every: report.Monthly,
			OnDay: 2, AtHour: 6, Recipients: people}, "user:x")
		return err
	})
	w.advance(w.day("2026-07-03"))
	var sent []notice.Stored
	var s report.Schedule
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		all, err := notice.List(ctx, tx, notice.Query{Limit: 100})
		for _, m := range all {
			if m.Kind == notice.ReportMail {
				sent = append(sent, m)
			}
		}
		list, err2 := report.Schedules(ctx, tx)
		if err2 == nil {
			s = list[0]
			_, err2 = authority.Roles(ctx, tx)
		}
		if err == nil {
			err = err2
		}
		return err
	})
	if len(s.Log) == 0 || s.Log[0].From.String() != "2026-06-01" || s.Log[0].To.String() != "2026-06-30" || s.Log[0].Sent != 1 || s.Log[0].Error != "" {
		t.Fatalf("runs %+v", s.Log)
	}
	if len(sent) != len(s.Log) || sent[0].To != "acc@office.example" || len(sent[0].Attach) != 1 || sent[0].Attach[0].Kind != ReportKind || !strings.Contains(sent[0].Subject, "Month end") {
		t.Fatalf("mails %+v", sent)
	}
	name, media, content, err := w.ReportFile(context.Background(), sent[0].Attach[0].Ref)
	if err != nil || name != "trial-balance_2026-06-01_2026-06-30.csv" || !strings.HasPrefix(media, "text/csv") || !bytes.Contains(content, []byte("Receivables")) {
		t.Errorf("%s %s %v: %.300s", name, media, err, content)
	}
	if got := s.DueAt.In(w.Zone).Format("2006-01-02 15:04"); got != "2026-08-02 06:00" {
		t.Errorf("next at %s", got)
	}
}
