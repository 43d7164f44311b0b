package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A sender that announces a body and then says nothing must not hold its
// connection, also where nobody reads the body.
func TestServe_waitsForNoBodyForEver(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	go func() { ended <- Serve(ctx, listener, refuse, slog.New(slog.DiscardHandler)) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(readTimeout + 5*time.Second))
	_, err = io.Copy(io.Discard, conn) // until the server closes
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection is still open")
	}
}

// A path that is known answers another method with those that it has.
func TestServe_wrongMethodNamesTheRightOnes(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{"/users": "GET", "/sign-in": "POST", "/roles/clerk": "DELETE"} {
		got := w.send(request{method: "TRACE", path: w.path(path)}).want(t, 405)
		if allow := got.header.Get("Allow"); !strings.Contains(allow, want) || strings.Contains(allow, "TRACE") {
			t.Errorf("%s allows %q", path, allow)
		}
		if _, err := got.faults(); err != nil {
			t.Error(err)
		}
	}
	w.send(request{method: "TRACE", path: w.path("/nothing")}).want(t, 404)
}
