package api

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
)

// defaultPage is how many items a page has unless asked otherwise.
const defaultPage = 50

// pageLimit is the size that was asked for; the document bounds it.
func pageLimit(limit *oapi.Limit) int {
	if limit == nil {
		return defaultPage
	}
	return *limit
}

// cut takes a page off a list that was read one item longer, and names the
// place where the next page begins: the key of the page's last item.
func cut[T any](items []T, limit *oapi.Limit, key func(T) []string) (page []T, next *string) {
	n := pageLimit(limit)
	if len(items) <= n {
		return items, nil
	}
	return items[:n], newCursor(key(items[n-1])...)
}

func newCursor(key ...string) *string {
	text := base64.RawURLEncoding.EncodeToString([]byte(strings.Join(key, "\n")))
	return &text
}

// idCursor is the cursor of a list that says itself where the next page begins.
func idCursor(next uuid.UUID) *string {
	if next == uuid.Nil {
		return nil
	}
	return newCursor(next.String())
}

// first is the first part of a cursor, "" for the first page.
func first(parts []string) string {
	if parts == nil {
		return ""
	}
	return parts[0]
}

// cursorParts takes a cursor apart: the key of the last item seen, or nil for
// the first page.
func cursorParts(cursor *oapi.Cursor, parts int) ([]string, error) {
	if cursor == nil {
		return nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(*cursor)
	key := strings.Split(string(text), "\n")
	if err != nil || len(key) != parts {
		return nil, errCursor()
	}
	return key, nil
}

// afterID is the id a page begins after; zero for the first page.
func afterID(cursor *oapi.Cursor) (uuid.UUID, error) {
	key, err := cursorParts(cursor, 1)
	if err != nil || key == nil {
		return uuid.Nil, err
	}
	id, err := uuid.Parse(key[0])
	if err != nil {
		return uuid.Nil, errCursor()
	}
	return id, nil
}

func errCursor() error {
	return problem.InvalidRequest.New("", problem.Fault{Field: "cursor", Reason: "is no cursor of this list", Want: "the next of the page before"})
}
