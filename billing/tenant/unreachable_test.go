package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestReached(t *testing.T) {
	refused := errors.New("refused")
	for name, row := range map[string]struct {
		err  error
		lost bool
	}{
		"nothing":            {nil, false},
		"a rule":             {refused, false},
		"a broken rule":      {&pgconn.PgError{Code: "23505"}, false},
		"the caller left":    {fmt.Errorf("%w: %w", context.Canceled, io.ErrUnexpectedEOF), false},
		"the server ends":    {fmt.Errorf("read: %w", &pgconn.PgError{Code: "57P01"}), true},
		"the server starts":  {&pgconn.PgError{Code: "57P03"}, true},
		"nobody listens":     {&net.OpError{Op: "dial", Err: refused}, true},
		"cut in the middle":  {fmt.Errorf("commit: %w", io.ErrUnexpectedEOF), true},
		"connection failure": {&pgconn.PgError{Code: "08006"}, true},
	} {
		got := Reached(row.err)
		if errors.Is(got, ErrUnreachable) != row.lost || !errors.Is(got, row.err) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
