package notice_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// What ships can be said in every language, by every way, and names no place
// that is not there.
func TestTemplates_shipWhole(t *testing.T) {
	t.Parallel()
	for _, known := range notice.Templates() {
		template, err := notice.TemplateOf(known.Kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, language := range notice.Languages {
			for _, channel := range notice.Channels {
				w := notice.Default(known.Kind, channel, language)
				if err := template.Check(channel, w); err != nil {
					t.Errorf("%s %s %s: %v", known.Kind, language, channel, err)
				}
				said := w.Fill(template.Samples())
				if strings.ContainsAny(said.Subject+said.Body, "{}") {
					t.Errorf("%s %s %s: %q", known.Kind, language, channel, said)
				}
			}
		}
	}
}

func TestCheck_refusesAnUnknownVariableByName(t *testing.T) {
	t.Parallel()
	template, err := notice.TemplateOf(notice.DunningWall)
	if err != nil {
		t.Fatal(err)
	}
	err = template.Check(notice.Mail, notice.Words{Subject: "x", Body: "Pay {amonut}"})
	if !errors.Is(err, notice.ErrWords) || !strings.Contains(err.Error(), "{amonut}") {
		t.Error(err)
	}
}

// A value that looks like a place is not looked into.
func TestFill_valuesAreNotLookedInto(t *testing.T) {
	t.Parallel()
	got := notice.Words{Body: "Hello {name}, {amount}"}.Fill(map[string]string{"name": "{amount}", "amount": "5"})
	if got.Body != "Hello {amount}, 5" {
		t.Error(got.Body)
	}
}

func TestChange_editionsAndBackToOurs(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	change := func(body string) (e notice.Edition) {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			e, err = notice.Change(ctx, tx, notice.Edition{Kind: notice.DunningReminder, Channel: notice.SMS, Language: "id", Words: notice.Words{Body: body}, By: "user:clerk"})
			return err
		})
		return e
	}
	words := func(language string) (w notice.Words) {
		db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			book, err := notice.OpenBook(ctx, tx)
			w = book.Words(notice.DunningReminder, notice.SMS, language)
			return err
		})
		return w
	}
	if e := change("Bayar {amount}"); e.Version != 1 || words("id").Body != "Bayar {amount}" {
		t.Errorf("%+v, %q", e, words("id"))
	}
	if words("en") != notice.Default(notice.DunningReminder, notice.SMS, "en") {
		t.Error("another language has changed")
	}
	if e := change(""); e.Version != 2 || words("id") != notice.Default(notice.DunningReminder, notice.SMS, "id") {
		t.Errorf("%+v, %q", e, words("id"))
	}
}

func TestSegments_asTheStandardCounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "a": 1, strings.Repeat("a", 160): 1, strings.Repeat("a", 161): 2, strings.Repeat("a", 306): 2, strings.Repeat("a", 307): 3,
		strings.Repeat("€", 80): 1, strings.Repeat("€", 81): 2, strings.Repeat("ж", 70): 1, strings.Repeat("ж", 71): 2, strings.Repeat("ж", 134): 2, strings.Repeat("ж", 135): 3,
		strings.Repeat("😀", 35): 1, strings.Repeat("😀", 36): 2, strings.Repeat("a", 152) + "€" + strings.Repeat("a", 20): 2} {
		if got, _ := notice.Segments(text); got != want {
			t.Errorf("%.10q… of %d bytes: %d parts, want %d", text, len(text), got, want)
		}
	}
}

func TestQuietUntil_byTheOperatorsClock(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s := notice.Settings{QuietFrom: "21:00", QuietTo: "08:00"}
	for local, want := range map[string]string{"20:59": "", "21:00": "2026-06-02 08:00", "23:30": "2026-06-02 08:00"} {
		at, _ := time.ParseInLocation("2006-01-02 15:04", "2026-06-01 "+local, berlin)
		got := ""
		if until := s.QuietUntil(notice.DunningReminder, at, berlin); !until.IsZero() {
			got = until.In(berlin).Format("2006-01-02 15:04")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", local, got, want)
		}
	}
	early, _ := time.ParseInLocation("2006-01-02 15:04", "2026-06-01 07:59", berlin)
	if until := s.QuietUntil(notice.DunningReminder, early, berlin); until.In(berlin).Format("2006-01-02 15:04") != "2026-06-01 08:00" {
		t.Error(until)
	}
	if until := s.QuietUntil(notice.SignInCode, early, berlin); !until.IsZero() {
		t.Error("a code to sign in waits for the morning")
	}
}

func TestNote_whatComesBackSpoilsTheAddress(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	db.Ref.Sandbox = false
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return notice.Send(ctx, tx, notice.Message{Kind: notice.DunningReminder, Channel: notice.Mail, To: "Siti@Example.id", Subject: "x", Body: "x"})
	})
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := notice.List(ctx, tx, notice.Query{Limit: 1})
		if err != nil {
			return err
		}
		if err := notice.MarkSent(ctx, tx, list[0].ID); err != nil {
			return err
		}
		for range 2 {
			s, err := notice.Note(ctx, tx, notice.Report{ID: list[0].ID, Final: true, Reason: "5.1.1 user unknown"})
			if err != nil || s.State != notice.Bounced || s.Failure != "5.1.1 user unknown" {
				t.Errorf("%+v, %v", s, err)
			}
		}
		bad, err := notice.BadContacts(ctx, tx, "siti@example.ID")
		if err != nil || len(bad) != 1 || bad[0].Address != "siti@example.id" {
			t.Errorf("%+v, %v", bad, err)
		}
		if err := notice.Clear(ctx, tx, notice.Mail, "SITI@example.id", "user:clerk"); err != nil {
			return err
		}
		if bad, err = notice.BadContacts(ctx, tx); err != nil || len(bad) != 0 {
			t.Errorf("%+v, %v", bad, err)
		}
		return nil
	})
}

func TestSettings_refuseWhatCantBeSent(t *testing.T) {
	t.Parallel()
	good := notice.Gateway{URL: "https://sms.example/send", Fields: map[string]string{"to": "{to}", "text": "{text}"}}
	if err := (notice.Settings{SMS: &good}).Check(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*notice.Settings){
		"quiet_from":    func(s *notice.Settings) { s.QuietFrom, s.QuietTo = "9 pm", "08:00" },
		"quiet_to":      func(s *notice.Settings) { s.QuietFrom = "21:00" },
		"sms.url":       func(s *notice.Settings) { s.SMS.URL = "ftp://x" },
		"sms.method":    func(s *notice.Settings) { s.SMS.Method = "DELETE" },
		"sms.body":      func(s *notice.Settings) { s.SMS.Body = "xml" },
		"sms.fields":    func(s *notice.Settings) { s.SMS.Fields = map[string]string{"to": "{to}", "text": "{txet}"} },
		"sms.reference": func(s *notice.Settings) { s.SMS.Reference = "id" },
		"sms.success":   func(s *notice.Settings) { s.SMS.Success = "(" },
		"sms.receipt":   func(s *notice.Settings) { s.SMS.Receipt = &notice.Receipt{} },
	} {
		g := good
		s := notice.Settings{SMS: &g}
		spoil(&s)
		var wrong *notice.FieldError
		if err := s.Check(); !errors.As(err, &wrong) || wrong.Field != field || !errors.Is(err, notice.ErrSettings) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
