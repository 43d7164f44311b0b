package document

import (
	"fmt"
	"strings"
)

// Finding is one fault of a document.
type Finding struct {
	// Path names the field, such as usage[2].rules[0].windows[1].to; it is
	// empty for the document as a whole.
	Path string `json:"path"`
	// Message says in plain words what is wrong and what would be right.
	Message string `json:"message"`
	// Want is what would be right, where the message doesn't say it.
	Want string `json:"want,omitempty"`
	// Severity is Fault unless said: a warning keeps nothing back.
	Severity Severity `json:"severity,omitempty"`
	// Line is counted from 1; 0 if the document was not read from text.
	Line int `json:"line,omitempty"`
}

// Severity says how bad a finding is.
type Severity string

// A fault keeps a document from being used; a warning wants a look.
const (
	Fault   Severity = ""
	Warning Severity = "warning"
)

// String returns "path: message".
func (f Finding) String() string {
	if f.Path == "" {
		return f.Message
	}
	return f.Path + ": " + f.Message
}

// InvalidError lists every finding of a refused document; there is at least
// one.
type InvalidError struct{ Findings []Finding }

// Error returns all findings in one line.
func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		texts[i] = f.String()
	}
	return strings.Join(texts, "; ")
}

// Lines knows on which line each path of a document stands.
type Lines map[string]int

// Of returns the line of path or, if the document has no such path, of its
// closest parent; 0 if there is none.
func (l Lines) Of(path string) int {
	for {
		if line, ok := l[path]; ok {
			return line
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return l[""]
		}
		path = path[:cut]
	}
}

// Locate fills in the lines of findings.
func (l Lines) Locate(findings []Finding) []Finding {
	for i := range findings {
		findings[i].Line = l.Of(findings[i].Path)
	}
	return findings
}

func childKey(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func childIndex(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
