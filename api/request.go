package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"tollhouse/api/problem"
)

const (
	idempotencyKey  = "Idempotency-Key"
	stripeSignature = "Stripe-Signature"
	streamType      = "application/octet-stream"
	jsonType        = "application/json"
	yamlType        = "application/yaml"
	formType        = "multipart/form-data"
)

// readRequest takes in the body, unless it is streamed, and holds the request
// against the document.
func (s *Server) readRequest(e echo.Context, c *call) error {
	r := e.Request()
	if err := checkQuery(r.URL.Query(), c.op); err != nil {
		return err
	}
	if c.op.stream {
		return s.openStream(e, c)
	}
	_ = http.NewResponseController(e.Response()).SetReadDeadline(time.Now().Add(c.op.timeout))
	body, err := readBody(e, c.op.maxBody)
	if err != nil {
		return err
	}
	c.body = body
	if c.op.plain {
		if c.plain = plainly(r, body); c.plain != nil {
			return nil
		}
	}
	if err := checkText(r, c.op, body); err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	// Who takes YAML reads it itself and tells the line; the validator would
	// say no more than that it cannot.
	return s.validate(e, c, openapi3filter.Options{ExcludeRequestBody: c.op.yaml && hasType(r, yamlType)})
}

// openStream checks a streamed request by its parameters. Every media type but
// a form is the file itself: programs that upload rarely know better.
func (s *Server) openStream(e echo.Context, c *call) error {
	r, limit := e.Request(), s.maxUpload
	if c.op.maxBody > 0 {
		limit = c.op.maxBody
	}
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	if !strings.HasPrefix(r.Header.Get(echo.HeaderContentType), formType) {
		r.Header.Set(echo.HeaderContentType, streamType)
	}
	r.Body = &patientBody{body: http.MaxBytesReader(e.Response(), r.Body, limit), control: http.NewResponseController(e.Response())}
	return s.validate(e, c, openapi3filter.Options{ExcludeRequestBody: true})
}

func (s *Server) validate(e echo.Context, c *call, options openapi3filter.Options) error {
	options.MultiError = true
	options.SkipSettingDefaults = true
	options.SchemaValidationOptions = formats
	params := map[string]string{}
	for _, name := range e.ParamNames() {
		params[name] = e.Param(name)
	}
	err := openapi3filter.ValidateRequest(e.Request().Context(), &openapi3filter.RequestValidationInput{
		Request: e.Request(), PathParams: params, Route: c.op.route, Options: &options})
	if err != nil {
		return problem.InvalidRequest.New("", faultsOf(err)...)
	}
	return nil
}

func readBody(e echo.Context, limit int64) ([]byte, error) {
	r := e.Request()
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body, err := io.ReadAll(http.MaxBytesReader(e.Response(), r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge(limit)
	case err != nil:
		return nil, problem.InvalidRequest.New("", problem.Fault{Field: "body", Reason: "ends too early", Want: "as many bytes as announced, in time"})
	}
	return body, nil
}

func tooLarge(limit int64) error {
	return problem.TooLarge.New("", problem.Fault{Field: "body", Reason: "is too large", Want: fmt.Sprintf("at most %d bytes", limit)})
}

// patientBody gives a slow sender time, but no silence for ever.
type patientBody struct {
	body    io.ReadCloser
	control *http.ResponseController
}

// silence is how long a sender of a stream may pause.
const silence = time.Minute

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(silence)) // where the connection has none, nothing is lost
	n, err := b.body.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{}) // what follows the body has its own bound
	}
	return n, err
}

func (b *patientBody) Close() error { return b.body.Close() }
