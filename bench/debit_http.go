package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// overHTTP asks the public API of a server on a loopback address, with the key
// of a machine, over connections that are kept. What the asker spends on its
// side is part of what is measured: it is kept small.
func overHTTP(ctx context.Context, d *debitHouse) (debit, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if err := d.serve(ctx, listener); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	callers := make([]*caller, len(d.stacks))
	for i := range d.stacks {
		if callers[i], err = d.caller(ctx, d.stacks[i].stack, listener.Addr().String()); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, stack, subscriber int, key string, at time.Time) error {
		return callers[stack].debit(ctx, d.stacks[stack].feed.Name, subscriber, key, at)
	}, nil
}

// serve answers until the house is closed. What is logged goes to a file, as it
// does where the product runs. Keys, and what is remembered of them, go by the
// time that passes: the house's own clock stands still.
func (d *debitHouse) serve(ctx context.Context, listener net.Listener) error {
	file, err := os.Create(filepath.Join(d.dir, "api.log"))
	if err != nil {
		return err
	}
	d.onStop(func() { _ = file.Close() })
	log := slog.New(slog.NewJSONHandler(file, nil))
	echo, err := api.New(api.Config{Host: d.host, Authority: d.authority, Passwords: d.passwords, Log: log, Now: time.Now,
		Ready: d.host.Ready, PublicURL: "http://" + listener.Addr().String()})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- api.Serve(serving, listener, api.ByHostName(echo), log) }()
	d.onStop(func() {
		stop()
		if err := <-served; err != nil {
			d.log.Warn("API did not stop in good order", "error", err)
		}
	})
	return nil
}

// caller is a machine of an operator with its connections.
type caller struct {
	address, head string
	idle          chan *line
}

// line is one connection that is kept.
type line struct {
	net.Conn
	in     *bufio.Reader
	out    []byte
	answer []byte
}

func (d *debitHouse) caller(ctx context.Context, stack *billing.Stack, address string) (*caller, error) {
	var secret string
	err := stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		var owner uuid.UUID
		if err := tx.QueryRow(ctx, `select id from app_user where role = $1`, identity.Owner).Scan(&owner); err != nil {
			return fmt.Errorf("find the owner: %w", err)
		}
		by := identity.Principal{Kind: identity.UserPrincipal, UserID: owner, Role: identity.Owner, Tenant: tx.Tenant}
		_, secret, err = d.authority.AddAPIKey(ctx, tx, by, identity.NewAPIKey{Name: "bench", Role: identity.Machine})
		return err
	})
	if err != nil {
		return nil, err
	}
	c := &caller{address: address, idle: make(chan *line, 1<<10)}
	c.head = "POST /t/" + stack.Ref.Name + "/v1/charging/events HTTP/1.1\r\nHost: " + address +
		"\r\nAuthorization: Bearer " + secret + "\r\nContent-Type: application/json\r\nContent-Length: "
	d.onStop(c.hangUp)
	return c, nil
}

func (c *caller) hangUp() {
	for {
		select {
		case l := <-c.idle:
			_ = l.Close()
		default:
			return
		}
	}
}

func (c *caller) line(ctx context.Context) (*line, error) {
	select {
	case l := <-c.idle:
		return l, nil
	default:
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.address)
		if err != nil {
			return nil, err
		}
		return &line{Conn: conn, in: bufio.NewReader(conn)}, nil
	}
}

// debit charges one event and reads what it was charged.
func (c *caller) debit(ctx context.Context, source string, subscriber int, key string, at time.Time) error {
	l, err := c.line(ctx)
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"source":%q,"event":{"id":%q,"kind":"content","identity":{"kind":"msisdn","value":%q},"start":%q,"quantity":1,"unit":"event","destination":"game"}}`,
		source, key, msisdn(subscriber), at.Format(time.RFC3339Nano))
	l.out = fmt.Appendf(l.out[:0], "%s%d\r\n\r\n%s", c.head, len(body), body)
	if err := l.ask(); err != nil {
		return errors.Join(err, l.Close())
	}
	c.idle <- l
	return nil
}

// ask sends a request and reads its answer, of which no more is looked at than
// has to be: whoever asks shares the processors with what is measured.
func (l *line) ask() error {
	if _, err := l.Write(l.out); err != nil {
		return err
	}
	head, err := l.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	good, length := bytes.Contains(head, []byte(" 200 ")), 0
	for {
		field, err := l.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(field) <= len("\r\n") {
			break
		}
		if text, is := bytes.CutPrefix(field, []byte("Content-Length: ")); is {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
				return err
			}
		}
	}
	if cap(l.answer) < length {
		l.answer = make([]byte, length)
	}
	l.answer = l.answer[:length]
	if _, err := io.ReadFull(l.in, l.answer); err != nil {
		return err
	}
	if !good || !bytes.Contains(l.answer, []byte(`"charge":"`)) || !bytes.Contains(l.answer, []byte(`"repeat":false`)) {
		return fmt.Errorf("debit over HTTP: %.300s is no first charge", l.answer)
	}
	return nil
}
