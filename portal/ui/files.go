package ui

import (
	"context"
	"maps"
	"net/url"
)

// Files is a page's own address, from which a table leads to itself as a file.
// The zero value is of a page whose tables have none.
type Files struct {
	Path  string
	Query url.Values
}

type filesKey struct{}

// WithFiles lets the tables of a page lead to their files.
func WithFiles(ctx context.Context, f Files) context.Context {
	return context.WithValue(ctx, filesKey{}, f)
}

// fileOf is the address of a table's file; empty where there is none.
func fileOf(ctx context.Context, label, format string) string {
	f, _ := ctx.Value(filesKey{}).(Files)
	if f.Path == "" || label == "" {
		return ""
	}
	q := maps.Clone(f.Query)
	if q == nil {
		q = url.Values{}
	}
	q.Set("export", format)
	q.Set("table", label)
	return f.Path + "?" + q.Encode()
}
