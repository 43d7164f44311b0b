package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"tollhouse/billing"
	"tollhouse/billing/notice"
)

// timeout bounds one mail.
const timeout = 30 * time.Second

// Sender sends mails through one server.
type Sender struct {
	host    string
	port    int
	from    string
	bounces string // domain of return paths; empty: mails come back to from
	options []gomail.Option
}

// ErrURL means that a mail server's address can't be used.
var ErrURL = errors.New("smtp://user:password@host:port or smtps://… is wanted")

// New makes a sender. The address is smtp://user:password@host:port (STARTTLS;
// without encryption on this machine only) or smtps:// (TLS from the start).
// Mails come from the operator's name at the address from.
func New(address, from string) (*Sender, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, ErrURL // not wrapped: the address holds a password
	}
	s := &Sender{host: u.Hostname(), port: 587, from: from, options: []gomail.Option{gomail.WithTimeout(timeout)}}
	if port := u.Port(); port != "" {
		if s.port, err = strconv.Atoi(port); err != nil {
			return nil, ErrURL
		}
	} else if u.Scheme == "smtps" {
		s.port = 465
	}
	s.options = append(s.options, gomail.WithPort(s.port))
	switch {
	case u.Scheme == "smtps":
		s.options = append(s.options, gomail.WithSSL())
	case loopback(s.host):
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if password, set := u.User.Password(); set {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// ReturnTo has mails that can't be delivered come back to addresses of a domain
// of their own, which name the message: the listener there reads them.
func (s *Sender) ReturnTo(domain string) { s.bounces = domain }

// dress adds the mail as the operator's page, and what is attached.
func dress(letter *gomail.Msg, m billing.OutMessage) error {
	look := m.Look
	if look.Operator == "" {
		look.Operator, look.Language = m.Operator, m.Language
	}
	if len(m.Logo) > 0 {
		look.Logo = "cid:logo"
		if err := letter.EmbedReader("logo.png", bytes.NewReader(m.Logo), gomail.WithFileContentID("logo"), gomail.WithFileContentType("image/png")); err != nil {
			return fmt.Errorf("%w: logo: %w", billing.ErrUndeliverable, err)
		}
	}
	page, err := notice.HTML(m.Message, look)
	if err != nil {
		return fmt.Errorf("%w: %w", billing.ErrUndeliverable, err)
	}
	letter.AddAlternativeString(gomail.TypeTextHTML, page)
	for _, f := range m.Files {
		if err := letter.AttachReader(f.Name, bytes.NewReader(f.Content), gomail.WithFileContentType(gomail.ContentType(f.Type))); err != nil {
			return fmt.Errorf("%w: attachment: %w", billing.ErrUndeliverable, err)
		}
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// SendMessage sends a mail. It returns an error that wraps
// billing.ErrUndeliverable for what no further attempt can help.
func (s *Sender) SendMessage(ctx context.Context, m billing.OutMessage) error {
	if m.Channel != notice.Mail {
		return fmt.Errorf("%w: this is no gateway for %s", billing.ErrUndeliverable, m.Channel)
	}
	letter := gomail.NewMsg()
	from := mail.Address{Name: m.Operator, Address: s.from} // it quotes or encodes the name, which may hold anything
	if err := letter.From(from.String()); err != nil {
		return fmt.Errorf("%w: sender: %w", billing.ErrUndeliverable, err)
	}
	if err := letter.To(m.To); err != nil {
		return fmt.Errorf("%w: recipient: %w", billing.ErrUndeliverable, err)
	}
	letter.Subject(m.Subject)
	letter.SetBodyString(gomail.TypeTextPlain, m.Body)
	if err := dress(letter, m); err != nil {
		return err
	}
	_, domain, _ := strings.Cut(s.from, "@")
	letter.SetMessageIDWithValue(m.ID.String() + "@" + domain)
	if s.bounces != "" {
		if err := letter.EnvelopeFrom(ReturnPath(s.bounces, m.Tenant, m.ID)); err != nil {
			return fmt.Errorf("%w: return path: %w", billing.ErrUndeliverable, err)
		}
	}
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	if m.Kind == notice.News && m.Link != "" {              // RFC 2369: a mail program offers the page that ends it
		letter.SetGenHeader("List-Unsubscribe", "<"+m.Link+">")
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	return classify(client.DialAndSendWithContext(ctx, letter))
}

// classify tells what the server will never take (5yz, RFC 5321, 4.2.1) from
// what it may take later.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var refused *gomail.SendError
	var reply *textproto.Error
	if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 550 && refused.Reason == gomail.ErrSMTPRcptTo {
		return fmt.Errorf("%w: %w: %w", billing.ErrUndeliverable, billing.ErrRecipient, err)
	}
	if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 || errors.As(err, &reply) && reply.Code >= 550 && reply.Code < 560 {
		return fmt.Errorf("%w: %w", billing.ErrUndeliverable, err)
	}
	return fmt.Errorf("send mail: %w", err)
}
