package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// Channel is how a message reaches somebody.
type Channel string

// The channels.
const (
	Mail   Channel = "mail"
	SMS    Channel = "sms"
	Portal Channel = "portal" // shown on the subscriber's page
	Letter Channel = "letter" // printed and posted by people
)

// Channels lists them.
var Channels = []Channel{Mail, SMS, Portal, Letter}

// Kind is what a message is about.
type Kind string

// The kinds of message.
const (
	SignInCode    Kind = "sign_in_code"
	PasswordReset Kind = "password_reset"
	Invitation    Kind = "invitation"
	SecurityNews  Kind = "security" // a password, factor or session was changed
	BillIssued    Kind = "bill_issued"
	PaymentLink   Kind = "payment_link"
	PaymentNews   Kind = "payment"
	ServiceNews   Kind = "service"     // a service begins, changes, stops or resumes
	BalanceNews   Kind = "balance"     // what became of a balance, or will
	StaffEntered  Kind = "staff_entry" // hosting staff came in
	ProgramNews   Kind = "program"     // programs of others can't be told any more
	ReportMail    Kind = "report"      // a scheduled report
)

// OpensDoor says whether such a message lets whoever reads it in as somebody
// else, or pay by a link. Its text is for its recipient alone.
func (k Kind) OpensDoor() bool {
	switch k {
	case SignInCode, PasswordReset, Invitation, PaymentLink:
		return true
	}
	return false
}

// State is how far a message is.
type State string

// The states of a message.
const (
	Recorded  State = "recorded"
	Waiting   State = "waiting"
	Sent      State = "sent"
	Failed    State = "failed"
	Delivered State = "delivered" // the receiver's side says so
	Bounced   State = "bounced"   // the receiver's side sent it back
)

// moves is the one table of what may follow what. A report may come before our
// own note that a message has left.
var moves = map[State][]State{
	Recorded:  {},
	Waiting:   {Sent, Failed, Delivered, Bounced},
	Sent:      {Delivered, Bounced},
	Failed:    {},
	Delivered: {Bounced}, // a mail server may take a mail and send it back later
	Bounced:   {},
}

// from lists the states from which a message may come to one.
func (s State) from() (states []string) {
	for from, to := range moves {
		if slices.Contains(to, s) {
			states = append(states, string(from))
		}
	}
	return states
}

// Attachment is a file that goes with a mail: what it is of, made when the mail
// is sent.
type Attachment struct {
	Kind string    `json:"kind"` // such as bill_pdf
	Ref  uuid.UUID `json:"ref"`
	Name string    `json:"name"` // of the file
}

// Message is what somebody is to be told.
type Message struct {
	Kind      Kind
	Channel   Channel
	To        string // an e-mail address or a telephone number
	Subject   string // of a mail
	Body      string // plain text
	Link      string // where the message leads, if it does; it stands in Body too
	AccountID uuid.UUID
	Attach    []Attachment
}

// Stored is a message that was taken.
type Stored struct {
	ID uuid.UUID
	Message
	State     State
	Failure   string
	CreatedAt time.Time // business time
	Reference string    // the gateway's, of an SMS
	Segments  int       // of an SMS
}

// Bounds of a message.
const (
	maxRecipient = 254
	maxSubject   = 200
	maxBody      = 20_000

	maxAttachments = 5
)

// Errors of messages.
var (
	ErrMessage  = errors.New("a message has a recipient, a text and a known channel")
	ErrNotFound = errors.New("no such message")
)

func (m Message) check() error {
	switch {
	case !slices.Contains(Channels, m.Channel), m.Kind == "", len(m.Attach) > maxAttachments,
		m.To == "" || len(m.To) > maxRecipient || strings.ContainsAny(m.To, "\r\n"),
		len(m.Subject) > maxSubject || strings.ContainsAny(m.Subject, "\r\n"),
		strings.TrimSpace(m.Body) == "" || len(m.Body) > maxBody:
		return ErrMessage
	}
	return nil
}

// Send stores a message in the transaction of its cause. It leaves by a job
// once that is committed; in a sandbox it is only recorded.
func Send(ctx context.Context, tx tenant.Tx, m Message) error {
	return SendMany(ctx, tx, []Message{m})
}

