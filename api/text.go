package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"tollhouse/api/problem"
	"tollhouse/billing/jsontext"
)

// hasType says whether a body is announced as a media type, with or without
// parameters such as a charset.
func hasType(r *http.Request, mediaType string) bool {
	return strings.HasPrefix(r.Header.Get(echo.HeaderContentType), mediaType)
}

// notText says whether a database could not keep a text: PostgreSQL takes
// UTF-8 without zero bytes.
func notText(text string) bool { return !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 }

func noText(field string) problem.Fault {
	return problem.Fault{Field: field, Reason: "is no text", Want: "text in UTF-8 without zero bytes"}
}

// checkText refuses a body that is not UTF-8, or no whole JSON value, with the
// place where it breaks; decoders further in stop at the end of the first value,
// and take the last of two fields with one name.
func checkText(r *http.Request, op *operation, body []byte) error {
	if !utf8.Valid(body) {
		return problem.InvalidRequest.New("", problem.Fault{Field: "body", Reason: "is not UTF-8", Want: "text in UTF-8"})
	}
	if len(body) == 0 || !hasType(r, jsonType) {
		return nil
	}
	var value json.RawMessage
	err := json.Unmarshal(body, &value)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return problem.InvalidRequest.New("", problem.Fault{Field: "body",
			Reason: fmt.Sprintf("is no JSON from byte %d on", syntax.Offset), Want: "one JSON value"})
	}
	if err != nil {
		return err
	}
	repeated := jsontext.Repeated
	if op.perItem {
		repeated = jsontext.RepeatedOutside
	}
	if name, found := repeated(body); found {
		return problem.InvalidRequest.New("", problem.Fault{Field: orBody(name), Reason: "stands twice in one object", Want: "each name once"})
	}
	if op.perItem {
		return nil
	}
	return checkEscapes(body)
}

// checkEscapes refuses zero bytes that escapes write into texts. Few bodies
// hold the escape at all; only those are decoded for it.
func checkEscapes(body []byte) error {
	if !bytes.Contains(body, []byte(`\u0000`)) {
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	if faults := zeroBytes(value, nil); len(faults) > 0 {
		return problem.InvalidRequest.New("", faults[:min(len(faults), maxFaults)]...)
	}
	return nil
}

// zeroBytes names the fields whose texts hold a zero byte.
func zeroBytes(value any, path []string) (faults []problem.Fault) {
	below := func(step string) []string { return append(slices.Clone(path), step) }
	switch v := value.(type) {
	case string:
		if notText(v) {
			faults = append(faults, noText(orBody(fieldPath("", path))))
		}
	case []any:
		for i, item := range v {
			faults = append(faults, zeroBytes(item, below(fmt.Sprint(i)))...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if notText(key) {
				faults = append(faults, noText(orBody(fieldPath("", path))))
				continue
			}
			faults = append(faults, zeroBytes(v[key], below(key))...)
		}
	}
	return faults
}
