package billing

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/letter"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// outbox stands for the mail server and the SMS gateway.
type outbox struct {
	mu    sync.Mutex
	mails []OutMessage
	texts []SMSOrder
}

func (o *outbox) SendMessage(_ context.Context, m OutMessage) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = append(o.mails, m)
	return nil
}

func (o *outbox) SendSMS(_ context.Context, s SMSOrder) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.texts = append(o.texts, s)
	return "ref-" + s.ID.String()[30:], nil
}

// leaving makes a stored message one that leaves, as a live stack's is, and has
// it sent by its job.
func (w *world) leaving(kind notice.Kind, channel notice.Channel) (id uuid.UUID) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id from notice where kind = $1 and channel = $2 order by id desc limit 1`, string(kind), string(channel)).Scan(&id)
	})
	return id
}

// A sandbox sends nothing, whatever is asked of its job: not even a message that
// somebody has set waiting.
func TestSendNotice_aSandboxSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := &outbox{}
	w.host.config.Messages, w.host.config.SMS = out, out
	w.connect("flex")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return letter.PutSettings(ctx, tx, letter.Settings{Attach: true})
	})
	w.advance(w.day("2026-06-02"))
	id := w.leaving(notice.BillReady, notice.Mail)
	if got := w.text(`select state from notice where id = $1`, id); got != "recorded" {
		t.Errorf("a sandbox's message is %s", got)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `update notice set state = 'waiting' where id = $1`, id)
		return err
	})
	if err := w.sendNotice(t.Context(), agenda.Item{Kind: agenda.Notice, Ref: id}); err != nil {
		t.Fatal(err)
	}
	if len(out.mails)+len(out.texts) != 0 {
		t.Errorf("it sent %d mails and %d SMS", len(out.mails), len(out.texts))
	}
}

// What goes with a bill's mail is made when it is sent: the bill's PDF, under its
// number.
func TestSendNotice_makesWhatGoesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("flex")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return letter.PutSettings(ctx, tx, letter.Settings{Attach: true})
	})
	w.advance(w.day("2026-06-02"))
	var stored notice.Stored
	id := w.leaving(notice.BillReady, notice.Mail)
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		stored, err = notice.Get(ctx, tx, id)
		return err
	})
	files, err := w.files(t.Context(), stored.Attach)
	if err != nil || len(files) != 1 || files[0].Type != "application/pdf" || !bytes.HasPrefix(files[0].Content, []byte("%PDF-")) {
		t.Fatalf("%+v of %+v: %v", files, stored.Attach, err)
	}
	if want := w.text(`select replace(number, '/', '-') || '.pdf' from bill`); files[0].Name != want {
		t.Errorf("it is called %s, want %s", files[0].Name, want)
	}
	if _, err := w.files(t.Context(), []notice.Attachment{{Kind: "photo", Ref: id, Name: "x"}}); !errors.Is(err, ErrUndeliverable) {
		t.Errorf("an unknown kind: %v", err)
	}
}

// A gateway's report is kept where it is signed, by its reference or our id: once,
// and what is not delivered spoils the number.
func TestReceiveSMSReport_signedAndOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	settings := notice.Settings{SMS: &notice.Gateway{URL: "https://sms.example.net/send", Fields: map[string]string{"to": "{to}", "text": "{text}"},
		Receipt: &notice.Receipt{ID: "message.id", Status: "status", Delivered: []string{"DELIVRD"}, Failed: []string{"UNDELIV"}}}}
	const secret = "0123456789abcdef"
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := w.PutMessageSettings(ctx, tx, settings, "gateway", secret); err != nil {
			return err
		}
		return notice.SendMany(ctx, tx, []notice.Message{
			{Kind: notice.DunningReminder, Channel: notice.SMS, To: "+4915100000001", Body: "one", AccountID: c.ID},
			{Kind: notice.DunningFinal, Channel: notice.SMS, To: "+4915100000002", Body: "two", AccountID: c.ID}})
	})
	one, two := w.leaving(notice.DunningReminder, notice.SMS), w.leaving(notice.DunningFinal, notice.SMS)
	w.write(func(ctx context.Context, tx tenant.Tx) error { // as if both had left
		if _, err := tx.Exec(ctx, `update notice set state = 'waiting' where id = any ($1)`, []uuid.UUID{one, two}); err != nil {
			return err
		}
		if err := notice.MarkTaken(ctx, tx, one, "gw-1", 1); err != nil {
			return err
		}
		return notice.MarkTaken(ctx, tx, two, "gw-2", 1)
	})
	report := func(id, status, key string) error {
		body := []byte(`{"message": {"id": "` + id + `"}, "status": "` + status + `"}`)
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(body)
		return w.ReceiveSMSReport(t.Context(), "sha256="+hex.EncodeToString(mac.Sum(nil)), body)
	}
	if err := report("gw-1", "DELIVRD", "another secret"); !errors.Is(err, ErrSignature) {
		t.Errorf("a false signature: %v", err)
	}
	for range 2 {
		for id, status := range map[string]string{"gw-1": "DELIVRD", two.String(): "UNDELIV", "unknown": "DELIVRD"} {
			if err := report(id, status, secret); err != nil {
				t.Errorf("%s %s: %v", id, status, err)
			}
		}
	}
	if err := report("gw-1", "ENROUTE", secret); err != nil { // says neither
		t.Error(err)
	}
	if got := w.text(`select string_agg(state, ' ' order by id) from notice where channel = 'sms'`); got != "delivered bounced" {
		t.Errorf("states: %s", got)
	}
	if got := w.text(`select string_agg(address, ' ') from bad_contact where cleared_at is null`); got != "+4915100000002" {
		t.Errorf("bad contacts: %s", got)
	}
}
