package mail_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"net/smtp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/infra/mail"
)

const report = `From: MAILER-DAEMON@mx.example
To: %TO%
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I'm sorry to have to inform you.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@example.id
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <gone@example.id>:
    user unknown

--b1
Content-Type: message/rfc822

Message-ID: <01976f3a-0000-7000-8000-000000000001@tollhouse.example>
Subject: Kode

x
--b1--
`

func TestReadReport_failedAndDelayed(t *testing.T) {
	t.Parallel()
	found, err := mail.ReadReport(strings.NewReader(report))
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	r := found[0]
	if r.Recipient != "gone@example.id" || !r.Final() || r.Status != "5.1.1" || r.Reason != "550 5.1.1 <gone@example.id>: user unknown" ||
		r.Original != "01976f3a-0000-7000-8000-000000000001@tollhouse.example" {
		t.Errorf("%+v", r)
	}
	later, err := mail.ReadReport(strings.NewReader(strings.NewReplacer("Action: failed", "Action: delayed", "Status: 5.1.1", "Status: 4.4.1").Replace(report)))
	if err != nil || later[0].Final() {
		t.Errorf("%+v, %v", later, err)
	}
	for name, text := range map[string]string{"nothing": "", "a letter": "Subject: hello\n\nhello", "no status": strings.ReplaceAll(report, "message/delivery-status", "text/plain")} {
		if _, err := mail.ReadReport(strings.NewReader(text)); !errors.Is(err, mail.ErrNoReport) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add(report)
	f.Fuzz(func(t *testing.T, text string) {
		found, err := mail.ReadReport(strings.NewReader(text))
		if (err == nil) != (len(found) > 0) {
			t.Errorf("%d found, %v", len(found), err)
		}
	})
}

func TestReturnPath_namesTheMessage(t *testing.T) {
	t.Parallel()
	id, message := tenant.NewID(), uuid.New()
	address := mail.ReturnPath("return.tollhouse.example", id, message)
	if local, _, _ := strings.Cut(address, "@"); len(local) > 64 {
		t.Errorf("%d characters before the @", len(local))
	}
	gotID, gotMessage, found := mail.ReadReturnPath("<" + strings.ToUpper(address) + ">")
	if !found || gotID != id || gotMessage != message {
		t.Errorf("%s %s %t", gotID, gotMessage, found)
	}
	if _, _, found := mail.ReadReturnPath("bounce-x-y@a.example"); found {
		t.Error("anything is a return path")
	}
}

type kept struct {
	mu      sync.Mutex
	reports map[uuid.UUID]notice.Report
	tenants map[uuid.UUID]tenant.ID
}

func (k *kept) NoteReport(_ context.Context, id tenant.ID, r notice.Report) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reports[r.ID], k.tenants[r.ID] = r, id
	return nil
}

// A mail that leaves with a return path comes back to us by SMTP and is noted.
func TestListener_takesWhatComesBack(t *testing.T) {
	t.Parallel()
	k := &kept{reports: map[uuid.UUID]notice.Report{}, tenants: map[uuid.UUID]tenant.ID{}}
	l, err := mail.Listen(t.Context(), "127.0.0.1:0", k, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	id, message := tenant.NewID(), uuid.New()
	to := mail.ReturnPath("return.example", id, message)
	if err := smtp.SendMail(l.Addr().String(), nil, "", []string{to}, []byte(strings.ReplaceAll(strings.ReplaceAll(report, "%TO%", to), "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	if r := k.reports[message]; !r.Final || k.tenants[message] != id || !strings.Contains(r.Reason, "user unknown") {
		t.Errorf("%+v", k)
	}
	if err := smtp.SendMail(l.Addr().String(), nil, "", []string{"info@return.example"}, []byte("Subject: x\r\n\r\nx")); err == nil {
		t.Error("the listener takes mail for others")
	}
}

// LMTP answers for each recipient.
func TestListener_speaksLMTP(t *testing.T) {
	t.Parallel()
	k := &kept{reports: map[uuid.UUID]notice.Report{}, tenants: map[uuid.UUID]tenant.ID{}}
	l, err := mail.Listen(t.Context(), "127.0.0.1:0", k, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	first, second := uuid.New(), uuid.New()
	id := tenant.NewID()
	talk := "LHLO mx\r\nMAIL FROM:<>\r\nRCPT TO:<" + mail.ReturnPath("r.example", id, first) + ">\r\nRCPT TO:<" + mail.ReturnPath("r.example", id, second) + ">\r\nDATA\r\n" +
		strings.ReplaceAll(report, "\n", "\r\n") + ".\r\nQUIT\r\n"
	if _, err := io.WriteString(conn, talk); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(conn)
	if err != nil || strings.Count(string(answers), "250 taken") != 2 || len(k.reports) != 2 {
		t.Errorf("%s, %v, %d kept", answers, err, len(k.reports))
	}
}

// A mail is text and the operator's page, with its logo and what is attached.
func TestSend_textPageLogoAndAttachment(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sender, err := mail.New("smtp://"+s.address, "billing@tollhouse.example")
	if err != nil {
		t.Fatal(err)
	}
	m := letterTo("siti@example.id")
	m.Body, m.Link = "Halo Siti & Co,\n\nBayar di sini:\nhttps://pay.example/x", "https://pay.example/x"
	m.Look = notice.Look{Operator: "Kabel Nusantara", Colour: "#0a7d33", Language: "id"}
	m.Logo = []byte("\x89PNG\r\n\x1a\n")
	m.Files = append(m.Files, struct {
		Name, Type string
		Content    []byte
	}{"tagihan.pdf", "application/pdf", []byte("%PDF-1.7")})
	if err := sender.SendMessage(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	letter, err := netmail.ReadMessage(strings.NewReader(<-s.letters))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	walk(t, letter.Header.Get("Content-Type"), letter.Body, kinds)
	for kind, want := range map[string]string{"text/plain": "Bayar di sini:", "text/html": "#0a7d33", "image/png": "", "application/pdf": ""} {
		if text, there := kinds[kind]; !there || !strings.Contains(text, want) {
			t.Errorf("%s: %q in %v", kind, want, text)
		}
	}
	if page := kinds["text/html"]; !strings.Contains(page, "Siti &amp; Co") || !strings.Contains(page, `href="https://pay.example/x"`) || !strings.Contains(page, "cid:logo") {
		t.Error(page)
	}
}

func walk(t *testing.T, kind string, body io.Reader, kinds map[string]string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		kinds[media] = string(text)
		return
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		walk(t, part.Header.Get("Content-Type"), part, kinds)
	}
}