// SendMany is Send for many at once.
func SendMany(ctx context.Context, tx tenant.Tx, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(messages))
	var leaving []uuid.UUID
	rows := make([][]any, len(messages))
	for i, m := range messages {
		if err := m.check(); err != nil {
			return err
		}
		var account *uuid.UUID
		if m.AccountID != uuid.Nil {
			account = &m.AccountID
		}
		attach, err := json.Marshal(slices.Concat([]Attachment{}, m.Attach))
		if err != nil {
			return fmt.Errorf("attachments: %w", err)
		}
		ids[i] = uuid.Must(uuid.NewV7())
		state := m.first(tx.Sandbox)
		if state == Waiting && m.Channel != Letter {
			leaving = append(leaving, ids[i])
		}
		rows[i] = []any{ids[i], string(m.Kind), string(m.Channel), m.To, m.Subject, m.Body, m.Link, account, string(state), attach, tx.At}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"notice"},
		[]string{"id", "kind", "channel", "recipient", "subject", "body", "link", "account_id", "state", "attachments", "created_at"}, pgx.CopyFromRows(rows))
	if err != nil {
		return fmt.Errorf("store messages: %w", err)
	}
	return agenda.AddFor(ctx, tx, agenda.Notice, tx.At, leaving)
}

// first is the state of a new message. A note on a page is where it belongs at
// once; a letter waits for people, also in a sandbox.
func (m Message) first(sandbox bool) State {
	switch {
	case m.Channel == Portal:
		return Sent
	case sandbox && m.Channel != Letter:
		return Recorded
	}
	return Waiting
}

const columns = `id, kind, channel, recipient, subject, body, link, account_id, state, failure, attachments, reference, segments, created_at`

func scan(row pgx.CollectableRow) (Stored, error) {
	var s Stored
	var account *uuid.UUID
	var attach json.RawMessage
	err := row.Scan(&s.ID, &s.Kind, &s.Channel, &s.To, &s.Subject, &s.Body, &s.Link, &account, &s.State, &s.Failure, &attach, &s.Reference, &s.Segments, &s.CreatedAt)
	if err == nil {
		err = json.Unmarshal(attach, &s.Attach)
	}
	if len(s.Attach) == 0 {
		s.Attach = nil
	}
	if account != nil {
		s.AccountID = *account
	}
	s.CreatedAt = s.CreatedAt.UTC()
	return s, err
}

// Get reads a message; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Stored, error) {
	rows, err := tx.Query(ctx, `select `+columns+` from notice where id = $1`, id)
	if err != nil {
		return Stored{}, fmt.Errorf("read message %s: %w", id, err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Stored{}, fmt.Errorf("message %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Stored{}, fmt.Errorf("read message %s: %w", id, err)
	}
	return s, nil
}

// MaxPage bounds how many messages are read at once.
const MaxPage = 200

// Query chooses messages, newest first.
type Query struct {
	AccountID uuid.UUID // zero: of all accounts and users
	Before    uuid.UUID // those before this one; zero: the newest
	Limit     int
}

// List reads messages, newest first.
func List(ctx context.Context, tx tenant.Tx, q Query) ([]Stored, error) {
	where, args := `true`, []any{min(max(q.Limit, 1), MaxPage)}
	if q.AccountID != uuid.Nil {
		args = append(args, q.AccountID)
		where += fmt.Sprintf(` and account_id = $%d`, len(args))
	}
	if q.Before != uuid.Nil {
		args = append(args, q.Before)
		where += fmt.Sprintf(` and id < $%d`, len(args))
	}
	rows, err := tx.Query(ctx, `select `+columns+` from notice where `+where+` order by id desc limit $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return found, nil
}

// confidential are the kinds that open a door to whoever reads them.
var confidential = []string{string(SignInCode), string(PasswordReset), string(Invitation)}

// MarkSent notes that a message has left. Of one that opens a door the text is
// forgotten: it is its recipient's alone now.
func MarkSent(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	if err := mark(ctx, tx, id, Sent, ""); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update notice set body = '', link = '' where id = $1 and state = 'sent' and kind = any ($2)`, id, confidential)
	if err != nil {
		return fmt.Errorf("forget text of message %s: %w", id, err)
	}
	return nil
}

// MarkFailed notes that a message will not leave, and why.
func MarkFailed(ctx context.Context, tx tenant.Tx, id uuid.UUID, why string) error {
	return mark(ctx, tx, id, Failed, why)
}

func mark(ctx context.Context, tx tenant.Tx, id uuid.UUID, state State, why string) error {
	_, err := tx.Exec(ctx, `update notice set state = $2, failure = left($3, 500), sent_at = case when $2 = 'sent' then $4 else sent_at end
		where id = $1 and state = any ($5)`, id, state, why, tx.At, state.from())
	if err != nil {
		return fmt.Errorf("mark message %s %s: %w", id, state, err)
	}
	return nil
}
