package mail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// Noter keeps what became of a message.
type Noter interface {
	NoteReport(ctx context.Context, id tenant.ID, r notice.Report) error
}

// Listener takes mails that come back, by LMTP (RFC 2033) or SMTP, from the mail
// server in front of it. It takes nothing else: a recipient that is no return
// path of ours is refused.
type Listener struct {
	noter Noter
	log   *slog.Logger
	at    net.Listener
	open  sync.WaitGroup
	stop  context.CancelFunc
}

// Bounds of a conversation.
const (
	talkTime      = 2 * time.Minute
	maxLine       = 4096
	maxCommands   = 200
	maxRecipients = 50
	maxTalks      = 20
)

// Listen begins to take mails at an address.
func Listen(ctx context.Context, address string, noter Noter, log *slog.Logger) (*Listener, error) {
	at, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for returned mail: %w", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Listener{noter: noter, log: log, at: at, stop: stop}
	l.open.Go(func() { l.accept(ctx) })
	return l, nil
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.at.Addr() }

// Stop takes no more mails and waits for those under way.
func (l *Listener) Stop() {
	_ = l.at.Close()
	l.stop()
	l.open.Wait()
}

func (l *Listener) accept(ctx context.Context) {
	free := make(chan struct{}, maxTalks)
	for {
		conn, err := l.at.Accept()
		if err != nil {
			return
		}
		free <- struct{}{}
		l.open.Go(func() {
			defer func() { <-free; _ = conn.Close() }()
			ended := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer ended()
			_ = conn.SetDeadline(time.Now().Add(talkTime))
			if err := l.talk(ctx, conn); err != nil && ctx.Err() == nil {
				l.log.Debug("returned mail not taken", "error", err)
			}
		})
	}
}

// letterTo is a recipient of ours.
type letterTo struct {
	tenant  tenant.ID
	message uuid.UUID
}

var errLine = errors.New("a line is too long")

func (l *Listener) talk(ctx context.Context, conn net.Conn) error {
	in := bufio.NewReaderSize(conn, maxLine)
	say := func(line string) error { _, err := fmt.Fprint(conn, line+"\r\n"); return err }
	if err := say("220 tollhouse"); err != nil {
		return err
	}
	var to []letterTo
	lmtp := false
	for range maxCommands {
		line, more, err := in.ReadLine()
		if err != nil {
			return err
		}
		if more {
			return errLine
		}
		verb, rest, _ := strings.Cut(string(line), " ")
		answer := "250 ok"
		switch strings.ToUpper(verb) {
		case "LHLO":
			lmtp = true
			answer = "250-tollhouse\r\n250 8BITMIME"
		case "EHLO":
			answer = "250-tollhouse\r\n250 8BITMIME"
		case "HELO", "NOOP":
		case "MAIL", "RSET":
			to = nil
		case "RCPT":
			_, address, _ := strings.Cut(rest, ":")
			address, _, _ = strings.Cut(strings.TrimSpace(address), " ")
			id, message, ours := ReadReturnPath(address)
			switch {
			case !ours:
				answer = "550 5.1.1 no return path of ours"
			case len(to) == maxRecipients:
				answer = "452 4.5.3 too many recipients"
			default:
				to = append(to, letterTo{id, message})
			}
		case "DATA":
			if len(to) == 0 {
				answer = "503 5.5.1 no recipient"
				break
			}
			if err := say("354 go on"); err != nil {
				return err
			}
			if answer, err = l.take(ctx, in, to, lmtp); err != nil {
				return err
			}
			to = nil
		case "QUIT":
			return say("221 bye")
		default:
			answer = "502 5.5.1 not known"
		}
		if err := say(answer); err != nil {
			return err
		}
	}
	return say("421 too many commands")
}

// take reads a mail and keeps what it reports: LMTP answers for each recipient,
// SMTP once.
func (l *Listener) take(ctx context.Context, in *bufio.Reader, to []letterTo, lmtp bool) (string, error) {
	text, err := textproto.NewReader(in).ReadDotBytes()
	if err != nil {
		return "", err
	}
	found, err := ReadReport(bytes.NewReader(text))
	var answers []string
	for _, one := range to {
		answer := "250 taken"
		switch {
		case err != nil: // an answer of a person or a machine to a return path: nothing to note
			answer = "250 ignored"
		default:
			if noted := l.note(ctx, one, found); noted != nil && !errors.Is(noted, notice.ErrNotFound) && !errors.Is(noted, tenant.ErrUnknown) {
				l.log.Error("report of delivery not kept", "error", noted)
				answer = "451 4.3.0 try again"
			}
		}
		answers = append(answers, answer)
		if !lmtp && strings.HasPrefix(answer, "451") {
			return answer, nil
		}
	}
	if !lmtp {
		return answers[0], nil
	}
	return strings.Join(answers, "\r\n"), nil
}

func (l *Listener) note(ctx context.Context, to letterTo, found []Returned) error {
	for _, r := range found {
		if err := l.noter.NoteReport(ctx, to.tenant, reportOf(to.message, r)); err != nil {
			return err
		}
	}
	return nil
}
