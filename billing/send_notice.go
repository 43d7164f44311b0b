package billing

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// MessageSender hands messages to a mail server or an SMS gateway.
type MessageSender interface {
	// SendMessage returns once the message is somebody else's to deliver. The
	// id tells the same message from another. An error that wraps ErrUndeliverable
	// is final; others are tried again.
	SendMessage(ctx context.Context, m OutMessage) error
}

// OutMessage is a message on its way out.
type OutMessage struct {
	ID       uuid.UUID
	Operator string // in whose name
	Language string
	notice.Message
}

// ErrUndeliverable means that no further attempt can help: nobody takes messages
// of that channel, or the recipient is refused.
var ErrUndeliverable = errors.New("the message cannot be delivered")

// sendNotice sends one waiting message. A sandbox has none.
func (s *Stack) sendNotice(ctx context.Context, item agenda.Item) error {
	var out OutMessage
	var waiting bool
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		stored, err := notice.Get(ctx, tx, item.Ref)
		if err != nil {
			return err
		}
		profile, err := account.GetProfile(ctx, tx)
		waiting = stored.State == notice.Waiting && !tx.Sandbox
		out = OutMessage{ID: stored.ID, Operator: profile.Name, Language: string(profile.Language), Message: stored.Message}
		return err
	})
	if err != nil || !waiting {
		return err
	}
	err = fmt.Errorf("%w: no mail server is set up", ErrUndeliverable)
	if s.host.config.Messages != nil {
		err = s.host.config.Messages.SendMessage(ctx, out)
	}
	if err != nil && !errors.Is(err, ErrUndeliverable) {
		return err
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if err != nil {
			return notice.MarkFailed(ctx, tx, out.ID, err.Error())
		}
		return notice.MarkSent(ctx, tx, out.ID)
	})
}
