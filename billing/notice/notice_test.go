package notice_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var welcome = notice.Message{Kind: notice.Invitation, Channel: notice.Mail, To: "siti@example.id", Subject: "Welcome", Body: "Set a password: https://x/y", Link: "https://x/y"}

func TestSend_sandboxRecordsAndNothingFallsDue(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return notice.Send(ctx, tx, welcome) })
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		found, err := notice.List(ctx, tx, notice.Query{Limit: 10})
		if err != nil || len(found) != 1 || found[0].State != notice.Recorded || !reflect.DeepEqual(found[0].Message, welcome) {
			t.Fatalf("%+v, %v", found, err)
		}
		if _, due, err := agenda.First(ctx, tx, agenda.Messages); due || err != nil {
			t.Errorf("a sandbox's message is due to be sent: %v, %v", due, err)
		}
		return nil
	})
}

func TestSend_refusesWhatCannotBeAMessage(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	for name, spoil := range map[string]func(*notice.Message){
		"no recipient":                func(m *notice.Message) { m.To = "" },
		"a second header in the name": func(m *notice.Message) { m.To = "a@b.c\r\nBcc: x@y.z" },
		"a header in the subject":     func(m *notice.Message) { m.Subject = "Hi\nBcc: x@y.z" },
		"no text":                     func(m *notice.Message) { m.Body = " " },
		"a text without end":          func(m *notice.Message) { m.Body = strings.Repeat("x", 30_000) },
		"an unknown channel":          func(m *notice.Message) { m.Channel = "fax" },
	} {
		m := welcome
		spoil(&m)
		err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error { return notice.Send(ctx, tx, m) })
		if !errors.Is(err, notice.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestList_goesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	for _, to := range []string{"a@x.example", "b@x.example", "c@x.example"} {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			m := welcome
			m.To = to
			return notice.Send(ctx, tx, m)
		})
	}
	var order []string
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for before := uuid.Nil; ; {
			page, err := notice.List(ctx, tx, notice.Query{Before: before, Limit: 2})
			if err != nil {
				return err
			}
			if len(page) == 0 {
				return nil
			}
			for _, m := range page {
				order = append(order, m.To)
				before = m.ID
			}
		}
	})
	if got := strings.Join(order, " "); got != "c@x.example b@x.example a@x.example" {
		t.Error(got)
	}
}

func TestMarkSent_forgetsWhatOpensADoor(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	db.Ref.Sandbox = false
	news := notice.Message{Kind: notice.BillIssued, Channel: notice.Mail, To: "siti@example.id", Subject: "Your bill", Body: "It is there."}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return errors.Join(notice.Send(ctx, tx, welcome), notice.Send(ctx, tx, news))
	})
	for range 2 {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			item, due, err := agenda.First(ctx, tx, agenda.Messages)
			if err != nil || !due {
				t.Fatalf("no message is due: %v", err)
			}
			return errors.Join(notice.MarkSent(ctx, tx, item.Ref), agenda.Done(ctx, tx, item.ID))
		})
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		found, err := notice.List(ctx, tx, notice.Query{Limit: 10})
		if err != nil || len(found) != 2 {
			t.Fatalf("%d messages, %v", len(found), err)
		}
		for _, m := range found {
			if m.State != notice.Sent || (m.Body == "") != (m.Kind == notice.Invitation) || m.Link != "" {
				t.Errorf("%s: %s, body %q, link %q", m.Kind, m.State, m.Body, m.Link)
			}
		}
		return nil
	})
}
