package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrUnreachable means that the database could not be reached, or was lost on
// the way. Whether a commit that was under way counts is open: the same command
// again, under its key, finds out.
var ErrUnreachable = errors.New("the database can't be reached")

// Reached marks an error of the connection, rather than of what was asked, as
// ErrUnreachable. Others come back as they are.
func Reached(err error) error {
	if err == nil || errors.Is(err, ErrUnreachable) || !lost(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

func lost(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // our caller's haste
	}
	if pg, is := errors.AsType[*pgconn.PgError](err); is {
		// connection exceptions; the server is told to end, crashed, or starts
		return strings.HasPrefix(pg.Code, "08") || pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03"
	}
	if _, is := errors.AsType[*pgconn.ConnectError](err); is {
		return true
	}
	if _, is := errors.AsType[*net.OpError](err); is {
		return true
	}
	return errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}
