package billing

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/notice"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// Trial is words that a person wants to see as they arrive.
type Trial struct {
	Kind    notice.Kind
	Channel notice.Channel
	notice.Words
	Account uuid.UUID // whose figures are shown; Nil: samples
	User    uuid.UUID // to whom they go: nobody else
}

// ErrNoNumber means that a person has no telephone number to be sent an SMS.
var ErrNoNumber = errors.New("you have no telephone number that an SMS could go to")

// TryWords sends words to the person who asks, and shows what was sent.
func (s *Stack) TryWords(ctx context.Context, tx tenant.Tx, t Trial) (notice.Words, error) {
	said, err := tell.Preview(ctx, tx, t.Account, t.Kind, t.Channel, t.Words)
	if err != nil {
		return notice.Words{}, err
	}
	user, err := s.host.config.Identity.GetUser(ctx, tx, t.User)
	if err != nil {
		return notice.Words{}, err
	}
	m := notice.Message{Kind: t.Kind, Channel: notice.Mail, To: user.Email, Subject: said.Subject, Body: said.Body}
	if t.Channel == notice.SMS {
		if m.Channel, m.To, m.Subject = notice.SMS, user.Phone, ""; m.To == "" {
			return notice.Words{}, ErrNoNumber
		}
	}
	if m.Channel == notice.Mail && m.Subject == "" {
		m.Subject = string(t.Kind)
	}
	return said, notice.Send(ctx, tx, m)
}

// PutMessageSettings stores the choices about messages, and secrets where new
// ones are given.
func (s *Stack) PutMessageSettings(ctx context.Context, tx tenant.Tx, settings notice.Settings, secret, receipt string) error {
	if err := notice.PutSettings(ctx, tx, settings); err != nil {
		return err
	}
	for name, clear := range map[string]string{notice.GatewaySecret: secret, notice.ReceiptSecret: receipt} {
		if clear == "" {
			continue
		}
		sealed, err := s.Seal(name, []byte(clear))
		if err != nil {
			return err
		}
		if err := notice.PutSecret(ctx, tx, name, sealed); err != nil {
			return err
		}
	}
	return nil
}
