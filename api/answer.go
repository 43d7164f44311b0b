package api

import (
	"bytes"
	"net/http"
)

// answer is what a command says, as bytes: the stored form of a repeat and the
// first one are the same by construction.
type answer struct {
	status  int
	headers map[string]string
	body    []byte
	replay  bool // it was stored before this request
}

const replayedHeader = "Idempotency-Replayed"

// write sends the answer; none means that the handler has written its own.
func (a *answer) write(w http.ResponseWriter) error {
	if a == nil {
		return nil
	}
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	if a.replay {
		w.Header().Set(replayedHeader, "true")
	}
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	return err
}

// recorder takes down what a generated response writes.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
func (r *recorder) WriteHeader(status int)      { r.status = status }

// render writes a response down.
func render[R any](response R, visit func(R, http.ResponseWriter) error) (answer, error) {
	r := &recorder{status: http.StatusOK, header: http.Header{}}
	if err := visit(response, r); err != nil {
		return answer{}, err
	}
	headers := map[string]string{}
	for name := range r.header {
		headers[name] = r.header.Get(name)
	}
	return answer{status: r.status, headers: headers, body: r.body.Bytes()}, nil
}
