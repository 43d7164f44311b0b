package mail_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/notice"
	"tollhouse/infra/mail"
)

// server is an SMTP server that takes what a real one would, but for the
// recipients it is told to refuse.
type server struct {
	address string
	refuse  map[string]int // recipient: reply code
	letters chan string
}

func newServer(t *testing.T) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String(), refuse: map[string]int{}, letters: make(chan string, 10)}
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

func (s *server) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewScanner(conn)
	say := func(line string) { fmt.Fprint(conn, line, "\r\n") }
	say("220 test")
	for in.Scan() {
		verb, rest, _ := strings.Cut(in.Text(), " ")
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO":
			say("250 test")
		case "RCPT":
			to := strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")
			if code := s.refuse[to]; code != 0 {
				say(fmt.Sprint(code, " no"))
			} else {
				say("250 ok")
			}
		case "DATA":
			say("354 go on")
			var letter strings.Builder
			for in.Scan() && in.Text() != "." {
				letter.WriteString(in.Text() + "\n")
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

func letterTo(to string) billing.OutMessage {
	return billing.OutMessage{ID: uuid.MustParse("01976f3a-0000-7000-8000-000000000001"), Operator: "Kabel Nusantara", Language: "id",
		Message: notice.Message{Kind: notice.SignInCode, Channel: notice.Mail, To: to, Subject: "Kode masuk Anda", Body: "Kode: 123456"}}
}

func TestSend_aWholeMail(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sender, err := mail.New("smtp://"+s.address, "billing@tollhouse.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.SendMessage(context.Background(), letterTo("siti@example.id")); err != nil {
		t.Fatal(err)
	}
	letter := <-s.letters
	for _, want := range []string{"From: \"Kabel Nusantara\" <billing@tollhouse.example>", "To: <siti@example.id>", "Subject: Kode masuk Anda",
		"Message-ID: <01976f3a-0000-7000-8000-000000000001@tollhouse.example>", "Auto-Submitted: auto-generated", "Kode: 123456"} {
		if !strings.Contains(letter, want) {
			t.Errorf("%q is missing in\n%s", want, letter)
		}
	}
}

// An operator is called as it is called: nothing in its name keeps its mail
// back, or gets into the mail's heads.
func TestSend_namesWithQuotesAndBreaks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sender, err := mail.New("smtp://"+s.address, "billing@tollhouse.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`PT "Maju" Tbk`, `x" <evil@example.net>, "y`, "Name\r\nBcc: evil@example.net", "Пример"} {
		m := letterTo("siti@example.id")
		m.Operator, m.Subject = name, "Kode\r\nBcc: evil@example.net"
		if err := sender.SendMessage(context.Background(), m); err != nil {
			t.Errorf("from %q: %v", name, err)
			continue
		}
		letter, err := netmail.ReadMessage(strings.NewReader(<-s.letters))
		if err != nil {
			t.Fatal(err)
		}
		from, err := letter.Header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Name != name || from[0].Address != "billing@tollhouse.example" || letter.Header.Get("Bcc") != "" {
			t.Errorf("from %q: %v (%v)", name, letter.Header, err)
		}
	}
}

func TestSend_whatHelpsNoMoreAndWhatMay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.refuse["gone@example.id"], s.refuse["full@example.id"] = 550, 452
	sender, err := mail.New("smtp://"+s.address, "billing@tollhouse.example")
	if err != nil {
		t.Fatal(err)
	}
	sms := letterTo("+628123456789")
	sms.Channel = notice.SMS
	for name, c := range map[string]struct {
		m     billing.OutMessage
		final bool
	}{
		"an unknown recipient":     {letterTo("gone@example.id"), true},
		"a full mailbox":           {letterTo("full@example.id"), false},
		"an SMS without a gateway": {sms, true},
		"no address":               {letterTo("nobody"), true},
	} {
		err := sender.SendMessage(context.Background(), c.m)
		if err == nil || errors.Is(err, billing.ErrUndeliverable) != c.final {
			t.Errorf("%s: %v, final %t wanted", name, err, c.final)
		}
	}
}

func TestSend_noServer(t *testing.T) {
	t.Parallel()
	sender, err := mail.New("smtp://127.0.0.1:1", "billing@tollhouse.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.SendMessage(context.Background(), letterTo("siti@example.id")); err == nil || errors.Is(err, billing.ErrUndeliverable) {
		t.Errorf("%v: it may come back", err)
	}
}

func TestNew_refusesWhatIsNoServer(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "http://mail.example", "smtp://", "smtp://u:hunter2@mail.example:x", "mail.example:25"} {
		if _, err := mail.New(address, "a@b.example"); err == nil {
			t.Errorf("%q is taken", address)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
}
