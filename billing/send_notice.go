package billing

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/bill/ubl"
	"tollhouse/billing/event"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// MessageSender hands mails to a mail server.
type MessageSender interface {
	// SendMessage returns once the message is somebody else's to deliver. The
	// id tells the same message from another. An error that wraps ErrUndeliverable
	// is final, one that wraps ErrRecipient besides says that the address is bad;
	// others are tried again.
	SendMessage(ctx context.Context, m OutMessage) error
}

// SMSGateway hands an SMS to a provider; its errors are a MessageSender's.
type SMSGateway interface {
	SendSMS(ctx context.Context, o SMSOrder) (reference string, err error)
}

// OutMessage is a mail on its way out.
type OutMessage struct {
	ID       uuid.UUID
	Tenant   tenant.ID
	Operator string // in whose name
	Language string
	notice.Message
	Look  notice.Look
	Logo  []byte // a PNG; empty: none
	Files []File // what is attached
}

// File is a file of a mail.
type File struct {
	Name, Type string
	Content    []byte
}

// SMSOrder is an SMS on its way out.
type SMSOrder struct {
	ID       uuid.UUID
	To, Text string
	Gateway  notice.Gateway
	Secret   string
	Networks []netip.Prefix // private ones that the operator may reach
}

// Errors of senders.
var (
	// ErrUndeliverable means that no further attempt can help: nobody takes messages
	// of that channel, or the recipient is refused.
	ErrUndeliverable = errors.New("the message cannot be delivered")
	// ErrRecipient means that there is nobody at the address.
	ErrRecipient = errors.New("the recipient is refused")
)

// sending is a message and what is needed to send it.
type sending struct {
	out      OutMessage
	settings notice.Settings
	secret   []byte
	networks []netip.Prefix
	profile  account.Profile
	waiting  bool
}

// sendNotice sends one waiting message. A sandbox has none. What may go later is
// put on the agenda for then, so that it keeps no other back.
func (s *Stack) sendNotice(ctx context.Context, item agenda.Item) error {
	out, err := s.loadNotice(ctx, item.Ref)
	if err != nil || !out.waiting {
		return err
	}
	if out.out.Channel == notice.SMS {
		if until := out.settings.QuietUntil(out.out.Kind, s.host.db.Now(), out.profile.Zone); !until.IsZero() {
			return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return notice.Wait(ctx, tx, out.out.ID, until) })
		}
	}
	reference, cause := s.deliver(ctx, &out)
	if ctx.Err() != nil {
		return ctx.Err() // stopped: sent later
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		m := out.out
		switch {
		case cause == nil && m.Channel == notice.SMS:
			parts, _ := notice.Segments(m.Body)
			return notice.MarkTaken(ctx, tx, m.ID, reference, parts)
		case cause == nil:
			return notice.MarkSent(ctx, tx, m.ID)
		case !errors.Is(cause, ErrUndeliverable):
			return notice.Later(ctx, tx, m.ID, cause.Error())
		}
		if errors.Is(cause, ErrRecipient) {
			if err := notice.Spoil(ctx, tx, m.Channel, m.To, cause.Error(), &m.ID); err != nil {
				return err
			}
		}
		return notice.MarkFailed(ctx, tx, m.ID, cause.Error())
	})
}

func (s *Stack) loadNotice(ctx context.Context, id uuid.UUID) (o sending, err error) {
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		stored, err := notice.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		if o.profile, err = account.GetProfile(ctx, tx); err != nil {
			return err
		}
		o.waiting = stored.State == notice.Waiting && !tx.Sandbox
		if !o.waiting {
			return nil
		}
		look := notice.Look{Operator: o.profile.Name, Colour: o.profile.BrandColour, Support: o.profile.SupportContact, Language: string(o.profile.Language)}
		o.out = OutMessage{ID: stored.ID, Tenant: tx.Tenant, Operator: o.profile.Name, Language: string(o.profile.Language), Message: stored.Message, Look: look}
		if stored.Channel == notice.Mail {
			logo, err := account.GetLogo(ctx, tx)
			if err != nil && !errors.Is(err, account.ErrNotFound) {
				return err
			}
			o.out.Logo = logo.Picture
			return nil
		}
		if o.settings, err = notice.GetSettings(ctx, tx); err != nil {
			return err
		}
		if o.secret, err = notice.Secret(ctx, tx, notice.GatewaySecret); err != nil {
			return err
		}
		o.networks, err = event.Networks(ctx, tx)
		return err
	})
	return o, err
}

// deliver hands a message over, outside any transaction.
func (s *Stack) deliver(ctx context.Context, o *sending) (reference string, err error) {
	if o.out.Channel == notice.SMS {
		return s.deliverSMS(ctx, o)
	}
	if s.host.config.Messages == nil {
		return "", fmt.Errorf("%w: no mail server is set up", ErrUndeliverable)
	}
	if o.out.Files, err = s.files(ctx, o.out.Attach); err != nil {
		return "", err
	}
	return "", s.host.config.Messages.SendMessage(ctx, o.out)
}

func (s *Stack) deliverSMS(ctx context.Context, o *sending) (string, error) {
	if o.settings.SMS == nil || s.host.config.SMS == nil {
		return "", fmt.Errorf("%w: no SMS gateway is set up", ErrUndeliverable)
	}
	order := SMSOrder{ID: o.out.ID, To: o.out.To, Text: o.out.Body, Gateway: *o.settings.SMS, Networks: o.networks}
	if len(o.secret) > 0 {
		clear, err := s.Unseal(notice.GatewaySecret, o.secret)
		if err != nil {
			return "", err
		}
		order.Secret = string(clear)
	}
	return s.host.config.SMS.SendSMS(ctx, order)
}

// Kinds of attachment that are a bill: for a person, and for its books.
const (
	BillPDFFile = "bill_pdf"
	BillUBLFile = "bill_ubl"
)

// files makes what goes with a mail.
func (s *Stack) files(ctx context.Context, attached []notice.Attachment) ([]File, error) {
	var files []File
	for _, a := range attached {
		file := File{Name: a.Name}
		var err error
		switch a.Kind {
		case ReportKind:
			_, file.Type, file.Content, err = s.ReportFile(ctx, a.Ref)
		case BillPDFFile:
			file.Type = "application/pdf"
			file.Content, err = s.BillPDF(ctx, a.Ref)
		case BillUBLFile:
			file.Type = "application/xml"
			file.Content, err = s.BillUBL(ctx, a.Ref)
			if noInvoice(err) {
				continue // the bill is one all the same, and its reader has its mail and PDF
			}
		default:
			err = fmt.Errorf("%w: no attachment of kind %q", ErrUndeliverable, a.Kind)
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// noInvoice says whether a document's facts are not enough for an electronic
// invoice, or break its rules.
func noInvoice(err error) bool {
	var broken *ubl.RuleError
	return errors.Is(err, ubl.ErrIncomplete) || errors.Is(err, ubl.ErrNotFinal) || errors.As(err, &broken)
}

// NoteReport keeps what became of a message of a tenant, as its mail server or
// gateway says.
func (h *Host) NoteReport(ctx context.Context, id tenant.ID, r notice.Report) error {
	ref, err := h.db.ByID(ctx, id)
	if err != nil {
		return err
	}
	return h.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := notice.Note(ctx, tx, r)
		return err
	})
}
