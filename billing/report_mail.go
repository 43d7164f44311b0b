package billing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/report"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
)

// maxMailedReport is how large a report may be to go with a mail; a larger one
// is led to.
const maxMailedReport = 8 << 20

var errTooLarge = errors.New("too large for a mail")

// bounded counts what is written and refuses more than fits.
type bounded struct {
	to   io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errTooLarge
	}
	return b.to.Write(p)
}

// ReportKind is the kind of attachment that ReportFile makes.
const ReportKind = "report"

// ReportFile makes the file of a run of a scheduled report, whose id an
// attachment of kind "report" refers to.
func (s *Stack) ReportFile(ctx context.Context, run uuid.UUID) (name, media string, content []byte, err error) {
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		schedule, r, err := report.RunOf(ctx, tx, run)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		name, media = reportName(schedule, r), schedule.Format.MediaType()
		err = writeReport(ctx, tx, schedule, r, &bounded{&out, maxMailedReport})
		content = out.Bytes()
		return err
	})
	return name, media, content, err
}

func reportName(s report.Schedule, r report.Run) string {
	return fmt.Sprintf("%s_%s_%s.%s", strings.ReplaceAll(string(s.Report), "_", "-"), r.From, r.To, s.Format)
}

func writeReport(ctx context.Context, tx tenant.Tx, s report.Schedule, run report.Run, to io.Writer) error {
	r, err := report.Find(s.Report)
	if err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	language := string(profile.Language)
	file, err := sheet.New(to, s.Format, report.Word(language, "report."+string(r.Name)), r.Heads(language, profile.Currency.DocumentDigits()))
	if err != nil {
		return err
	}
	terms := s.Terms
	terms.From, terms.To = run.From, run.To
	if err := r.Write(ctx, tx, terms, file); err != nil {
		return err
	}
	return file.Close()
}

// reportWords take the name of the schedule, the operator, the span and the page.
var reportWords = map[string][3]string{
	"en": {"%[1]s, %[3]s", "%[1]s of %[2]s for %[3]s is attached. You find it here as well, signed in:\n%[4]s\n", "%[1]s of %[2]s for %[3]s is too large for a mail. Sign in to fetch it:\n%[4]s\n"},
	"id": {"%[1]s, %[3]s", "%[1]s dari %[2]s untuk %[3]s terlampir. Anda juga dapat membukanya di sini setelah masuk:\n%[4]s\n", "%[1]s dari %[2]s untuk %[3]s terlalu besar untuk surel. Masuk untuk mengambilnya:\n%[4]s\n"},
	"ru": {"%[1]s, %[3]s", "%[1]s (%[2]s) за %[3]s — во вложении. Отчёт есть и здесь, после входа:\n%[4]s\n", "%[1]s (%[2]s) за %[3]s: файл слишком велик для письма. Войдите, чтобы получить его:\n%[4]s\n"},
}

// mailReport sends a scheduled report to those of its recipients who may still
// see it. A report that cannot be made is noted and shown, and the next one is
// due all the same.
func (s *Stack) mailReport(ctx context.Context, item agenda.Item) error {
	var schedule report.Schedule
	var run report.Run
	var due bool
	var fault error
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		schedule, err = report.GetSchedule(ctx, tx, item.Ref)
		if errors.Is(err, report.ErrNoSchedule) {
			return nil
		}
		if err != nil {
			return err
		}
		due = schedule.State == report.Active && schedule.DueAt.Equal(item.DueAt)
		if !due {
			return nil // changed, or switched off: it has another item
		}
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		run = report.Run{ID: uuid.Must(uuid.NewV7()), At: tx.At}
		run.From, run.To = schedule.Span(item.DueAt, profile.Zone)
		size := &counter{}
		fault = writeReport(ctx, tx, schedule, run, &bounded{size, maxMailedReport})
		run.Bytes = size.n
		return nil
	})
	if err != nil || !due {
		return err
	}
	switch {
	case errors.Is(fault, errTooLarge):
		run.Link, run.Bytes = true, 0
	case fault != nil && ctx.Err() != nil:
		return ctx.Err()
	case fault != nil:
		run.Error = fault.Error()
		s.host.config.Log.Error("scheduled report failed", "tenant", s.Ref.Name, "schedule", schedule.ID, "error", fault)
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if run.Error == "" {
			if err := s.sendReport(ctx, tx, schedule, &run); err != nil {
				return err
			}
		}
		return report.Went(ctx, tx, schedule, run)
	})
}

// counter counts what is written.
type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) { c.n += len(p); return len(p), nil }

func (s *Stack) sendReport(ctx context.Context, tx tenant.Tx, schedule report.Schedule, run *report.Run) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	addressees, err := report.Recipients(ctx, tx, schedule)
	if err != nil {
		return err
	}
	roles, err := s.host.config.Identity.Roles(ctx, tx)
	if err != nil {
		return err
	}
	may := map[identity.Role]bool{}
	for _, r := range roles {
		may[r.Name] = slices.Contains(r.Permissions, identity.LedgerRead)
	}
	page := s.host.config.PublicURL + "/t/" + s.Ref.Name + "/console/reports/" + string(schedule.Report) + "?" + url.Values{"from": {run.From.String()}, "to": {run.To.String()}}.Encode()
	var messages []notice.Message
	for _, a := range addressees {
		if !may[a.Role] {
			continue // it has another role by now
		}
		words, known := reportWords[a.Language]
		if !known {
			words = reportWords["en"]
		}
		body := words[1]
		m := notice.Message{Kind: notice.ReportMail, Channel: notice.Mail, To: a.Email, Link: page}
		if run.Link {
			body = words[2]
		} else {
			m.Attach = []notice.Attachment{{Kind: ReportKind, Ref: run.ID, Name: reportName(schedule, *run)}}
		}
		span := run.From.String() + " – " + run.To.String()
		m.Subject, m.Body = fmt.Sprintf(words[0]+"%.0[2]s", schedule.Name, profile.Name, span), fmt.Sprintf(body, schedule.Name, profile.Name, span, page)
		messages = append(messages, m)
	}
	run.Sent = len(messages)
	if len(messages) == 0 {
		run.Error = "no recipient may see it any more"
	}
	return notice.SendMany(ctx, tx, messages)
}
