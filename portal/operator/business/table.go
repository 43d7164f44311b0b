package business

import (
	"github.com/google/uuid"

	"tollhouse/portal/ui"
)

// Bounds of lists.
const (
	rowsAPage = 50
	rowsACSV  = 50_000 // more than that is a report of its own
)

// filter is one control of a list's filters.
type filter struct {
	name, label string
	kind        string // of the input; a select if empty
	value       string
	choices     []ui.Choice
}

// pager is where a list goes on.
type pager struct{ first, next, told string }

// parseID reads an id of an address or a form; what is none is nobody's.
func parseID(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}
