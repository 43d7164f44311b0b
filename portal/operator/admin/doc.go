// Package admin is the part of an operator's console for the operator itself:
// its door, people and roles, API keys, settings and branding, import,
// readiness, the sandbox copy, access by hosting staff, messages and audit.
//
// It translates: reads a form, calls the domain, shows what came of it. It owns
// no rule of the business; the door's own pages are portal/door's.
//
// Always true:
//   - A form that is sent twice has one effect, and one audit row.
//   - A secret is shown once, in the answer to the form that made it, and the
//     text of a message that opens somebody's door to its recipient alone.
//   - Nobody is offered, or given, more rights than they have.
//   - Work that may take longer than a page goes on behind it, and is watched.
package admin
