package machine

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Headers of a signed request. HeaderTime and HeaderNumber also come with a
// refusal: what the clock says here, and the number that was heard last.
const (
	HeaderMachine   = "Tollhouse-Machine"
	HeaderTime      = "Tollhouse-Time"
	HeaderNumber    = "Tollhouse-Number"
	HeaderSignature = "Tollhouse-Signature"
)

// Tolerance is how far a request's time may be from ours, either way.
const Tolerance = 5 * time.Minute

// Request is a request as it is signed.
type Request struct {
	Method  string
	Path    string // with its query
	Machine uuid.UUID
	Time    time.Time
	Number  int64
	Body    []byte
}

// Signed is a request with its signature.
type Signed struct {
	Request
	Signature []byte
}

// text is what a signature is made over. Every part has a line of its own and
// none holds a line break, so that it cannot be read in two ways.
func (r Request) text() []byte {
	sum := sha256.Sum256(r.Body)
	return fmt.Appendf(nil, "tollhouse-machine-1\n%s\n%s\n%s\n%s\n%d\n%x\n", r.Method, r.Path, r.Machine, r.Time.UTC().Format(time.RFC3339Nano), r.Number, sum)
}

// Signed signs the request.
func (r Request) Signed(key ed25519.PrivateKey) Signed {
	return Signed{Request: r, Signature: ed25519.Sign(key, r.text())}
}

// By says whether the holder of this key signed it.
func (s Signed) By(public ed25519.PublicKey) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, s.text(), s.Signature)
}

// Put writes the signature into a request's headers.
func (s Signed) Put(h http.Header) {
	h.Set(HeaderMachine, s.Machine.String())
	h.Set(HeaderTime, s.Time.UTC().Format(time.RFC3339Nano))
	h.Set(HeaderNumber, strconv.FormatInt(s.Number, 10))
	h.Set(HeaderSignature, base64.StdEncoding.EncodeToString(s.Signature))
}

// ErrUnsigned means that a request's signature is missing or cannot be read.
var ErrUnsigned = errors.New("the request is not signed as a machine's must be")

// ReadSigned reads a request's signature from its headers. Whether it is right
// is another question.
func ReadSigned(method, path string, h http.Header, body []byte) (Signed, error) {
	s := Signed{Request: Request{Method: method, Path: path, Body: body}}
	var err error
	if s.Machine, err = uuid.Parse(h.Get(HeaderMachine)); err != nil {
		return Signed{}, fmt.Errorf("%w: %s is no id", ErrUnsigned, HeaderMachine)
	}
	if s.Time, err = time.Parse(time.RFC3339Nano, h.Get(HeaderTime)); err != nil {
		return Signed{}, fmt.Errorf("%w: %s is no time", ErrUnsigned, HeaderTime)
	}
	if s.Number, err = strconv.ParseInt(h.Get(HeaderNumber), 10, 64); err != nil || s.Number <= 0 {
		return Signed{}, fmt.Errorf("%w: %s is no number above zero", ErrUnsigned, HeaderNumber)
	}
	if s.Signature, err = base64.StdEncoding.DecodeString(h.Get(HeaderSignature)); err != nil || len(s.Signature) != ed25519.SignatureSize {
		return Signed{}, fmt.Errorf("%w: %s is no signature", ErrUnsigned, HeaderSignature)
	}
	return s, nil
}
