package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

type jsonReader struct {
	text  []byte
	dec   *json.Decoder
	lines Lines
}

func readJSON(text []byte, lines Lines) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	r := &jsonReader{text, dec, lines}
	value, err := r.value("", 0)
	if err != nil {
		return nil, r.explain(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("", r.line(), "text after the end of the document")
	}
	return value, nil
}

func (r *jsonReader) line() int { return lineOf(r.text, int(r.dec.InputOffset())) }

func (r *jsonReader) explain(err error) error {
	var invalid *InvalidError
	if errors.As(err, &invalid) {
		return err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return refuse("", lineOf(r.text, int(syntax.Offset)), "not JSON: "+syntax.Error())
	}
	return refuse("", r.line(), "not JSON: the text ends too early")
}

func (r *jsonReader) value(path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, refuse(path, r.line(), "nested too deeply")
	}
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	if _, seen := r.lines[path]; !seen {
		r.lines[path] = r.line()
	}
	switch token {
	case json.Delim('{'):
		return r.object(path, depth)
	case json.Delim('['):
		return r.list(path, depth)
	}
	return token, nil
}

func (r *jsonReader) object(path string, depth int) (any, error) {
	object := map[string]any{}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok {
			return nil, refuse(path, r.line(), "a key must be a text")
		}
		child := childKey(path, key)
		if _, twice := object[key]; twice {
			return nil, refuse(child, r.line(), "key stands twice")
		}
		r.lines[child] = r.line()
		if object[key], err = r.value(child, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := r.dec.Token()
	return object, err
}

func (r *jsonReader) list(path string, depth int) (any, error) {
	list := []any{}
	for r.dec.More() {
		item, err := r.value(childIndex(path, len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := r.dec.Token()
	return list, err
}
