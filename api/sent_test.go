package api

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"tollhouse/billing"
	"tollhouse/billing/event"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/mail"
	"tollhouse/infra/sms"
)

// mailServer takes mails by SMTP as a real one does.
type mailServer struct {
	address string
	letters chan string
}

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{address: listener.Addr().String(), letters: make(chan string, 10)}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
	return s
}

func (s *mailServer) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewScanner(conn)
	in.Buffer(nil, 1<<20)
	say := func(line string) { fmt.Fprint(conn, line, "\r\n") }
	say("220 test")
	for in.Scan() {
		verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " ")
		switch verb {
		case "DATA":
			say("354 go on")
			var letter strings.Builder
			for in.Scan() && in.Text() != "." {
				letter.WriteString(strings.TrimPrefix(in.Text(), ".") + "\r\n")
			}
			s.letters <- letter.String()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// partsOf are a mail's parts by the name of their file, or their media type.
func partsOf(t *testing.T, head func(string) string, body io.Reader, parts map[string]string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(head("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		switch head("Content-Transfer-Encoding") {
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if _, file, err := mime.ParseMediaType(head("Content-Disposition")); err == nil && file["filename"] != "" {
			media = file["filename"]
		}
		parts[media] = string(text)
		return
	}
	for reader := multipart.NewReader(body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		partsOf(t, part.Header.Get, part, parts)
	}
}

// goLive makes the sandbox a live operator, whose messages leave.
func (w *world) goLive() {
	w.t.Helper()
	if _, err := w.db.Admin.Exec(context.Background(), `update host.placement set sandbox = false where tenant = $1`, w.db.Ref.ID); err != nil {
		w.t.Fatal(err)
	}
	w.db.Ref.Sandbox = false
}

// stateOfMessage is that of an account's latest message of a channel.
func (w *world) stateOfMessage(token, account, channel string) string {
	w.t.Helper()
	list := w.get(token, w.path("/accounts/"+account+"/messages")).want(w.t, 200)
	for n := 0; list.at("items", n) != nil; n++ {
		if list.text("items", n, "channel") == channel {
			return list.text("items", n, "state")
		}
	}
	return ""
}

// A bill leaves by mail when its job is due: with its page, its PDF and its
// electronic invoice, through a mail server.
func TestBills_leaveByMailWithTheirFiles(t *testing.T) {
	server := newMailServer(t)
	sender, err := mail.New("smtp://"+server.address, "billing@tollhouse.example")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWith(t, nil, func(c *billing.Config) { c.Messages = sender })
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	settings := map[string]any{"attach_pdf": true, "attach_ubl": true}
	w.put(owner, w.path("/document-settings"), settings).want(t, 200)
	if got := w.get(owner, w.path("/document-settings")).want(t, 200); got.at("attach_ubl") != true {
		t.Errorf("settings: %s", got.raw)
	}
	bill := w.billed(owner, id)
	number := w.get(owner, w.path("/bills/"+bill)).text("summary", "number")
	w.goLive()
	w.post(owner, w.path("/bills/"+bill+"/send"), map[string]any{"channels": []string{"mail"}}).want(t, 204)
	letter, err := netmail.ReadMessage(strings.NewReader(<-server.letters))
	if err != nil {
		t.Fatal(err)
	}
	if to := letter.Header.Get("To"); !strings.Contains(to, "ida@example.net") {
		t.Errorf("it goes to %s", to)
	}
	parts := map[string]string{}
	partsOf(t, letter.Header.Get, letter.Body, parts)
	if !strings.Contains(parts["text/plain"], number) || !strings.Contains(parts["text/plain"], "11,90") {
		t.Errorf("its words: %q", parts["text/plain"])
	}
	file := strings.ReplaceAll(number, "/", "-") // a slash is no part of a file's name
	if pdf := parts[file+".pdf"]; !strings.HasPrefix(pdf, "%PDF-") || pdf != string(w.get(owner, w.path("/bills/"+bill+"/pdf")).want(t, 200).raw) {
		t.Errorf("its PDF has %d bytes", len(pdf))
	}
	invoice := w.get(owner, w.path("/bills/"+bill+"/ubl"))
	var root struct{ XMLName xml.Name }
	switch sent, there := parts[file+".xml"]; {
	case invoice.status != 200:
		t.Fatalf("the invoice: %s", invoice.raw)
	case !there || sent != string(invoice.raw):
		t.Errorf("its invoice: %.200q", sent)
	case xml.Unmarshal([]byte(sent), &root) != nil || root.XMLName.Local != "Invoice":
		t.Errorf("its invoice is a %s", root.XMLName.Local)
	}
	w.eventually("the message that was sent", func() bool {
		return w.stateOfMessage(owner, id, "mail") == "sent"
	})
}

// A gateway takes an SMS and reports by HTTP what became of it: only signed
// reports are believed, and one that comes again changes nothing.
func TestSMS_receiptsOverHTTP(t *testing.T) {
	var taken atomic.Int32
	gateway := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, `{"status":"queued","id":"gw-%d"}`, taken.Add(1))
	}))
	t.Cleanup(gateway.Close)
	w := newWorldWith(t, nil, func(c *billing.Config) { c.SMS = sms.Gateway{} })
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	w.send(request{method: "PATCH", path: w.path("/accounts/" + id + "/contact"), token: owner, key: "phone-1", body: map[string]string{"party.phone": "+4915112345678"}}).want(t, 200)
	bill := w.billed(owner, id)
	w.db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return event.PutSettings(ctx, tx, event.Settings{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	})
	const secret = "0123456789abcdef"
	w.put(owner, w.path("/message-settings"), map[string]any{"secret": "gateway-key", "receipt_secret": secret, "document": map[string]any{"sms": map[string]any{
		"url": gateway.URL + "/send", "fields": map[string]string{"to": "{to}", "text": "{text}"}, "reference": `"id":"([^"]+)"`,
		"receipt": map[string]any{"id": "message.id", "status": "status", "delivered": []string{"DELIVRD"}, "failed": []string{"UNDELIV"}}}}}).want(t, 200)
	if got := w.get(owner, w.path("/message-settings")).want(t, 200); got.at("has_receipt_secret") != true || strings.Contains(string(got.raw), secret) {
		t.Errorf("settings: %s", got.raw)
	}
	w.goLive()
	state := func() string { return w.stateOfMessage(owner, id, "sms") }
	report := func(body, key string) response {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(body))
		return w.send(request{method: "POST", path: w.path("/webhooks/sms"), raw: body, header: map[string]string{"X-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil))}})
	}
	w.post(owner, w.path("/bills/"+bill+"/send"), map[string]any{"channels": []string{"sms"}}).want(t, 204)
	w.eventually("the SMS that was taken", func() bool { return taken.Load() == 1 && state() == "sent" })
	delivered := `{"message": {"id": "gw-1"}, "status": "DELIVRD"}`
	if got := report(delivered, "another secret"); got.status < 400 || got.status >= 500 || state() == "delivered" {
		t.Errorf("a false signature: %d, %s", got.status, state())
	}
	if got := w.send(request{method: "POST", path: w.path("/webhooks/sms"), raw: delivered}); got.status != 400 {
		t.Errorf("without a signature: %d", got.status)
	}
	for range 2 {
		report(delivered, secret).want(t, 204)
	}
	report(`{"message": {"id": "gw-77"}, "status": "UNDELIV"}`, secret).want(t, 204) // none of ours
	if got := state(); got != "delivered" {
		t.Errorf("after the report it is %s", got)
	}
}
